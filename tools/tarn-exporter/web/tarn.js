// SPDX-License-Identifier: GPL-2.0-only
/*
 * The page of tarn-exporter: asks for all pools every two seconds and for the timeline as
 * often as it can change, and draws both. Names come from owners of files: they become
 * text, never markup.
 */
"use strict";

const PAGE = 4096;
const RANGES = { "10m": 600, "1h": 3600, "6h": 21600, "1d": 86400, "7d": 604800 };
const CLASSES = ["hot", "warm", "cool", "cold"];
const INKS = ["a", "b", "c", "d"];

const chosen = { pool: null, partition: null, range: "10m" };
const before = new Map();
let pools = [];

const $ = (id) => document.getElementById(id);

function element(name, properties = {}, ...children) {
	const e = document.createElement(name);
	for (const [key, value] of Object.entries(properties))
		e[key] = value;
	e.append(...children);
	return e;
}

function drawn(name, attributes = {}, text) {
	const e = document.createElementNS("http://www.w3.org/2000/svg", name);
	for (const [key, value] of Object.entries(attributes))
		e.setAttribute(key, value);
	if (text !== undefined)
		e.textContent = text;
	return e;
}

/* ---- numbers ------------------------------------------------------------ */

function bytes(value) {
	let unit = 0;
	while (value >= 1024 && unit < 5) {
		value /= 1024;
		unit++;
	}
	return (value < 10 && unit ? value.toFixed(1) : Math.round(value)) + "BKMGTP"[unit];
}

const pages = (value) => bytes(value * PAGE);

function rate(value) {
	if (value >= 1e6)
		return (value / 1e6).toFixed(1) + "M";
	return value < 10 && value > 0 ? value.toFixed(1) : String(Math.round(value));
}

function duration(ns) {
	for (const [unit, size] of [["s", 1e9], ["ms", 1e6], ["us", 1e3]])
		if (ns >= size)
			return (ns / size).toFixed(ns < 10 * size ? 1 : 0) + unit;
	return Math.round(ns) + "ns";
}

function moment(seconds, long) {
	/* As ISO 8601 has it, which Sweden uses; local. */
	const text = new Date(seconds * 1000).toLocaleString("sv-SE");
	return long ? text : text.slice(11);
}

/* ---- bars --------------------------------------------------------------- */

/* Parts of a whole; a mark stands where @mark is. */
function bar(whole, parts, mark) {
	const e = element("div", { className: "bar" });
	for (const [ink, value, title] of parts) {
		const part = element("span", { className: "k-" + ink, title });
		part.style.width = whole ? 100 * value / whole + "%" : "0";
		e.append(part);
	}
	if (mark && whole) {
		const line = element("i", { title: "fair share " + pages(mark) });
		line.style.left = Math.min(100, 100 * mark / whole) + "%";
		e.append(line);
	}
	return e;
}

function facts(rows) {
	const list = element("dl");
	for (const [name, value] of rows)
		list.append(element("dt", { textContent: name }),
			element("dd", { textContent: value }));
	return list;
}

function legend(into, items) {
	into.replaceChildren(...items.map(([ink, text]) => element("span", {},
		element("b", { className: "k-" + ink }), text)));
}

/* ---- what is ------------------------------------------------------------ */

function showPools() {
	$("pools").replaceChildren(...pools.map((pool) => {
		const button = element("button", { type: "button", textContent: pool.name });
		button.setAttribute("aria-pressed", pool.name === chosen.pool);
		button.onclick = () => choose(pool.name, null);
		return button;
	}));
}

function showMemory(pool) {
	const used = pool.resident_pages, held = pool.limbo_frames;
	const large = bar(pool.frames, [["a", used, "resident " + pages(used)],
		["b", held, "held " + pages(held)]]);
	const paging = bar(pool.paging_capacity, [["d", pool.paging_used,
		"used " + pages(pool.paging_used)]]);
	large.classList.add("large");
	paging.classList.add("below");
	$("memory").replaceChildren(large, facts([
		["Size", pages(pool.frames)], ["Free", pages(pool.free_frames)],
		["Resident", pages(used)], ["Paged", pages(pool.paged_pages)],
		["Logical", pages(pool.logical_pages) + " (" +
			(pool.logical_pages / pool.frames).toFixed(2) + "x)"],
		["Pinned", pages(pool.pinned_pages)],
		["Page-ins, half", duration(pool.latency_p50_ns)],
		["99 of 100", duration(pool.latency_p99_ns)],
		["Paging space", pages(pool.paging_capacity)],
		["used", pages(pool.paging_used)],
	]), paging);
}

function showNodes(pool) {
	const nodes = Object.entries(pool.nodes || {});
	const names = pool.partitions.length <= INKS.length ? pool.partitions : [];
	const inks = element("div", { className: "legend" });
	legend(inks, names.map((part, i) => [INKS[i], part.domain || part.name]));
	$("nodes").replaceChildren(...nodes.map(([node, counters]) => {
		const used = counters.frames - counters.free_frames;
		const guests = pool.partitions.map((part) => [part, (part.nodes || [])
			.filter((n) => n.node === Number(node))
			.reduce((sum, n) => sum + n.resident_pages, 0)]);
		return element("div", { className: "node" }, element("span", {
			textContent: "node " + node }),
		bar(counters.frames, guests.map(([part, value], i) =>
			[INKS[i % 4], value, part.name + " " + pages(value)])),
		element("span", { className: "dim", textContent:
			pages(used) + " of " + pages(counters.frames) +
			(counters.miss ? ", " + counters.miss + " misses" : "") }));
	}), inks);
}

