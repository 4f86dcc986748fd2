-- Note what came of an attempt, and when the next one is due.
-- KEYS: delivery, its attempts, deliveries of the key by due time, those under way, the key's receiver,
--       keys by due time, counts
-- ARGV: delivery id, key id, claim, outcome (delivered | retry | failed), ms to wait, the attempt as JSON,
--       most attempts to keep, fingerprint of the receiver's address ('' where nothing was asked),
--       1 if it wants nothing more, ms of failing after which it is disabled
-- Returns 1 if the receiver has been disabled by this, else 0.
local stored = redis.call('HMGET', KEYS[1], 'claim', 'state')
local is_ours = stored[1] == ARGV[3]
local is_delivered = ARGV[4] == 'delivered'
redis.call('HINCRBY', KEYS[7], ARGV[4], 1)

local disabled = 0
if ARGV[8] ~= '' then
  if redis.call('HGET', KEYS[5], 'address') ~= ARGV[8] then
    redis.call('DEL', KEYS[5])
    redis.call('HSET', KEYS[5], 'address', ARGV[8])
  end
  if is_delivered then
    redis.call('HDEL', KEYS[5], 'failing', 'last', 'disabled', 'reason')
  else
    local before = redis.call('HMGET', KEYS[5], 'failing', 'last')
    -- Failures with half a day of silence between them are two stories.
    local goes_on = before[1] and now - tonumber(before[2]) < 12 * 3600 * 1000
    local failing = goes_on and tonumber(before[1]) or now
    redis.call('HSET', KEYS[5], 'failing', failing, 'last', now)
    local reason = ARGV[9] == '1' and 'gone' or (now - failing >= tonumber(ARGV[10]) and 'failing') or nil
    if reason and redis.call('HSETNX', KEYS[5], 'disabled', now) == 1 then
      redis.call('HSET', KEYS[5], 'reason', reason)
      disabled = 1
    end
  end
end

if stored[1] then
  redis.call('RPUSH', KEYS[2], ARGV[6])
  redis.call('LTRIM', KEYS[2], -tonumber(ARGV[7]), -1)
  redis.call('PEXPIRE', KEYS[2], math.max(1, redis.call('PTTL', KEYS[1])))
  redis.call('HINCRBY', KEYS[1], 'tries', 1)
end
if is_ours then
  redis.call('ZREM', KEYS[4], ARGV[1])
end
-- Whose lease was over may have been overtaken; but what was delivered is delivered.
if stored[1] and is_delivered then
  redis.call('HSET', KEYS[1], 'state', 'delivered')
  redis.call('ZREM', KEYS[3], ARGV[1])
elseif is_ours and stored[2] == 'pending' then
  if ARGV[4] == 'retry' then
    redis.call('ZADD', KEYS[3], now + tonumber(ARGV[5]), ARGV[1])
  else
    redis.call('HSET', KEYS[1], 'state', 'failed')
    redis.call('ZREM', KEYS[3], ARGV[1])
  end
end

local first = redis.call('ZRANGE', KEYS[3], 0, 0, 'WITHSCORES')
if first[1] then
  redis.call('ZADD', KEYS[6], first[2], ARGV[2])
else
  redis.call('ZREM', KEYS[6], ARGV[2])
end
return disabled
