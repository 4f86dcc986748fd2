-- Move a mail that is in hand: sending | data -> sending | data | queued | a terminal state.
-- KEYS: open mails, mail
-- ARGV: of the entries for Celery's backend that hold the results too: prefix of their keys or '' where there are
--       none, seconds to keep them, and what they say, with a %s for the result and one for the mail id as JSON;
--       ms of a lease, ms to keep the record of a mail that ended;
--       fence, next state (or 'renew' or 'free': its lease only is renewed or over), then
--       for a terminal state the result, for the others progress [, history [, ms before it is due, if queued]];
--       no progress before a dot ('') is that all recipients are in doubt, and that nothing was known of any before
-- Returns 1, or 0 when the fence is stale: another worker has taken the mail over.
local id, state = id_of(KEYS[2]), ARGV[7]
local stays = state == 'data' or state == 'sending' or state == 'renew' or state == 'free'
-- What it needs only: each field that is asked for costs time.
local mail = stays and redis.call('HMGET', KEYS[2], 'fence', 'state', 'lease')
  or redis.call('HMGET', KEYS[2], 'fence', 'state', 'key', 'notify', 'progress')
if mail[1] ~= ARGV[6] or (mail[2] ~= 'sending' and mail[2] ~= 'data') then
  return 0
end

if stays then
  local lasting = state == 'free' and 0 or number(ARGV[4])
  if ARGV[9] then
    redis.call('HSET', KEYS[2], 'state', state, 'progress', ARGV[8], 'history', ARGV[9])
  elseif ARGV[8] == '' and state == 'data' then
    redis.call('HSET', KEYS[2], 'state', state)
  elseif ARGV[8] then
    redis.call('HSET', KEYS[2], 'state', state, 'progress', ARGV[8])
  end
  -- A step renews the lease only where its keeper is late: the set of open mails costs more than the rest.
  if not ARGV[8] or (number(mail[3]) or 0) - now < lasting / 2 then
    local lease = text(now + lasting)
    redis.call('HSET', KEYS[2], 'lease', lease)
    opened[#opened + 1] = lease
    opened[#opened + 1] = id
  end
elseif state == 'queued' then
  local due = text(now + number(ARGV[10]))
  redis.call('HSET', KEYS[2], 'state', state, 'due', due, 'runs', '0', 'progress', ARGV[8], 'history', ARGV[9])
  opened[#opened + 1] = due
  opened[#opened + 1] = id
else
  -- Overwritten with nothing, which is one command less than deleting the fields.
  if (mail[5] or '') == '' then
    redis.call('HSET', KEYS[2], 'state', state, 'payload', '', 'result', ARGV[8])
  else
    redis.call('HSET', KEYS[2], 'state', state, 'payload', '', 'result', ARGV[8], 'progress', '')
  end
  closed[#closed + 1] = id
  redis.call('PEXPIRE', KEYS[2], ARGV[5])
  if mail[3] and mail[3] ~= '' then
    redis.call('PEXPIRE', mail[3], ARGV[5])
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
