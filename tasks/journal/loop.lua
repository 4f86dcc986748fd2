-- Makes a script that does one call into one that does many: a command of its own for each mail of a run costs both
-- sides half as much again. What stands in capitals scripts.py fills in: what is done for each call, and how long
-- the prefix of the mails' keys is.
-- KEYS: what the calls have in common, then those of each call
-- ARGV: how many keys are common, and how many each call has; the same of the arguments; then those
-- Returns what each call returned; one that fails is the last, and those before it are done.
--
-- A call finds what is common in front of its own. It finds `now`, the moment by the server's clock in milliseconds,
-- `text`, which writes such a moment down, and `number`, which reads what an argument or Redis has (a text, or false
-- for none). What it puts into `opened` (moment, mail id) and `closed` (mail id) is written into the set of open
-- mails, the first of the common keys, and what it puts into `pushed` (by queue) into the queues, at the end and in
-- one command each; `seen` is a table for all calls.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local opened, closed, pushed, seen, failure = {}, {}, {}, {}, nil
-- Left to itself Redis prints a number as floating point wherever it becomes an argument; and most moments
-- of a command are the same.
local texts = {}
local function text(moment)
  local known = texts[moment] or string.format('%d', moment)
  texts[moment] = known
  return known
end
-- The other way round: reading a moment takes longer than finding the one that was read before.
-- Lua reads "nan" as well, which is no number: no comparison with it holds.
local numbers = {}
local function number(text)
  local known = text and (numbers[text] or tonumber(text))
  if known ~= known then return nil end
  if known then numbers[text] = known end
  return known
end
-- The id of a mail, by its key: sent once more, it would cost both sides more than to take it from there.
local function id_of(key)
  return string.sub(key, PREFIX + 1)
end
local function each(KEYS, ARGV)
-- CALL
end
local same_keys, keys = tonumber(ARGV[1]), tonumber(ARGV[2])
local same, arguments = tonumber(ARGV[3]), tonumber(ARGV[4])
-- The same two tables for all calls, made in their size: making them costs more than filling them.
local k = { unpack(KEYS, 1, math.min(same_keys + keys, 100)) }
local a = { unpack(ARGV, 5, 4 + math.min(same + arguments, 100)) }
local answers = {}
for call = 1, (#KEYS - same_keys) / keys do
  local key, argument = (call - 1) * keys, 4 + (call - 1) * arguments
  for i = same_keys + 1, same_keys + keys do k[i] = KEYS[key + i] end
  for i = same + 1, same + arguments do a[i] = ARGV[argument + i] end
  local is_done, answer = pcall(each, k, a)
  if not is_done then
    failure = type(answer) == 'table' and answer or redis.error_reply(tostring(answer))
    break
  end
  answers[call] = answer
end
if #closed > 0 then redis.call('ZREM', KEYS[1], unpack(closed)) end
if #opened > 0 then redis.call('ZADD', KEYS[1], unpack(opened)) end
-- Whatever is wrong with a queue, its mails are accepted; the sweeper publishes them later.
for queue, messages in pairs(pushed) do redis.pcall('LPUSH', queue, unpack(messages)) end
return failure or answers
