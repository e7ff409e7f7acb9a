-- SPDX-License-Identifier: ISC
-- For wrk: send the requests of the file BENCH_JOBS in turn (each behind its
-- length, 32 bits, little endian), and print what came of it as JSON.
local jobs = {}
local at = 0
local threads = 0

function setup(thread)
	thread:set("first", threads * 317)
	threads = threads + 1
end

function init()
	local file = assert(io.open(os.getenv("BENCH_JOBS"), "rb"))
	while true do
		local head = file:read(4)
		if head == nil then
			break
		end
		local a, b, c, d = head:byte(1, 4)
		jobs[#jobs + 1] = file:read(a + 256 * (b + 256 * (c + 256 * d)))
	end
	file:close()
	at = first
end

function request()
	at = at % #jobs + 1
	return jobs[at]
end

function done(summary, latency)
	local e = summary.errors
	print(string.format('BENCH {"requests":%d,"seconds":%f,"errors":%d,'
		.. '"p50_us":%f,"p99_us":%f,"max_us":%f}',
		summary.requests, summary.duration / 1e6,
		e.connect + e.read + e.write + e.status + e.timeout,
		latency:percentile(50), latency:percentile(99), latency.max))
end
