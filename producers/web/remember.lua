-- Note which mails a key hands in, before they are accepted; and forget some that are long past.
-- KEYS: mails of the key (by time), its references (by name)
-- ARGV: seconds that the lists are kept without a new mail, microseconds that a mail may take to be accepted,
--       prefix of mails' records, then mail id, name of its reference or '' ...
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local last = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')
-- No two mails of a key have the same moment, so that a moment is a place in the list.
local moment = math.max(now, last[2] and tonumber(last[2]) + 1 or 0)

-- For each that comes, four are looked at, drawn by lot: so at most one in four or five is past.
local count = math.min(100, 2 * (#ARGV - 3))
for _, id in ipairs(redis.call('ZRANDMEMBER', KEYS[1], count)) do
  if redis.call('EXISTS', ARGV[3] .. id) == 0
      and tonumber(redis.call('ZSCORE', KEYS[1], id)) < now - tonumber(ARGV[2]) then
    redis.call('ZREM', KEYS[1], id)
  end
end
for _, entry in ipairs(redis.call('ZRANDMEMBER', KEYS[2], count)) do
  local _, at, id = string.match(entry, '^(%x+):(%d+):(.+)$')
  if redis.call('EXISTS', ARGV[3] .. id) == 0 and tonumber(at) < now - tonumber(ARGV[2]) then
    redis.call('ZREM', KEYS[2], entry)
  end
end

for i = 4, #ARGV, 2 do
  redis.call('ZADD', KEYS[1], string.format('%.0f', moment), ARGV[i])
  if ARGV[i + 1] ~= '' then
    redis.call('ZADD', KEYS[2], 0, ARGV[i + 1] .. ':' .. string.format('%016.0f', moment) .. ':' .. ARGV[i])
  end
  moment = moment + 1
end
for i = 1, 2 do
  if redis.call('TTL', KEYS[i]) < tonumber(ARGV[1]) then
    redis.call('EXPIRE', KEYS[i], ARGV[1])
  end
end
return moment - 1
