-- Take tokens out of a bucket that fills steadily, for each of several requests in order.
-- KEYS: bucket
-- ARGV: tokens a second, tokens that it holds, cost of each request ...
-- Returns {tokens left, ms until it is full, ms until the first that was refused could be granted,
--          1 or 0 for each request ...}
local rate, size = tonumber(ARGV[1]), tonumber(ARGV[2])

local stored = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = tonumber(stored[1] or size)
local past = math.max(0, now - tonumber(stored[2] or now))
tokens = math.min(size, tokens + past * rate / 1000)

local answer = { 0, 0, 0 }
for i = 3, #ARGV do
  -- What costs more than the bucket holds needs a full one, or it could never be had.
  local cost = math.min(tonumber(ARGV[i]), size)
  if tokens >= cost then
    tokens = tokens - cost
    answer[#answer + 1] = 1
  else
    if answer[3] == 0 then
      answer[3] = math.ceil((cost - tokens) * 1000 / rate)
    end
    answer[#answer + 1] = 0
  end
end
local full = math.ceil((size - tokens) * 1000 / rate)
redis.call('HSET', KEYS[1], 'tokens', string.format('%.6f', tokens), 'at', now)
redis.call('PEXPIRE', KEYS[1], full + 1000)
answer[1] = math.floor(tokens)
answer[2] = full
return answer