function ratesOf(pool, part) {
	const key = pool.uuid + "/" + part.id, old = before.get(key);
	const now = { time: pool.time, ins: part.page_ins, refaults: part.refaults };
	if (!old || old.time !== now.time)
		before.set(key, { ...now, last: old });
	const last = before.get(key).last;
	if (!last || now.time <= last.time)
		return [0, 0];
	const seconds = now.time - last.time;
	return [(now.ins - last.ins) / seconds, (now.refaults - last.refaults) / seconds];
}

function guestRow(pool, part, widest) {
	const [ins, refaults] = ratesOf(pool, part);
	const all = CLASSES.reduce((sum, c) => sum + part.activity[c], 0);
	const onNodes = (part.nodes || []).filter((n) => n.resident_pages || n.home);
	const row = element("tr", { tabIndex: 0 });
	const cell = (text, number) => element("td", { textContent: text,
		className: number ? "n" : "" });
	row.append(element("td", { textContent: part.domain || part.name, title: part.name }),
		cell(pages(part.logical_pages), 1), cell(pages(part.resident_pages), 1),
		element("td", {}, bar(widest, [
			["a", part.resident_pages, "resident " + pages(part.resident_pages)],
			["d", part.paged_pages, "paged " + pages(part.paged_pages)]],
		part.fair_frames)),
		cell(pages(part.working_set), 1),
		element("td", {}, bar(all, CLASSES.map((c) =>
			[c, part.activity[c], c + " " + pages(part.activity[c])]))),
		cell(onNodes.map((n) => n.node + (n.home ? "*" : "") + ":" +
			pages(n.resident_pages)).join(" ")),
		cell(rate(ins), 1), cell(rate(refaults), 1));
	if (part.id === chosen.partition)
		row.className = "chosen";
	row.onclick = () => choose(pool.name, part.id === chosen.partition ? null : part.id);
	row.onkeydown = (event) => { if (event.key === "Enter") row.onclick(); };
	return row;
}

function showGuests(pool) {
	const widest = Math.max(1, ...pool.partitions.map((p) => p.logical_pages));
	$("guests").tBodies[0].replaceChildren(...pool.partitions.map((part) =>
		guestRow(pool, part, widest)));
	legend($("legend"), [["a", "in frames"], ["d", "paged"], ["fair", "fair share"],
		...CLASSES.map((c) => [c, c])]);
}

function show() {
	const pool = pools.find((p) => p.name === chosen.pool) || pools[0];
	trouble(pool ? "" : "There is no pool, or tarn-logd is not running.");
	if (!pool)
		return;
	chosen.pool = pool.name;
	showPools();
	$("state").textContent = pool.state;
	$("state").className = pool.state === "serving" || pool.state === "no paging" ?
		"good" : "bad";
	$("when").textContent = moment(pool.time, true);
	showMemory(pool);
	showNodes(pool);
	showGuests(pool);
	const part = pool.partitions.find((p) => p.id === chosen.partition);
	$("subject").textContent = part ? "of " + (part.domain || part.name) : "of " + pool.name;
}

/* ---- what was ----------------------------------------------------------- */

const WIDTH = 600, HEIGHT = 170, LEFT = 48, BOTTOM = 18, TOP = 8;

function scales(times, most) {
	const first = times[0], last = times[times.length - 1];
	return {
		x: (t) => LEFT + (WIDTH - LEFT) * (t - first) / Math.max(1, last - first),
		y: (v) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - v / (most || 1)),
		first, last,
	};
}

function drawAxes(svg, scale, most, format) {
	for (const part of [0, 0.5, 1]) {
		const y = scale.y(most * part);
		svg.append(drawn("line", { class: "grid", x1: LEFT, x2: WIDTH, y1: y, y2: y }),
			drawn("text", { x: LEFT - 5, y: y + 4, "text-anchor": "end" },
				format(most * part)));
	}
	for (const part of [0, 0.5, 1]) {
		const t = scale.first + (scale.last - scale.first) * part;
		svg.append(drawn("text", { x: scale.x(t), y: HEIGHT - 3, "text-anchor":
			["start", "middle", "end"][part * 2] },
		scale.last - scale.first > 86400 ? moment(t, true).slice(5, 16) : moment(t)));
	}
}

function drawEvents(svg, scale, events) {
	for (const event of events) {
		const t = event.time_ns / 1e9;
		if (event.priority > 4 && event.state !== "cleared")
			continue;
		if (t < scale.first || t > scale.last)
			continue;
		const line = drawn("line", { class: event.state === "cleared" ? "mark calm" : "mark",
			x1: scale.x(t), x2: scale.x(t), y1: TOP, y2: HEIGHT - BOTTOM });
		line.append(drawn("title", {}, event.message));
		svg.append(line);
	}
}

