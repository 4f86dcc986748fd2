-- Open a mail again that was not sent to everybody: a terminal state -> queued, under the same identity.
-- KEYS: mail, open mails, [idempotency key]
-- ARGV: mail id, fence and state that were read, payload, progress, ms that its message may stay unseen
-- Returns 1, or 0 when the mail has changed since it was read, or is forgotten.
local mail = redis.call('HMGET', KEYS[1], 'fence', 'state', 'fingerprint')
if mail[1] ~= ARGV[2] or mail[2] ~= ARGV[3] then
  return 0
end
-- The fence rises, so that whoever read the record before cannot cancel this new life of the mail.
redis.call('HINCRBY', KEYS[1], 'fence', 1)
redis.call('HINCRBY', KEYS[1], 'resends', 1)
redis.call('HDEL', KEYS[1], 'result', 'history', 'started', 'lease')
redis.call('HSET', KEYS[1], 'state', 'queued', 'payload', ARGV[4], 'progress', ARGV[5],
  'due', now, 'published', now, 'runs', 0)
redis.call('PERSIST', KEYS[1])
redis.call('ZADD', KEYS[2], now + tonumber(ARGV[6]), ARGV[1])
if KEYS[3] then
  if redis.call('EXISTS', KEYS[3]) == 0 then
    redis.call('HSET', KEYS[3], 'mail', ARGV[1], 'fingerprint', mail[3])
  elseif redis.call('HGET', KEYS[3], 'mail') == ARGV[1] then
    redis.call('PERSIST', KEYS[3])
  end
end
return 1
