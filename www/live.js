// SPDX-License-Identifier: ISC
// The dashboard: reads /metrics every two seconds while the page is visible.
import { parseMetrics, summary } from "./metrics.js";
import { element, latchkey, made } from "./ui.js";

const EVERY_MS = 2000;
const SLOWEST_MS = 30_000; // between two attempts once the server is lost
const KEPT = 90; // samples in a chart: three minutes

// Debian's libjs-chart.js, at the path where Debian's web servers publish it.
// Without the package the dashboard shows numbers only.
const Chart = await import("/javascript/chart.js/chart.min.js")
	.then(() => globalThis.Chart, () => null);

const number = (value, digits = 0) => value === null || value === undefined
	? "–" : value.toLocaleString("en", { maximumFractionDigits: digits,
		minimumFractionDigits: value < 10 ? digits : 0 });
const percent = (value) => value === null ? "–" : number(value, 1) + " %";
const time = (ms) => ms === null ? "–" : ms < 0.1 ? number(1000 * ms, 1) + " µs"
	: number(ms, 2) + " ms";

// For each tile: its title, its large and its small text, and the lines of its
// chart.
const TILES = [
	{ title: "Requests per second", lines: ["requests"],
		large: (s) => number(s.requests, 1),
		small: (s) => `refused ${number(s.refusals, 1)}; failed ${number(s.failures, 1)}` },
	{ title: "Response time, median", lines: ["p50", "p99"],
		large: (s) => time(s.p50),
		small: (s) => `99 % within ${time(s.p99)}; sign-ins excluded` },
	{ title: "Memory cache hits", lines: ["table"],
		large: (s) => percent(s.table),
		small: (s) => s.redis === null ? "Redis was not asked"
			: `Redis had ${percent(s.redis)} of the rest` },
	{ title: "Sign-ins per second", lines: ["loginsOk", "loginsRefused"],
		large: (s) => number(s.loginsOk, 1),
		small: (s) => `refused ${number(s.loginsRefused, 1)}` },
	{ title: "Revocations per second", lines: ["revocations"],
		large: (s) => number(s.revocations, 1),
		small: () => "sign-outs, new passwords, closed accounts" },
	{ title: "Health", lines: [],
		large: (s, health) => health.status === "ok" ? "Good" : "Degraded",
		small: (s, health) => `database ${health.store}; Redis ${
			s.redisEnabled ? s.breakerOpen ? "unavailable" : "ok" : "off"
		}; workers started ${number(s.starts)}` },
];

const COLOURS = ["--accent", "--bad-text"];

function makeChart(box, lines) {
	if (!Chart || lines.length === 0)
		return null;
	const canvas = made("canvas");
	const style = getComputedStyle(document.documentElement);

	box.classList.add("drawn");
	box.append(canvas);
	return new Chart(canvas, {
		type: "line",
		data: { datasets: lines.map((line, i) => ({
			data: [], borderWidth: 2, pointRadius: 0,
			borderColor: style.getPropertyValue(COLOURS[i]).trim(),
		})) },
		options: {
			animation: false, events: [], maintainAspectRatio: false,
			layout: { padding: { top: 2, bottom: 2 } },
			plugins: { legend: { display: false } },
			scales: { x: { type: "linear", display: false, bounds: "data" },
				y: { display: false, min: 0, bounds: "data", grace: "5%" } },
		},
	});
}

function makeTile(tile) {
	const card = made("article", "", { class: "card tile" });
	const large = made("p", "–", { class: "large" });
	const small = made("p", "", { class: "quiet" });
	const box = made("div", "", { class: "chart", "aria-hidden": "true" });

	card.append(made("h3", tile.title), large, small, box);
	element("tiles").append(card);
	const chart = makeChart(box, tile.lines);

	return (now, health, at) => {
		large.textContent = tile.large(now, health);
		small.textContent = tile.small(now, health);
		if (!chart)
			return;
		tile.lines.forEach((line, i) => {
			const { data } = chart.data.datasets[i];

			data.push({ x: at, y: now[line] ?? null });
			if (data.length > KEPT)
				data.shift();
		});
		chart.update();
	};
}

async function sample() {
	const answer = await fetch("/api/v1/metrics", { cache: "no-store",
		signal: AbortSignal.timeout(10_000) });

	if (!answer.ok)
		throw new Error("The server answered with status " + answer.status + ".");
	const series = parseMetrics(await answer.text());
	const health = await latchkey.call("GET", "/health").catch((problem) =>
		({ status: "bad", store: problem.message }));

	return { series, health, at: performance.now() };
}

/**
 * Fill the dashboard until the page closes.  When the server does not answer,
 * say so and try again, less often each time.
 */
export function showLive() {
	const tiles = TILES.map(makeTile);
	let last = null;
	let wait = EVERY_MS;

	const tick = async () => {
		if (document.visibilityState === "visible" && element("ended").hidden) {
			try {
				const now = await sample();

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
					"Updated every two seconds; all processes of this host.";
				element("live-state").classList.remove("lost");
			} catch (problem) {
				last = null;
				wait = Math.min(2 * wait, SLOWEST_MS);
				element("tiles").classList.add("stale");
				element("live-state").textContent =
					`Connection lost. Trying again every ${
						Math.round(wait / 1000)} seconds; these numbers are old.`;
				element("live-state").classList.add("lost");
			}
		} else {
			last = null; // a rate over a hidden period says nothing
		}
		setTimeout(tick, wait);
	};

	tick();
}
