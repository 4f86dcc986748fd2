-- Claim rows of a job: a row belongs to whoever claims it first.
-- KEYS: the job's rows
-- ARGV: for each row its number, and what stands for a fresh claim
-- Returns for each row what stood there before, or an empty string.
local found = {}
for i = 1, #ARGV, 2 do
  local before = redis.call('HGET', KEYS[1], ARGV[i])
  if not before then
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
  end
  found[#found + 1] = before or ''
end
return found
