-- A script for wrk: posts alerts that all differ, until their numbers begin again. The same facts for both servers, in
-- the words of each. From the environment: SERVER (alertmanager or ours), BATCH (alerts a request), DISTINCT (numbers),
-- TOKEN (a bearer token).
local batch, distinct = tonumber(os.getenv("BATCH")), tonumber(os.getenv("DISTINCT"))
local number, format = 0, string.format

local formats = {
  alertmanager = '{"labels":{"alertname":"HighErrorRate%d","service":"svc-%d","instance":"10.1.%d.%d:9100","severity":"warning","number":"%d"},"annotations":{"summary":"error rate above 5%% for 10 minutes","runbook_url":"https://runbooks.example.com/high-error-rate"},"generatorURL":"http://prometheus.example.com/graph?g0.expr=x"}',
  ours = '{"type":"HighErrorRate%d","labels":{"service":"svc-%d"},"source":"10.1.%d.%d:9100","severity":"warning","dedup_key":"number-%d","title":"error rate above 5%% for 10 minutes","links":[{"title":"runbook","url":"https://runbooks.example.com/high-error-rate"},{"title":"graph","url":"http://prometheus.example.com/graph?g0.expr=x"}]}',
}
local paths = { alertmanager = "/api/v2/alerts", ours = "/webhook/alert" }
local server = os.getenv("SERVER")
local alert, path = formats[server], paths[server]

wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer " .. os.getenv("TOKEN")

function request()
  local alerts = {}
  for i = 1, batch do
    number = number % distinct + 1
    alerts[i] = format(alert, number % 50, number % 200, number % 250, number % 199, number)
  end
  return wrk.format(nil, path, nil, "[" .. table.concat(alerts, ",") .. "]")
end

-- One line that is read: seconds, requests, faults, and the latency of the 50th and 99th percentile in seconds.
function done(summary, latency)
  local e = summary.errors
  local faults = e.connect + e.read + e.write + e.status + e.timeout
  io.write(format("measured %f %d %d %f %f\n", summary.duration / 1e6, summary.requests, faults,
    latency:percentile(50) / 1e6, latency:percentile(99) / 1e6))
end
