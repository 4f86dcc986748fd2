-- Find mails that nobody works at and that no message stands for: due later, leases over, lost messages.
-- KEYS: open mails, watermarks
-- ARGV: prefix of the mails' keys, how many to look at, patience in ms, ms after which it first looks at a published
--       mail (begin.lua counts on it), then for each lane: name, 1 if its queue is empty
-- Returns how many were looked at, and a list of { mail id, lane, payload }, each to be published once;
-- one whose record is damaged has no payload.
local patience = tonumber(ARGV[3])
local empty = {}
for i = 5, #ARGV, 2 do
  empty[ARGV[i]] = ARGV[i + 1] == '1'
end

local found = {}

-- Decide about one mail; returns when to look at it again, nil for never.
local function look_at(id)
  local key = ARGV[1] .. id
  local mail = redis.pcall('HMGET', key, 'state', 'lane', 'payload', 'published', 'due', 'lease')
  if not mail.err and (not mail[1] or (mail[3] or '') == '') then
    return nil
  end
  local lane, published = mail[2], number(mail[4])
  local ready = number((mail[1] == 'queued') and mail[5] or mail[6])
  if mail.err or not (lane and published and ready) then
    -- Somebody wrote into it by hand: told, and again in an hour, while the others are looked at as ever.
    found[#found + 1] = { id, lane or '', '' }
    return now + 3600000
  end
  local watermark = tonumber(redis.call('HGET', KEYS[2], lane) or 0)
  local overtaken = published < watermark - patience
  local vanished = empty[lane] and published < now - patience
  local look = published + patience
  if ready > now then
    -- In hand since its message was seen.
    return ready
  elseif published < ready or overtaken or vanished then
    redis.call('HSET', key, 'published', now)
    found[#found + 1] = { id, lane, mail[3] }
    return now + ARGV[4]
  end
  return look > now and look or now + patience
end

local ids = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, tonumber(ARGV[2]))
for _, id in ipairs(ids) do
  local look = look_at(id)
  if look then
    redis.call('ZADD', KEYS[1], look, id)
  else
    redis.call('ZREM', KEYS[1], id)
  end
end
return { #ids, found }
