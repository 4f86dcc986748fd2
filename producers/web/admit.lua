-- Take tokens for each of several requests, and note the mails of those that got them, in one step.
-- Before this stand the functions take and remember, made of the scripts of these names.
-- KEYS: bucket, mails of the key, its references
-- ARGV: number of requests, the two numbers of take, cost of each request ..., the three of remember, then for
--       each request the number of its mails, and for each mail its id and the name of its reference or '' ...
-- Returns what take returns.
local requests = tonumber(ARGV[1])
local place = 4 + requests
local answer = take({ KEYS[1] }, { unpack(ARGV, 2, place - 1) })
local mails = { unpack(ARGV, place, place + 2) }
place = place + 3
for i = 1, requests do
  local last = place + 2 * ARGV[place]
  if answer[3 + i] == 1 then
    for j = place + 1, last do mails[#mails + 1] = ARGV[j] end
  end
  place = last + 1
end
if #mails > 3 then remember({ KEYS[2], KEYS[3] }, mails) end
return answer
