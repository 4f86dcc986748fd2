-- Take a mail in: (none) -> queued.
-- KEYS: mail, open mails, [idempotency key, the same under each older sealing key ...], [the message's queue]
-- ARGV: mail id, lane, payload, fingerprint, delay in ms before it is due, idempotency key or '',
--       ms that its message may stay unseen, message to publish or '', whom to tell of its end or '',
--       [fingerprint under each older sealing key ...]
-- Returns accepted | known | same <first id> | conflict <first id>
local marks = ARGV[8] == '' and #KEYS or #KEYS - 1

for i = 3, marks do
  local first = redis.call('HMGET', KEYS[i], 'mail', 'fingerprint')
  local fingerprint = i == 3 and ARGV[4] or ARGV[i + 6]
  if first[1] and first[1] ~= ARGV[1] then
    return { first[2] == fingerprint and 'same' or 'conflict', first[1] }
  end
end
if redis.call('EXISTS', KEYS[1]) == 1 then
  return { 'known', ARGV[1] }
end

local delay = tonumber(ARGV[5])
-- A mail that is due later has no message in the queue yet: the sweeper publishes it in its time.
local published = delay > 0 and 0 or now
redis.call('HSET', KEYS[1], 'state', 'queued', 'lane', ARGV[2], 'payload', ARGV[3], 'key', ARGV[6],
  'fingerprint', ARGV[4], 'accepted', now, 'due', now + delay, 'published', published, 'fence', 0, 'runs', 0)
opened[#opened + 1] = now + (delay > 0 and delay or tonumber(ARGV[7]))
opened[#opened + 1] = ARGV[1]
if ARGV[9] ~= '' then
  redis.call('HSET', KEYS[1], 'notify', ARGV[9])
end
if marks >= 3 then
  redis.call('HSET', KEYS[3], 'mail', ARGV[1], 'fingerprint', ARGV[4])
end
if ARGV[8] ~= '' then
  -- Whatever is wrong with the queue, the mail is accepted; the sweeper publishes it later.
  redis.pcall('LPUSH', KEYS[#KEYS], ARGV[8])
end
return { 'accepted', ARGV[1] }
