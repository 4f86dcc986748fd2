-- Take a mail up: queued -> sending, or go on with one whose worker died (its lease is over).
-- KEYS: open mails, watermarks, mail
-- ARGV: lease in ms, runs that a mail may have, 1 if others are carried at the same time, else 0, mail id
-- Returns unknown | done <result> <resends> | early <ms> | busy <ms> | alone
--       | yours | unconfirmed | crashed, each with fence, accepted, elapsed ms, history, progress, now, resends
local mail = redis.call('HMGET', KEYS[3],
  'state', 'due', 'lease', 'accepted', 'started', 'published', 'lane', 'history', 'progress', 'resends',
  'fence', 'runs')
local state = mail[1]
local resends = tonumber(mail[10] or 0)
if not state then
  return { 'unknown' }
end
if state == 'queued' then
  if tonumber(mail[2]) > now then
    return { 'early', tonumber(mail[2]) - now }
  end
elseif state == 'sending' or state == 'data' then
  if tonumber(mail[3]) > now then
    return { 'busy', tonumber(mail[3]) - now }
  end
else
  return { 'done', redis.call('HGET', KEYS[3], 'result') or '', resends }
end
local runs = mail[12] + 1
if runs > 1 and ARGV[3] == '1' then
  -- Whoever took it up before died of it, or of another mail that was carried at the same time: taken up by
  -- itself, it takes no other mail with it.
  return { 'alone' }
end

-- The newest publication that any worker has met, to a tenth of a second: what was published well before it and
-- is still waiting is lost.
local published = tonumber(mail[6])
local watermark = seen[mail[7]] or tonumber(redis.call('HGET', KEYS[2], mail[7]) or 0)
if published > watermark + 100 then
  redis.call('HSET', KEYS[2], mail[7], mail[6])
  watermark = published
end
seen[mail[7]] = watermark

local started = mail[5] or text(now)
local fence = mail[11] + 1
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
opened[#opened + 1] = lease
opened[#opened + 1] = ARGV[4]
return { verdict, fence, tonumber(mail[4]), now - started, mail[8] or '', mail[9] or '', now, resends }
