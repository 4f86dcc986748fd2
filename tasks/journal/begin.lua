-- Take a mail up: queued -> sending, or go on with one whose worker died (its lease is over).
-- KEYS: open mails, watermarks, mail
-- ARGV: lease in ms, runs that a mail may have, 1 if others are carried at the same time, else 0,
--       ms after which the sweeper first looks at a published mail
-- Returns unknown | damaged | done <result> <resends> | early <ms> | busy <ms> | alone
--       | yours | unconfirmed | crashed, each with fence, accepted, elapsed ms, history, progress, now, resends,
--       or only accepted, now of one that is taken up for the first time: yours, and the rest 1, 0 or nothing
local mail = redis.pcall('HMGET', KEYS[3], 'state', 'fence', 'accepted', 'due', 'published', 'lane')
local state = mail[1]
if not (state or mail.err) then
  return { 'unknown' }
end
if state and state ~= 'queued' and state ~= 'sending' and state ~= 'data' then
  local ended = redis.call('HMGET', KEYS[3], 'result', 'resends')
  return { 'done', ended[1] or '', tonumber(ended[2]) or 0 }
end
-- Somebody wrote into a record by hand where these are no numbers: that must cost no other mail of the run.
local fence, accepted, due, published = number(mail[2]), number(mail[3]), number(mail[4]), number(mail[5])
local lane = mail[6]
if not (fence and accepted and due and published and lane) then
  return { 'damaged' }
end
local held, runs, started, history, progress, resends = 0, 0, now, '', '', 0
if fence > 0 then
  -- What only a mail has that was taken up or opened again before: each field that is asked for costs time.
  local before = redis.call('HMGET', KEYS[3], 'lease', 'runs', 'started', 'history', 'progress', 'resends')
  held, runs, started = number(before[1] or 0), number(before[2] or 0), number(before[3] or now)
  history, progress, resends = before[4] or '', before[5] or '', number(before[6] or 0)
  if not (held and runs and started and resends) then
    return { 'damaged' }
  end
end
if state == 'queued' then
  if due > now then
    return { 'early', due - now }
  end
elseif held > now then
  return { 'busy', held - now }
end
-- The first run is not written down: each mail in hand has had one.
runs = state == 'queued' and 1 or math.max(runs, 1) + 1
if runs > 1 and ARGV[3] == '1' then
  -- Whoever took it up before died of it, or of another mail that was carried at the same time: taken up by
  -- itself, it takes no other mail with it.
  return { 'alone' }
end

-- The newest publication that any worker has met, to a tenth of a second: what was published well before it and
-- is still waiting is lost.
local watermark = seen[lane] or number(redis.call('HGET', KEYS[2], lane)) or 0
if watermark > now then
  -- Somebody wrote it by hand, or the clock went back: no message would ever be newer.
  watermark = 0
end
if published > watermark + 100 then
  redis.call('HSET', KEYS[2], lane, mail[5])
  watermark = published
end
seen[lane] = watermark

fence = fence + 1
local over = now + number(ARGV[1])
local lease = text(over)
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
if runs > 1 then
  redis.call('HSET', KEYS[3], 'state', state, 'fence', text(fence), 'runs', text(runs), 'started', text(started),
    'lease', lease)
else
  redis.call('HSET', KEYS[3], 'state', state, 'fence', text(fence), 'started', text(started), 'lease', lease)
end
-- Where the sweeper has not looked at a new mail yet, and will before the lease is over, that is soon enough to
-- set the moment for it; most mails are through by then.
local look = published + number(ARGV[4])
if fence > 1 or look <= now or look > over then
  opened[#opened + 1] = lease
  opened[#opened + 1] = id_of(KEYS[3])
end
if fence == 1 and verdict == 'yours' then
  -- Nearly every mail of nearly every worker; what is as always with them need not be told.
  return { accepted, now }
end
return { verdict, fence, accepted, now - started, history, progress, now, resends }
