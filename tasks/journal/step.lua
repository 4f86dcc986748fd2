-- Move a mail that is in hand: sending | data -> sending | data | queued | a terminal state.
-- KEYS: mail, open mails
-- ARGV: mail id, fence, next state or '' to keep it, ms until the lease is over or the mail is due again
--       (ms to keep the record, for a terminal state), for a terminal state whose result Celery's backend is to
--       have too: its key there or '', what stands before and behind the result, seconds to keep it;
--       then field, value, field, value ..., of a terminal state the result first
-- Returns 1, or 0 when the fence is stale: another worker has taken the mail over.
local mail = redis.call('HMGET', KEYS[1], 'fence', 'state', 'key', 'notify')
if mail[1] ~= ARGV[2] or (mail[2] ~= 'sending' and mail[2] ~= 'data') then
  return 0
end
local state = ARGV[3] ~= '' and ARGV[3] or mail[2]
local moment = now + tonumber(ARGV[4])
local fields = { 'state', state, unpack(ARGV, 9) }

if state == 'sending' or state == 'data' then
  redis.call('HSET', KEYS[1], 'lease', moment, unpack(fields))
  opened[#opened + 1] = moment
  opened[#opened + 1] = ARGV[1]
elseif state == 'queued' then
  redis.call('HSET', KEYS[1], 'due', moment, 'runs', 0, unpack(fields))
  opened[#opened + 1] = moment
  opened[#opened + 1] = ARGV[1]
else
  redis.call('HSET', KEYS[1], unpack(fields))
  redis.call('HDEL', KEYS[1], 'payload', 'progress', 'lease')
  closed[#closed + 1] = ARGV[1]
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
  if mail[3] and mail[3] ~= '' then
    redis.call('PEXPIRE', mail[3], ARGV[4])
  end
  if ARGV[5] ~= '' then
    local copy = ARGV[6] .. ARGV[10] .. ARGV[7]
    redis.call('SET', ARGV[5], copy, 'EX', ARGV[8])
    redis.call('PUBLISH', ARGV[5], copy)
  end
  if mail[4] then
    -- Somebody is to be told: noted in this step, so that no end is missed (docs/decisions/0043).
    redis.call('XADD', 'postroom:hooks:ended', '*', 'mail', ARGV[1], unpack(redis.call('HGETALL', KEYS[1])))
  end
end
return 1
