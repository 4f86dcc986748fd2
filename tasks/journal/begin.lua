-- Take a mail up: queued -> sending, or go on with one whose worker died (its lease is over).
-- KEYS: open mails, watermarks, mail
-- ARGV: lease in ms, runs that a mail may have, 1 if others are carried at the same time, else 0,
--       ms after which the sweeper first looks at a published mail
-- Returns unknown | done <result> <resends> | early <ms> | busy <ms> | alone
--       | yours | unconfirmed | crashed, each with fence, accepted, elapsed ms, history, progress, now, resends
local mail = redis.call('HMGET', KEYS[3], 'state', 'fence', 'accepted', 'due', 'published', 'lane')
local state = mail[1]
if not state then
  return { 'unknown' }
end
-- What only a mail has that was taken up or opened again before: each field that is asked for costs time.
local before = mail[2] == '0' and {}
  or redis.call('HMGET', KEYS[3], 'lease', 'runs', 'started', 'history', 'progress', 'resends')
local resends = tonumber(before[6] or 0)
if state == 'queued' then
  if tonumber(mail[4]) > now then
    return { 'early', tonumber(mail[4]) - now }
  end
elseif state == 'sending' or state == 'data' then
  if tonumber(before[1]) > now then
    return { 'busy', tonumber(before[1]) - now }
  end
else
  return { 'done', redis.call('HGET', KEYS[3], 'result') or '', resends }
end
local runs = (before[2] or 0) + 1
if runs > 1 and ARGV[3] == '1' then
  -- Whoever took it up before died of it, or of another mail that was carried at the same time: taken up by
  -- itself, it takes no other mail with it.
  return { 'alone' }
end

-- The newest publication that any worker has met, to a tenth of a second: what was published well before it and
-- is still waiting is lost.
local lane, published = mail[6], tonumber(mail[5])
local watermark = seen[lane] or tonumber(redis.call('HGET', KEYS[2], lane) or 0)
if published > watermark + 100 then
  redis.call('HSET', KEYS[2], lane, mail[5])
  watermark = published
end
seen[lane] = watermark

local started = before[3] or text(now)
local fence = mail[2] + 1
local lease = text(now + ARGV[1])
local verdict = 'yours'
if state == 'data' then
  -- The dot may have been sent. The state stays, so that whoever dies now leaves the same doubt behind.
  verdict = 'unconfirmed'
else
  state = 'sending'
  if runs > tonumber(ARGV[2]) then
    verdict = 'crashed'
  end
end
-- One command, because each costs time here and a line in the append-only file.
redis.call('HSET', KEYS[3], 'state', state, 'fence', text(fence), 'runs', text(runs), 'started', started,
  'lease', lease)
-- Where the sweeper has not looked at a new mail yet, and will before the lease is over, that is soon enough to
-- set the moment for it; most mails are through by then.
local look = published + ARGV[4]
if mail[2] ~= '0' or look <= now or look > now + ARGV[1] then
  opened[#opened + 1] = lease
  opened[#opened + 1] = id_of(KEYS[3])
end
return { verdict, fence, tonumber(mail[3]), now - started, before[4] or '', before[5] or '', now, resends }
