-- Move a mail that is in hand: sending | data -> sending | data | queued | a terminal state.
-- KEYS: open mails, mail
-- ARGV: of the entries for Celery's backend that hold the results too: prefix of their keys or '' where there are
--       none, seconds to keep them, and what they say, with a %s for the result and one for the mail id as JSON;
--       fence, next state or '' to renew the lease only, ms until the lease is over or the mail is due
--       again (ms to keep the record, for a terminal state),
--       then field, value, field, value ..., of a terminal state the result first
-- Returns 1, or 0 when the fence is stale: another worker has taken the mail over.
local id, state = id_of(KEYS[2]), ARGV[5]
local stays = state == '' or state == 'sending' or state == 'data'
-- What it needs only: each field that is asked for costs time.
local mail = stays and redis.call('HMGET', KEYS[2], 'fence', 'state', 'lease')
  or redis.call('HMGET', KEYS[2], 'fence', 'state', 'key', 'notify')
if mail[1] ~= ARGV[4] or (mail[2] ~= 'sending' and mail[2] ~= 'data') then
  return 0
end

if stays then
  if state ~= '' then
    redis.call('HSET', KEYS[2], 'state', state, unpack(ARGV, 7))
  end
  -- A step renews the lease only where its keeper is late: the set of open mails costs more than the rest.
  if state == '' or (mail[3] or 0) - now < ARGV[6] / 2 then
    local lease = text(now + ARGV[6])
    redis.call('HSET', KEYS[2], 'lease', lease)
    opened[#opened + 1] = lease
    opened[#opened + 1] = id
  end
elseif state == 'queued' then
  local due = text(now + ARGV[6])
  redis.call('HSET', KEYS[2], 'state', state, 'due', due, 'runs', '0', unpack(ARGV, 7))
  opened[#opened + 1] = due
  opened[#opened + 1] = id
else
  -- Overwritten with nothing, which is one command less than deleting the fields.
  redis.call('HSET', KEYS[2], 'state', state, 'payload', '', 'progress', '', unpack(ARGV, 7))
  closed[#closed + 1] = id
  redis.call('PEXPIRE', KEYS[2], ARGV[6])
  if mail[3] and mail[3] ~= '' then
    redis.call('PEXPIRE', mail[3], ARGV[6])
  end
  if ARGV[1] ~= '' then
    -- Any program of Celery's chooses the ids of its mails, quotes and all.
    local copy = string.format(ARGV[3], ARGV[8], cjson.encode(id))
    redis.call('SET', ARGV[1] .. id, copy, 'EX', ARGV[2])
    redis.call('PUBLISH', ARGV[1] .. id, copy)
  end
  if mail[4] then
    -- Somebody is to be told: noted in this step, so that no end is missed (docs/decisions/0043).
    redis.call('XADD', 'postroom:hooks:ended', '*', 'mail', id, unpack(redis.call('HGETALL', KEYS[2])))
  end
end
return 1
