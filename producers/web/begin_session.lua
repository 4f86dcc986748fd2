-- Begin a session.
-- KEYS: session
-- ARGV: id of its key, ms that it lives on without being used, ms that it lives at most
redis.call('HSET', KEYS[1], 'key', ARGV[1], 'ends', now + tonumber(ARGV[3]))
redis.call('PEXPIRE', KEYS[1], math.min(tonumber(ARGV[2]), tonumber(ARGV[3])))
return 1
