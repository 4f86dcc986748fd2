-- Take a mail in: (none) -> queued.
-- KEYS: open mails, mail, [idempotency key, the same under each older sealing key ...], [the message's queue]
-- ARGV: ms after which the sweeper first looks at it,
--       lane, payload, fingerprint, delay in ms before it is due, message to publish or '',
--       whom to tell of its end or '', [fingerprint under each older sealing key ...]
-- Returns accepted | known | same <first id> | conflict <first id>
local id, fingerprint, message, notify = id_of(KEYS[2]), ARGV[4], ARGV[6], ARGV[7]
local marks = message == '' and #KEYS or #KEYS - 1

for i = 3, marks do
  local first = redis.call('HMGET', KEYS[i], 'mail', 'fingerprint')
  if first[1] and first[1] ~= id then
    return { first[2] == (i == 3 and fingerprint or ARGV[i + 4]) and 'same' or 'conflict', first[1] }
  end
end
if redis.call('EXISTS', KEYS[2]) == 1 then
  return { 'known', id }
end

local delay, accepted = tonumber(ARGV[5]), text(now)
local due = delay > 0 and text(now + delay) or accepted
-- A mail that is due later has no message in the queue yet: the sweeper publishes it in its time.
local published = delay > 0 and '0' or accepted
redis.call('HSET', KEYS[2], 'state', 'queued', 'lane', ARGV[2], 'payload', ARGV[3],
  'key', marks >= 3 and KEYS[3] or '', 'fingerprint', fingerprint,
  'accepted', accepted, 'due', due, 'published', published, 'fence', '0', 'runs', '0')
opened[#opened + 1] = delay > 0 and due or text(now + tonumber(ARGV[1]))
opened[#opened + 1] = id
if notify ~= '' then
  redis.call('HSET', KEYS[2], 'notify', notify)
end
if marks >= 3 then
  redis.call('HSET', KEYS[3], 'mail', id, 'fingerprint', fingerprint)
end
if message ~= '' then
  local queue = KEYS[#KEYS]
  pushed[queue] = pushed[queue] or {}
  table.insert(pushed[queue], message)
end
return { 'accepted', id }
