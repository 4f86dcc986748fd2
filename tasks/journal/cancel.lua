-- Cancel a mail that waits: queued -> a terminal state, made from the record as it was read.
-- KEYS: mail, open mails
-- ARGV: mail id, fence that was read, state, result, ms to keep the record
-- Returns 1, or 0 when the mail does not wait any more, or has been taken up since it was read.
local mail = redis.call('HMGET', KEYS[1], 'fence', 'state', 'key', 'notify')
if mail[1] ~= ARGV[2] or mail[2] ~= 'queued' then
  return 0
end
redis.call('HSET', KEYS[1], 'state', ARGV[3], 'result', ARGV[4])
redis.call('HDEL', KEYS[1], 'payload', 'progress', 'lease')
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[5])
if mail[3] and mail[3] ~= '' then
  redis.call('PEXPIRE', mail[3], ARGV[5])
end
if mail[4] then
  -- Somebody is to be told: noted in this step, so that no end is missed (docs/decisions/0043).
  redis.call('XADD', 'postroom:hooks:ended', '*', 'mail', ARGV[1], unpack(redis.call('HGETALL', KEYS[1])))
end
return 1
