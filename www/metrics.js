// SPDX-License-Identifier: ISC
// Reads the text of /metrics, and what changed between two samples of it.

/** The text of /metrics as a Map from "name{labels}" to number. */
export function parseMetrics(text) {
	const series = new Map();

	for (const line of text.split("\n")) {
		const space = line.lastIndexOf(" ");

		if (line !== "" && line[0] !== "#")
			series.set(line.slice(0, space), Number(line.slice(space + 1)));
	}
	return series;
}

/** The sum of all series ${name} whose labels contain ${label}. */
export function total(series, name, label = "") {
	let sum = 0;

	for (const [key, value] of series) {
		if ((key === name || key.startsWith(name + "{")) && key.includes(label))
			sum += value;
	}
	return sum;
}

// The buckets of the histogram ${name}: [upper bound in seconds, count of the
// requests between the samples].
function buckets(before, after, name, label) {
	const list = [];
	let below = 0;

	for (const [key, value] of after) {
		if (!key.startsWith(name + "_bucket{") || !key.includes(label))
			continue;
		const bound = /le="([^"]+)"/.exec(key)[1];
		const upTo = value - (before.get(key) ?? 0);

		list.push([bound === "+Inf" ? Infinity : Number(bound), upTo - below]);
		below = upTo;
	}
	return list;
}

/**
 * The quantile ${q} in milliseconds of the histogram ${name} between two samples,
 * interpolated linearly within a bucket; null if nothing was timed.
 */
export function quantile(before, after, name, label, q) {
	const list = buckets(before, after, name, label);
	const count = list.reduce((sum, [, n]) => sum + n, 0);
	let rank = q * count;
	let lower = 0;

	if (count <= 0)
		return null;
	for (const [upper, n] of list) {
		if (rank <= n && n > 0)
			return 1000 * (upper === Infinity ? lower
				: lower + (upper - lower) * rank / n);
		rank -= n;
		lower = upper;
	}
	return 1000 * lower;
}

/** The figures of the dashboard from two samples, ${seconds} apart; null: none. */
export function summary(before, after, seconds) {
	const grown = (name, label) =>
		total(after, name, label) - total(before, name, label);
	const rate = (name, label) => grown(name, label) / seconds;
	const hitRate = (tier) => {
		const label = `tier="${tier}"`;
		const hits = grown("latchkey_cache_hits_total", label);
		const misses = grown("latchkey_cache_misses_total", label);

		return hits + misses > 0 ? 100 * hits / (hits + misses) : null;
	};
	const fast = "latchkey_request_duration_seconds";

	return {
		requests: rate("latchkey_requests_total"),
		refusals: rate("latchkey_requests_total", 'status="4'),
		failures: rate("latchkey_requests_total", 'status="5'),
		p50: quantile(before, after, fast, 'lane="fast"', 0.5),
		p99: quantile(before, after, fast, 'lane="fast"', 0.99),
		table: hitRate("table"),
		redis: hitRate("redis"),
		loginsOk: rate("latchkey_logins_total", 'result="ok"'),
		loginsRefused: rate("latchkey_logins_total", 'result="refused"') +
		    rate("latchkey_logins_total", 'result="limited"'),
		revocations: rate("latchkey_revocations_total"),
		starts: total(after, "latchkey_worker_starts_total"),
		breakerOpen: total(after, "latchkey_redis_breaker_open") > 0,
		redisEnabled: total(after, "latchkey_redis_enabled") > 0,
	};
}
