-- Have a delivery made again from its first attempt on, now.
-- KEYS: delivery, its attempts, deliveries of the key by due time, those under way, the key's receiver,
--       keys by due time
-- ARGV: delivery id, key id, fingerprint of the receiver's address, ms to keep the delivery
-- Returns queued | missing | disabled.
if redis.call('HGET', KEYS[1], 'key') ~= ARGV[2] then
  return 'missing'
end
local receiver = redis.call('HMGET', KEYS[5], 'address', 'disabled')
if receiver[1] == ARGV[3] and receiver[2] and string.sub(ARGV[1], 1, 5) ~= 'test_' then
  return 'disabled'
end
redis.call('HSET', KEYS[1], 'state', 'pending', 'tries', 0)
-- Whoever has it now may still deliver it, but no longer give it up.
redis.call('HINCRBY', KEYS[1], 'claim', 1)
redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('PEXPIRE', KEYS[2], ARGV[4])
-- One that is under way comes again when its lease is over.
local due = math.max(now, tonumber(redis.call('ZSCORE', KEYS[4], ARGV[1]) or 0))
redis.call('ZADD', KEYS[3], due, ARGV[1])
redis.call('ZADD', KEYS[6], 'LT', due, ARGV[2])
return 'queued'
