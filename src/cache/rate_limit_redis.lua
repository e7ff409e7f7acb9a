-- SPDX-License-Identifier: ISC
--
-- Counts one event for each key, or none if one is over its limit; or takes
-- such events back.
--
-- KEYS: one for each limit.  ARGV: the time in ms, or 0 for the clock of this
-- server; -1 to count, or the time of the events to take back; then for each
-- key its limit and its window in ms.  Returns "KEY WAIT NOW": the refused key,
-- counted from 1, or 0; how long it stays refused; and the time.
--
-- shm/rate_limit.c does the same with its blocks.  A value is "time:count ...",
-- the blocks that still count.
local now, at = tonumber(ARGV[1]), tonumber(ARGV[2])
if now == 0 then
	local time = redis.call('TIME')
	now = time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Reads the blocks {time, count} within the window; the last is the latest, of
-- equal times the one with most room.
local function blocks_of(i)
	local l = {sum = 0, max = tonumber(ARGV[1 + 2 * i]),
		window = tonumber(ARGV[2 + 2 * i])}
	local text = redis.call('GET', KEYS[i]) or ''
	for t, n in string.gmatch(text, '(%d+):(%d+)') do
		t, n = tonumber(t), tonumber(n)
		if t - now > l.window then -- the clock stepped back
			t, l.moved = now, true
		end
		if now - t <= l.window then
			l[#l + 1] = {t, n}
			l.sum = l.sum + n
		end
	end
	table.sort(l, function(a, b)
		return a[1] < b[1] or (a[1] == b[1] and a[2] > b[2])
	end)
	return l
end

local function store(i, l)
	local text = {}
	for j, b in ipairs(l) do
		text[j] = string.format('%.0f:%.0f', b[1], b[2])
	end
	if #text == 0 then
		redis.call('DEL', KEYS[i])
	else
		redis.call('SET', KEYS[i], table.concat(text, ' '),
			'PX', string.format('%.0f', l.window + 1))
	end
end

local function wait_of(l)
	local left, wait = l.sum, 0
	for _, b in ipairs(l) do
		if left < l.max then break end
		left = left - b[2]
		wait = b[1] + l.window + 1 - now
	end
	return wait
end

local function add_one(l)
	local last = l[#l]
	if last and (last[2] < math.ceil(l.max / 14) or #l >= 14) then
		last[1] = math.max(last[1], now)
		last[2] = last[2] + 1
	else
		l[#l + 1] = {now, 1}
	end
end

local function refund(l)
	if at > now or now - at > l.window then return end
	for j, b in ipairs(l) do
		if b[1] >= at then
			b[2] = b[2] - 1
			if b[2] == 0 then table.remove(l, j) end
			return
		end
	end
end

local all, wait, refused = {}, 0, 0
for i = 1, #KEYS do
	all[i] = blocks_of(i)
	local w = wait_of(all[i])
	if at < 0 and w > wait then wait, refused = w, i end
end
for i, l in ipairs(all) do
	if refused == 0 and at < 0 then add_one(l) end
	if refused == 0 and at >= 0 then refund(l) end
	if refused == 0 or l.moved then store(i, l) end
end
return string.format('%.0f %.0f %.0f', refused, wait, now)
