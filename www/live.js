// SPDX-License-Identifier: ISC
// The dashboard: looks at /metrics every two seconds while somebody looks at it.
import { parseMetrics, summary } from "/metrics.js";
import { element, latchkey, made } from "/ui.js";

const EVERY_MS = 2000;
const SLOWEST_MS = 30_000; // between two tries once the server is lost
const KEPT = 90; // looks that a chart shows: three minutes

// Charts are a library's; without it the numbers still show.
const uPlot = await import("/vendor/uPlot.esm.js")
	.then((module) => module.default, () => null);

if (uPlot)
	document.head.append(made("link", "",
		{ rel: "stylesheet", href: "/vendor/uPlot.min.css" }));

const number = (value, digits = 0) => value === null || value === undefined
	? "–" : value.toLocaleString("en", { maximumFractionDigits: digits,
		minimumFractionDigits: value < 10 ? digits : 0 });
const percent = (value) => value === null ? "–" : number(value, 1) + " %";

// One tile each: what it shows in large, what below, and its lines.
const TILES = [
	{ title: "Requests per second", lines: ["requests"],
		large: (s) => number(s.requests, 1),
		small: (s) => `refused ${number(s.refusals, 1)}, failed ${number(s.failures, 1)}` },
	{ title: "Time to answer", lines: ["p50", "p99"],
		large: (s) => s.p50 === null ? "–" : number(s.p50, 2) + " ms",
		small: (s) => `p99 ${s.p99 === null ? "–" : number(s.p99, 2) + " ms"}, passwords apart` },
	{ title: "Answered from the table", lines: ["table"],
		large: (s) => percent(s.table),
		small: (s) => `of the rest from Redis ${percent(s.redis)}` },
	{ title: "Sign-ins per second", lines: ["loginsOk", "loginsRefused"],
		large: (s) => number(s.loginsOk, 1),
		small: (s) => `refused ${number(s.loginsRefused, 1)}` },
	{ title: "Revocations per second", lines: ["revocations"],
		large: (s) => number(s.revocations, 1),
		small: () => "sign-outs, changed passwords, closed accounts" },
	{ title: "Health", lines: [],
		large: (s, health) => health.status === "ok" ? "Good" : "Trouble",
		small: (s, health) => `store ${health.store}, Redis ${
			s.redisEnabled ? s.breakerOpen ? "not trusted now" : "ok" : "off"
		}, workers started ${number(s.starts)}` },
];

const COLOURS = ["--accent", "--bad-text"];

function makeChart(box, lines) {
	if (!uPlot || lines.length === 0)
		return null;
	box.classList.add("drawn");
	const style = getComputedStyle(document.documentElement);

	return new uPlot({
		width: box.clientWidth, height: 72, cursor: { show: false },
		legend: { show: false }, axes: [{ show: false }, { show: false }],
		scales: { x: { time: false },
			y: { range: (u, low, high) => [0, Math.max(high, 1e-9)] } },
		series: [{}, ...lines.map((line, i) => ({
			stroke: style.getPropertyValue(COLOURS[i]).trim(), width: 2,
			points: { show: false },
		}))],
	}, [[], ...lines.map(() => [])], box);
}

function makeTile(tile) {
	const card = made("article", "", { class: "card tile" });
	const large = made("p", "–", { class: "large" });
	const small = made("p", "", { class: "quiet" });
	const box = made("div", "", { class: "chart", "aria-hidden": "true" });
	const history = tile.lines.map(() => []);
	const times = [];

	card.append(made("h3", tile.title), large, small, box);
	element("tiles").append(card);
	const chart = makeChart(box, tile.lines);

	if (chart)
		new ResizeObserver(() => chart.setSize({ width: box.clientWidth,
			height: 72 })).observe(box);
	return (now, health, at) => {
		large.textContent = tile.large(now, health);
		small.textContent = tile.small(now, health);
		times.push(at);
		tile.lines.forEach((line, i) => history[i].push(now[line] ?? null));
		if (times.length > KEPT)
			[times, ...history].forEach((list) => list.shift());
		chart?.setData([times, ...history]);
	};
}

async function look() {
	const answer = await fetch("/api/v1/metrics", { cache: "no-store",
		signal: AbortSignal.timeout(10_000) });

	if (!answer.ok)
		throw new Error("The server answered " + answer.status + ".");
	const series = parseMetrics(await answer.text());
	const health = await latchkey.call("GET", "/health").catch((problem) =>
		({ status: "bad", store: problem.message }));

	return { series, health, at: performance.now() };
}

/** Fill the dashboard from now on; a lost server is shown, and tried again. */
export function showLive() {
	const tiles = TILES.map(makeTile);
	let last = null;
	let wait = EVERY_MS;

	const tick = async () => {
		if (document.visibilityState === "visible" && element("ended").hidden) {
			try {
				const now = await look();

				if (last !== null) {
					const s = summary(last.series, now.series,
						(now.at - last.at) / 1000);

					for (const tile of tiles)
						tile(s, now.health, now.at / 1000);
				}
				last = now;
				wait = EVERY_MS;
				element("tiles").classList.remove("stale");
				element("live-state").textContent =
					"Every two seconds, all processes of this host.";
				element("live-state").classList.remove("lost");
			} catch (problem) {
				last = null;
				wait = Math.min(2 * wait, SLOWEST_MS);
				element("tiles").classList.add("stale");
				element("live-state").textContent =
					`The server is lost: trying again every ${
						Math.round(wait / 1000)} seconds. These numbers are old.`;
				element("live-state").classList.add("lost");
			}
		} else {
			last = null; // what happened meanwhile is no rate
		}
		setTimeout(tick, wait);
	};

	tick();
}
