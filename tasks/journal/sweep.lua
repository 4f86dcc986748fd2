-- Find mails that nobody works at and that no message stands for: due later, leases over, lost messages.
-- KEYS: open mails, watermarks
-- ARGV: prefix of the mails' keys, how many to look at, patience in ms, ms after which it first looks at a published
--       mail (begin.lua counts on it), then for each lane: name, 1 if its queue is empty
-- Returns how many were looked at, and a list of { mail id, lane, payload }, each to be published once.
local patience = tonumber(ARGV[3])
local empty = {}
for i = 5, #ARGV, 2 do
  empty[ARGV[i]] = ARGV[i + 1] == '1'
end

local found = {}
local ids = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, tonumber(ARGV[2]))
for _, id in ipairs(ids) do
  local key = ARGV[1] .. id
  local mail = redis.call('HMGET', key, 'state', 'lane', 'payload', 'published', 'due', 'lease')
  if not mail[1] or (mail[3] or '') == '' then
    redis.call('ZREM', KEYS[1], id)
  else
    local ready = tonumber((mail[1] == 'queued') and mail[5] or mail[6])
    local published = tonumber(mail[4])
    local watermark = tonumber(redis.call('HGET', KEYS[2], mail[2]) or 0)
    local overtaken = published < watermark - patience
    local vanished = empty[mail[2]] and published < now - patience
    local look = published + patience
    if ready > now then
      -- In hand since its message was seen.
      look = ready
    elseif published < ready or overtaken or vanished then
      redis.call('HSET', key, 'published', now)
      found[#found + 1] = { id, mail[2], mail[3] }
      look = now + ARGV[4]
    elseif look <= now then
      look = now + patience
    end
    redis.call('ZADD', KEYS[1], look, id)
  end
end
return { #ids, found }
