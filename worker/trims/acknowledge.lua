-- Forget messages that are done with.
-- KEYS: unacknowledged by time, unacknowledged
-- ARGV: tags ...
for at = 1, #ARGV, 1000 do
  redis.call('ZREM', KEYS[1], unpack(ARGV, at, math.min(at + 999, #ARGV)))
  redis.call('HDEL', KEYS[2], unpack(ARGV, at, math.min(at + 999, #ARGV)))
end
return #ARGV
