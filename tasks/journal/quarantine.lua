-- Set a queue entry aside, and let go of what is too old or too much; the newest stays in any case.
-- KEYS: ids by their time, the entry
-- ARGV: id, prefix of the entries' keys, lifetime in ms, most entries, most bytes, lane, reason, size, facts,
--       the entry as it was ('' where it is too large to be kept)
-- Returns how many others were let go of to make room.
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[3])

if redis.call('EXISTS', KEYS[2]) == 0 then
  redis.call('HSET', KEYS[2], 'first', now, 'lane', ARGV[6], 'reason', ARGV[7], 'size', ARGV[8],
    'facts', ARGV[9], 'raw', ARGV[10])
end
redis.call('HINCRBY', KEYS[2], 'times', 1)
redis.call('HSET', KEYS[2], 'last', now)
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[3])

local bytes = 0
local gone = 0
for i, id in ipairs(redis.call('ZREVRANGE', KEYS[1], 0, -1)) do
  bytes = bytes + redis.call('HSTRLEN', ARGV[2] .. id, 'raw')
  if i > 1 and (i > tonumber(ARGV[4]) or bytes > tonumber(ARGV[5])) then
    redis.call('DEL', ARGV[2] .. id)
    redis.call('ZREM', KEYS[1], id)
    gone = gone + 1
  end
end
return gone
