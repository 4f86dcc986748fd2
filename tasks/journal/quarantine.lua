-- Set a queue entry aside, and let go of what is too old or too much; the newest stays in any case.
-- KEYS: entries by their time (each as "id:bytes"), bytes of all of them, the entry
-- ARGV: id, prefix of the entries' keys, lifetime in ms, most entries, most bytes, lane, reason, size, facts,
--       the entry as it was ('' where it is too large to be kept)
-- Returns how many others were let go of to make room.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local member = ARGV[1] .. ':' .. #ARGV[10]

local function forget(found)
  local id, bytes = string.match(found, '^(.*):(%d+)$')
  redis.call('DEL', ARGV[2] .. id)
  redis.call('DECRBY', KEYS[2], bytes)
end

for _, found in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[3])) do
  forget(found)
  redis.call('ZREM', KEYS[1], found)
end

if redis.call('EXISTS', KEYS[3]) == 0 then
  redis.call('HSET', KEYS[3], 'first', now, 'lane', ARGV[6], 'reason', ARGV[7], 'size', ARGV[8],
    'facts', ARGV[9], 'raw', ARGV[10], 'member', member)
  redis.call('INCRBY', KEYS[2], #ARGV[10])
end
redis.call('HINCRBY', KEYS[3], 'times', 1)
redis.call('HSET', KEYS[3], 'last', now)
-- Sealed once more, the same entry may have another length: it keeps its first one.
member = redis.call('HGET', KEYS[3], 'member')
redis.call('ZADD', KEYS[1], now, member)
for _, key in ipairs(KEYS) do
  redis.call('PEXPIRE', key, ARGV[3])
end

local gone = 0
while redis.call('ZCARD', KEYS[1]) > 1 and (redis.call('ZCARD', KEYS[1]) > tonumber(ARGV[4])
    or tonumber(redis.call('GET', KEYS[2])) > tonumber(ARGV[5])) do
  local oldest = redis.call('ZRANGE', KEYS[1], 0, 1)
  local found = oldest[1] == member and oldest[2] or oldest[1]
  redis.call('ZREM', KEYS[1], found)
  forget(found)
  gone = gone + 1
end
return gone
