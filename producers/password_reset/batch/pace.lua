-- Let so many of a kind go now that in the long run *rate* a second do (GCRA), by this server's clock.
-- KEYS: the pace
-- ARGV: how many are wanted, rate in things a second, burst
-- Returns how many may go, and the ms until one more may.
local wanted, step, burst = tonumber(ARGV[1]), 1000 / tonumber(ARGV[2]), tonumber(ARGV[3])
local due = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now)
local room = math.floor((now + burst * step - due) / step)
local granted = math.max(0, math.min(wanted, room))
if granted > 0 then
  due = due + granted * step
  redis.call('SET', KEYS[1], string.format('%.3f', due), 'PX', math.ceil(due - now) + 1000)
end
local wait = due - (now + (burst - 1) * step)
return {granted, math.ceil(math.max(0, wait))}
