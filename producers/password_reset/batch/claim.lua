-- Claim a row of a job: it belongs to whoever claims it first.
-- KEYS: the job's rows
-- ARGV: the row's number, what stands for a fresh claim
-- Returns what stood there before, or an empty string.
local before = redis.call('HGET', KEYS[1], ARGV[1])
if not before then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
end
return before or ''
