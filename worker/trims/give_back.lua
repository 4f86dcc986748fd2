-- Put unacknowledged messages back where they came from, to be the next ones there.
-- KEYS: unacknowledged by time, unacknowledged
-- ARGV: seconds for which a message may stay unacknowledged, or '' for the named ones; most messages; tags ...
-- Returns how many were put back.
local tags = {}
if ARGV[1] == '' then
  for at = 3, #ARGV do
    tags[#tags + 1] = ARGV[at]
  end
else
  local time = redis.call('TIME')
  tags = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', time[1] - tonumber(ARGV[1]), 'LIMIT', 0, tonumber(ARGV[2]))
end
local count = 0
for at = #tags, 1, -1 do
  local stored = redis.call('HGET', KEYS[2], tags[at])
  if stored then
    -- [message, exchange, queue]: the queue's name needs no escapes.
    local from, _, queue = string.find(stored, ', ?"[^"\\]*", ?"([^"\\]+)"%]$')
    if from then
      redis.call('RPUSH', queue, string.sub(stored, 2, from - 1))
      redis.call('HDEL', KEYS[2], tags[at])
      redis.call('ZREM', KEYS[1], tags[at])
      count = count + 1
    else
      -- Nobody knows where it belongs: it stays, and is looked at again after as long a time.
      redis.call('ZADD', KEYS[1], redis.call('TIME')[1], tags[at])
    end
  else
    redis.call('ZREM', KEYS[1], tags[at])
  end
end
return count
