-- Make a delivery of an event, once however often it is asked for.
-- KEYS: delivery, deliveries of its key by due time, the same by age, keys by due time, stream of mails that ended
-- ARGV: delivery id, key id, the event's entry in the stream or '', ms to keep the delivery,
--       then field, value, field, value ...
-- Returns 1, or 0 where there is such a delivery already.
if ARGV[3] ~= '' then
  redis.call('XDEL', KEYS[5], ARGV[3])
end
if redis.call('EXISTS', KEYS[1]) == 1 then
  return 0
end
-- No two deliveries of a key have the same moment, so that a moment is a place in the list.
local last = redis.call('ZREVRANGE', KEYS[3], 0, 0, 'WITHSCORES')
local moment = math.max(now * 1000, last[2] and tonumber(last[2]) + 1 or 0)
redis.call('HSET', KEYS[1], 'key', ARGV[2], 'state', 'pending', 'made', now, 'tries', 0, 'claim', 0, unpack(ARGV, 5))
redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('ZADD', KEYS[2], now, ARGV[1])
redis.call('ZADD', KEYS[3], string.format('%.0f', moment), ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', string.format('%.0f', (now - tonumber(ARGV[4])) * 1000))
redis.call('PEXPIRE', KEYS[3], ARGV[4])
redis.call('ZADD', KEYS[4], 'LT', now, ARGV[2])
return 1