/* Layers that stand on each other, from the bottom. */
function drawLayers(svg, scale, times, series) {
	let below = times.map(() => 0);
	for (const [ink, values] of series) {
		const top = values.map((v, i) => v + below[i]);
		const there = top.map((v, i) => scale.x(times[i]) + "," + scale.y(v));
		const back = below.map((v, i) => scale.x(times[i]) + "," + scale.y(v)).reverse();
		svg.append(drawn("polygon", { class: "f-" + ink, points: [...there, ...back].join(" ") }));
		below = top;
	}
}

function chart(title, times, series, format, events, stacked) {
	const figure = element("figure"), caption = element("figcaption", {},
		element("strong", { textContent: title }));
	const svg = drawn("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img",
		"aria-label": title });
	const most = stacked ? Math.max(...times.map((_, i) =>
		series.reduce((sum, [, values]) => sum + values[i], 0)), 1) :
		Math.max(...series.flatMap(([, values]) => values), 1);
	const scale = scales(times, most);
	const legends = element("span", { className: "legend" });
	legend(legends, series.map(([ink, values, name]) =>
		[ink, name + " " + format(values[values.length - 1])]));
	caption.append(legends);
	if (stacked)
		drawLayers(svg, scale, times, series);
	drawAxes(svg, scale, most, format);
	if (!stacked)
		for (const [ink, values] of series)
			svg.append(drawn("polyline", { class: "curve s-" + ink, points:
				values.map((v, i) => scale.x(times[i]) + "," + scale.y(v)).join(" ") }));
	drawEvents(svg, scale, events);
	figure.append(caption, svg);
	return figure;
}

function showTimeline(t, events) {
	const times = t.time || [];
	if (times.length < 2) {
		$("charts").replaceChildren(element("p", { className: "dim",
			textContent: "Nothing is known of that time yet." }));
		return;
	}
	const draw = (title, names, format) => chart(title, times, names.map(([key, name], i) =>
		[INKS[i], t[key], name]), format, events);
	const figures = [
		draw("Memory", t.frames ? [["resident", "resident"], ["free", "free"],
			["paged", "paged"]] : [["resident", "resident"],
			["working_set", "working set"], ["paged", "paged"]], pages),
		draw("Pages a second", [["page_ins", "in"], ["page_outs", "out"],
			["refaults", "refaults"]], rate),
		draw("Page-ins take", [["p50", "half"], ["p99", "99 of 100"]], duration),
	];
	if (t.hot)
		figures.push(chart("Activity", times, CLASSES.map((c) => [c, t[c], c]), pages,
			events, true));
	else
		figures.push(draw("Waits a second", [["waits", "for frames"]], rate));
	$("charts").replaceChildren(...figures);
}

function showEvents(events) {
	$("events").replaceChildren(...events.slice().reverse().map((event) =>
		element("li", { className: "p" + event.priority },
			element("span", { textContent: moment(event.time_ns / 1e9, true) }),
			element("span", { textContent: event.event +
				(event.state ? ", " + event.state : "") }),
			element("span", { textContent: event.message }))));
}

function showRanges() {
	$("ranges").replaceChildren(...Object.keys(RANGES).map((name) => {
		const button = element("button", { type: "button", textContent: name });
		button.setAttribute("aria-pressed", name === chosen.range);
		button.onclick = () => {
			chosen.range = name;
			showRanges();
			updatePast();
		};
		return button;
	}));
}

/* ---- asking ------------------------------------------------------------- */

function trouble(text) {
	$("trouble").textContent = text;
	$("trouble").hidden = !text;
}

async function ask(path, parameters = {}) {
	const answer = await fetch(path + "?" + new URLSearchParams(parameters));
	if (!answer.ok)
		throw new Error((await answer.text()).trim());
	return answer.json();
}

async function updateNow() {
	try {
		pools = await ask("api/pools");
		show();
	} catch (error) {
		trouble(error.message);
	}
}

async function updatePast() {
	if (!chosen.pool)
		return;
	const asked = { ...chosen };
	const range = { pool: asked.pool, since: Math.floor(Date.now() / 1000) -
		RANGES[asked.range] };
	try {
		const events = await ask("api/events", range);
		const timeline = await ask("api/timeline", asked.partition === null ? range :
			{ ...range, partition: asked.partition });
		/* Something else was chosen meanwhile. */
		if (JSON.stringify(asked) !== JSON.stringify(chosen))
			return;
		showTimeline(timeline, events);
		showEvents(events);
	} catch (error) {
		trouble(error.message);
	}
}

function choose(pool, partition) {
	chosen.pool = pool;
	chosen.partition = partition;
	show();
	updatePast();
}

async function every(seconds, update) {
	for (;;) {
		if (!document.hidden)
			await update();
		await new Promise((done) => setTimeout(done, seconds * 1000));
	}
}

showRanges();
updateNow().then(() => {
	every(2, updateNow);
	every(5, updatePast);
});
