-- Take an entry out of the quarantine.
-- KEYS: entries by their time (each as "id:bytes"), bytes of all of them, the entry
-- Returns 1, or 0 where there was none.
local member = redis.call('HGET', KEYS[3], 'member')
if not member then
  return 0
end
redis.call('DECRBY', KEYS[2], string.match(member, '%d+$'))
redis.call('ZREM', KEYS[1], member)
redis.call('DEL', KEYS[3])
return 1
