-- Move messages from the lanes to the unacknowledged ones: a message is always in one place or the other.
-- KEYS: unacknowledged by time, unacknowledged, then the lists of each lane, the lanes in their order
-- ARGV: how many messages, how many more of the first lane, most bytes, prefix of the tags, lists of a lane,
--       then the lanes' names
-- Returns for each lane how many messages are left, and those that were taken: { left, message, message ... }.
-- The n-th of all messages has the tag prefix .. n.
local time = redis.call('TIME')
local moment = time[1] .. '.' .. string.format('%06d', time[2])
local room, extra, bytes = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local lists = tonumber(ARGV[5])
local lanes = #ARGV - 5
local waiting, behind = {}, 0
for lane = 1, lanes do
  waiting[lane] = 0
  for list = 1, lists do
    waiting[lane] = waiting[lane] + redis.call('LLEN', KEYS[2 + (lane - 1) * lists + list])
  end
  behind = behind + waiting[lane]
end

local stored, times, found, count = {}, {}, {}, 0
local function take(lane, most)
  for list = 1, lists do
    local key, taken = KEYS[2 + (lane - 1) * lists + list], 0
    while most > 0 and (bytes > 0 or count == 0) do
      local raw = redis.call('LINDEX', key, -1 - taken)
      if not raw then
        break
      end
      most, taken, count, bytes = most - 1, taken + 1, count + 1, bytes - #raw
      local tag = ARGV[4] .. count
      stored[#stored + 1] = tag
      stored[#stored + 1] = '[' .. raw .. ', "", "' .. ARGV[5 + lane] .. '"]'
      times[#times + 1] = moment
      times[#times + 1] = tag
      found[lane][#found[lane] + 1] = raw
    end
    -- Written before it is taken away: a Redis without memory refuses the one and not the other.
    for at = 1, #stored, 500 do
      redis.call('HSET', KEYS[2], unpack(stored, at, math.min(at + 499, #stored)))
      redis.call('ZADD', KEYS[1], unpack(times, at, math.min(at + 499, #times)))
    end
    if taken > 0 then
      redis.call('LTRIM', key, 0, -1 - taken)
    end
    stored, times = {}, {}
  end
end

-- A lane leaves a quarter to those behind it, so that none starves; what they do not need goes back to the
-- lanes before. The first has room of its own beside.
local quota = {}
for lane = 1, lanes do
  behind = behind - waiting[lane]
  local share = behind > 0 and math.ceil(room * 3 / 4) or room
  quota[lane] = math.min(waiting[lane], share + (lane == 1 and extra or 0))
  room = room - math.min(share, quota[lane])
end
for lane = 1, lanes do
  local more = math.min(room, waiting[lane] - quota[lane])
  quota[lane], room = quota[lane] + more, room - more
end
for lane = 1, lanes do
  found[lane] = { 0 }
  take(lane, quota[lane])
  found[lane][1] = waiting[lane] - (#found[lane] - 1)
end
return found
