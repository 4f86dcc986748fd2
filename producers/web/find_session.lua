-- Find a session, and let it live on from now.
-- KEYS: session
-- ARGV: ms that it lives on without being used, 1 if this is a use
-- Returns the id of its key, or false
local session = redis.call('HMGET', KEYS[1], 'key', 'ends')
if not session[1] then
  return false
end
local left = tonumber(session[2]) - now
if left <= 0 then
  redis.call('DEL', KEYS[1])
  return false
end
if ARGV[2] == '1' then
  redis.call('PEXPIRE', KEYS[1], math.min(left, tonumber(ARGV[1])))
end
return session[1]
