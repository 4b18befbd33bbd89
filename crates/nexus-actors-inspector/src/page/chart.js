// The curves: what each worker handled a second, over the last two minutes.

const MANY = 8; // more workers than this share one colour
const colour = (index, workers) => (workers > MANY ? "var(--w0)" : `var(--w${index % MANY})`);
const chart = { hover: null };

// The least round number of steps that reaches the top.
function scale(top) {
  if (top <= 0) return { top: 1, step: 1 };
  const raw = top / 3;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((one) => one >= raw * 0.999);
  return { top: Math.ceil((top * 0.999) / step) * step, step };
}

// Three ticks of one scale, so short.
function tick(value) {
  if (value >= 1e6) return `${+(value / 1e6).toFixed(2)} M`;
  return value >= 1e4 ? `${+(value / 1e3).toFixed(1)} k` : whole.format(value);
}

function drawChart(overview) {
  const box = $("chart");
  const [width, height] = [box.clientWidth, box.clientHeight];
  const [left, right, above, below] = [52, 8, 8, 20];
  const workers = overview.workers.length;
  const end = overview.uptime_ms;
  const shown = live.history.filter((one) => end - one.at <= HISTORY_MS);
  const most = Math.max(0, ...shown.flatMap((one) => one.rates ?? []));
  const { top, step } = scale(most);
  const x = (at) => left + (1 - (end - at) / HISTORY_MS) * (width - left - right);
  const y = (value) => above + (1 - value / top) * (height - above - below);
  const parts = [];
  for (let value = 0; value <= top + step / 2; value += step) {
    parts.push(svg("line", { class: "rule", x1: left, x2: width - right, y1: y(value), y2: y(value) }));
    parts.push(svg("text", { x: left - 6, y: y(value) + 4, "text-anchor": "end" }, tick(value)));
  }
  for (const [ago, text, anchor] of [[120, "2 min ago", "start"], [60, "1 min ago", "middle"], [0, "now", "end"]]) {
    parts.push(svg("text", { x: x(end - ago * 1000), y: height - 4, "text-anchor": anchor }, text));
  }
  for (let index = 0; index < workers; index++) {
    let path = "";
    let gap = true;
    for (const { at, rates } of shown) {
      if (rates) path += `${gap ? "M" : "L"}${x(at).toFixed(1)} ${y(rates[index]).toFixed(1)}`;
      gap = !rates;
    }
    const line = svg("path", { d: path || "M0 0", "data-worker": index });
    line.style.stroke = colour(index, workers);
    if (workers > MANY) line.style.opacity = 0.4;
    parts.push(line);
  }
  const near = chart.hover === null ? null : nearest(shown, end - (1 - (chart.hover - left) / (width - left - right)) * HISTORY_MS);
  if (near) parts.push(svg("line", { class: "cross", x1: x(near.at), x2: x(near.at), y1: above, y2: height - below }));
  const label = live.perSecond === null ? "The curves begin with the next figures." : `All workers handle ${rate(live.perSecond)} messages a second.`;
  const drawn = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label }, ...parts);
  const tip = near ? tooltip(near, end, workers) : null;
  box.replaceChildren(drawn, ...(tip ? [tip] : []));
  if (tip) tip.style.left = `${Math.min(x(near.at) + 10, width - tip.offsetWidth - 4)}px`;
}

function nearest(shown, at) {
  return shown.filter((one) => one.rates).reduce((best, one) => (!best || Math.abs(one.at - at) < Math.abs(best.at - at) ? one : best), null);
}

function tooltip({ at, rates }, end, workers) {
  const lines = rates.map((value, index) => ({ value, index })).sort((one, other) => other.value - one.value).slice(0, MANY);
  const dot = (index) => {
    const swatch = el("span", { class: "swatch" });
    swatch.style.background = colour(index, workers);
    return swatch;
  };
  return el("div", { class: "tip" }, el("div", { class: "dim" }, `${time(end - at)} ago, ${rate(sum(rates))}/s in all`),
    ...lines.map(({ value, index }) => el("div", {}, dot(index), `worker ${index}: ${rate(value)}/s`)),
    rates.length > MANY ? el("div", { class: "dim" }, `and ${rates.length - MANY} more`) : null);
}

$("chart").addEventListener("pointermove", (event) => {
  chart.hover = event.clientX - $("chart").getBoundingClientRect().left;
  schedule();
});
$("chart").addEventListener("pointerleave", () => {
  chart.hover = null;
  schedule();
});
new ResizeObserver(() => schedule()).observe($("chart"));
