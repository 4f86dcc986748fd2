-- Count one more of something in each of several windows, unless one of them is full.
-- KEYS: a set of moments for each window
-- ARGV: a name for this one, then for each window: how many it holds, its length in ms
-- Returns the number of the first window that is full and the ms until it has room, or 0 and 0.
-- A name that the first window has already is counted once.
if redis.call('ZSCORE', KEYS[1], ARGV[1]) then
  return {0, 0}
end
local full, wait = 0, 0
for i, key in ipairs(KEYS) do
  local holds, length = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  redis.call('ZREMRANGEBYSCORE', key, 0, now - length)
  if redis.call('ZCARD', key) >= holds and full == 0 then
    local oldest = redis.call('ZRANGE', key, -holds, -holds, 'WITHSCORES')
    full, wait = i, oldest[2] and (oldest[2] + length - now) or length
  end
end
if full == 0 then
  for i, key in ipairs(KEYS) do
    redis.call('ZADD', key, now, ARGV[1])
    redis.call('PEXPIRE', key, ARGV[2 * i + 1])
  end
end
return {full, wait}
