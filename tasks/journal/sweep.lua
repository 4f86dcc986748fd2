-- Find mails that nobody works at and that no message stands for: due later, leases over, lost messages.
-- KEYS: open mails, watermarks
-- ARGV: prefix of the mails' keys, how many to look at in each part of the set, patience in ms, ms after which it
--       first looks at a published mail (begin.lua counts on it), how far apart the parts are (that of the n-th
--       lane begins at n times as much), then for each lane: name, 1 if its queue is empty
-- Returns 1 if there may be more to look at now, else 0, and a list of { mail id, lane, payload }, each to be
-- published once; one whose record is damaged has no payload.
--
-- The set has the mails by the moment at which to look at them. One that was looked at and merely waits for its
-- turn is in a part of its lane's behind all moments, by when it was published: looking again is worth nothing
-- until newer mails have overtaken it, and then it stands in front, or until the queue is empty.
local most, patience, first_look, apart = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local parts, overtaken_before, is_empty = {}, {}, {}
for i = 6, #ARGV, 2 do
  local lane = ARGV[i]
  local newest = number(redis.call('HGET', KEYS[2], lane)) or 0
  -- What is newer than now was written by hand, or before the clock went back.
  overtaken_before[lane] = newest <= now and newest - patience or 0
  is_empty[lane] = ARGV[i + 1] == '1'
  parts[lane] = (i - 4) / 2 * apart
end

local found = {}

-- Decide about one mail; returns where it stands in the set from now on, nil for nowhere.
local function look_at(id, has_waited)
  local key = ARGV[1] .. id
  local mail = redis.pcall('HMGET', key, 'state', 'lane', 'payload', 'published', 'due', 'lease')
  if not mail.err and (not mail[1] or (mail[3] or '') == '') then
    return nil
  end
  local lane, published = mail[2], number(mail[4])
  local ready = number((mail[1] == 'queued') and mail[5] or mail[6])
  if mail.err or not (lane and published and published < apart and ready and ready < apart) then
    -- Somebody wrote into it by hand: told, and again in an hour, while the others are looked at as ever.
    found[#found + 1] = { id, lane or '', '' }
    return now + 3600000
  end
  if ready > now then
    -- In hand since its message was seen.
    return ready
  end
  -- The queue became empty in the moment: its last mails are in the hands of workers, and looked at once more when
  -- those have had their time.
  local vanished = is_empty[lane] and not has_waited and published < now - patience
  if published < ready or published < (overtaken_before[lane] or 0) or vanished then
    redis.call('HSET', key, 'published', text(now))
    found[#found + 1] = { id, lane, mail[3] }
    return now + first_look
  elseif now < published + first_look then
    return published + first_look
  elseif is_empty[lane] then
    return (has_waited and now or published) + patience
  end
  return parts[lane] and parts[lane] + math.max(published, 0) or now + patience
end

local is_more = 0
local function look_through(from, to, have_waited)
  local ids = redis.call('ZRANGEBYSCORE', KEYS[1], from, to, 'LIMIT', 0, most)
  for _, id in ipairs(ids) do
    local place = look_at(id, have_waited)
    if place then
      opened[#opened + 1] = text(place)
      opened[#opened + 1] = id
    else
      closed[#closed + 1] = id
    end
  end
  if #ids == tonumber(most) then is_more = 1 end
end

look_through('-inf', text(now), false)
for lane, part in pairs(parts) do
  local ahead = is_empty[lane] and apart or math.max(overtaken_before[lane], 0)
  look_through(text(part), '(' .. text(part + ahead), true)
end
return { is_more, found }
