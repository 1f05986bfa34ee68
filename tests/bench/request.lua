-- Every request comes from another Member, in the mix that the floor's pgbench script has too (load.rs).
-- Arguments: mix ("check-ins" or "read"), file of tokens (line n is Member n), number of fresh Members, one fresh tap in so many.
local requests, fresh, one_in, i, taken, is_read = {}, 0, 1, 0, 0, false

function init(args)
  is_read = args[1] == "read"
  fresh, one_in = tonumber(args[3]), tonumber(args[4])
  local body = '{"device_time":"' .. os.date("!%Y-%m-%dT%H:%M:%SZ") .. '","time_zone":"Pacific/Auckland"}'
  for token in io.lines(args[2]) do
    local headers = { ["Authorization"] = "Bearer " .. token }
    if is_read then
      requests[#requests + 1] = wrk.format("GET", "/v1/me/today", headers)
    else
      headers["Content-Type"] = "application/json"
      requests[#requests + 1] = wrk.format("POST", "/v1/me/check-ins", headers, body)
    end
  end
  math.randomseed(os.time())
end

function request()
  if is_read then return requests[math.random(#requests)] end
  i = i + 1
  if i % one_in == 0 then
    taken = taken + 1
    return requests[(taken - 1) % fresh + 1]
  end
  return requests[math.random(fresh + 1, #requests)]
end

function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format("RESULT %d %d %d %d\n", summary.requests, summary.duration, latency:percentile(99),
    e.connect + e.read + e.write + e.status + e.timeout))
end
