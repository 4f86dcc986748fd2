-- Take deliveries of one key that are due, each under a claim number and a lease.
-- KEYS: deliveries of the key by due time, those under way by the end of their lease, the key's receiver,
--       keys by due time, counts
-- ARGV: key id, prefix of deliveries, most under way, lease in ms, fingerprint of the receiver's address
-- Returns a list of { delivery id, claim, tries, body }.
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
local receiver = redis.call('HMGET', KEYS[3], 'address', 'failing', 'disabled')
local is_known = receiver[1] == ARGV[5]
local is_disabled = is_known and receiver[3]
-- A receiver that fails is tried by one delivery at a time: it holds up nobody but its own.
local most = (is_known and receiver[2]) and 1 or tonumber(ARGV[3])
local room = math.max(0, most - redis.call('ZCARD', KEYS[2]))

local found = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, is_disabled and 100 or room)) do
  local delivery = ARGV[2] .. id
  local stored = redis.call('HMGET', delivery, 'tries', 'body')
  if not stored[2] then
    redis.call('ZREM', KEYS[1], id)
  elseif is_disabled and string.sub(id, 1, 5) ~= 'test_' then
    redis.call('HSET', delivery, 'state', 'failed')
    redis.call('ZREM', KEYS[1], id)
    redis.call('HINCRBY', KEYS[5], 'disabled', 1)
  elseif #found < room then
    local lease = now + tonumber(ARGV[4])
    local claim = redis.call('HINCRBY', delivery, 'claim', 1)
    redis.call('ZADD', KEYS[1], lease, id)
    redis.call('ZADD', KEYS[2], lease, id)
    found[#found + 1] = { id, claim, tonumber(stored[1]), stored[2] }
  end
end

local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
if not first[1] then
  redis.call('ZREM', KEYS[4], ARGV[1])
else
  local at = tonumber(first[2])
  if at <= now and redis.call('ZCARD', KEYS[2]) >= most then
    -- Looked at again when one of those under way is settled, or its lease is over.
    at = tonumber(redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')[2])
  end
  redis.call('ZADD', KEYS[4], at, ARGV[1])
end
return found
