// Who waits for whom. Each actor waits for one other at most, nearly always: the graph is drawn as trees that
// lead to the right, to the actor that all others of the tree wait for. In a cycle one edge leads back.

const BOX = { width: 164, height: 40, across: 40, down: 10 };
const MOST_EDGES = 60;
const MOST_ALIKE = 5; // waiters for one actor that nobody waits for; more are drawn as one box
const graph = { shape: null };

function waitEdges(overview) {
  const edges = overview.waiting.filter((one) => one.waits_for.kind !== "time");
  edges.sort((one, other) => Number(Boolean(other.cycle)) - Number(Boolean(one.cycle)) || (other.for_ms ?? 0) - (one.for_ms ?? 0));
  return edges.slice(0, MOST_EDGES).map((one, index) => ({
    from: { key: one.id ?? `task ${index}`, path: one.path, name: one.path ?? one.id ?? `a task of worker ${one.worker}` },
    to: one.waits_for.kind === "worker"
      ? { key: `worker ${one.waits_for.worker}`, name: `worker ${one.waits_for.worker}` }
      : { key: one.waits_for.id, path: one.waits_for.path, name: one.waits_for.path ?? one.waits_for.id },
    since: one.for_ms, cycle: Boolean(one.cycle),
  }));
}

function layOut(edges) {
  const nodes = new Map();
  const node = (one) => {
    const known = nodes.get(one.key) ?? { ...one, waiters: [], target: null, cycle: false, since: null };
    known.path ??= one.path;
    nodes.set(one.key, known);
    return known;
  };
  const extra = [];
  for (const edge of edges) {
    const [from, to] = [node(edge.from), node(edge.to)];
    from.cycle ||= edge.cycle;
    from.since = Math.max(from.since ?? 0, edge.since ?? 0);
    let end = to;
    while (end.target && end !== from) end = end.target;
    // An edge that would close a cycle, or a second one of the same actor, leads back instead.
    if (from.target || end === from) extra.push([from, to]);
    else {
      from.target = to;
      to.waiters.push(from);
    }
  }
  for (const one of [...nodes.values()]) {
    const alike = one.waiters.filter((waiter) => !waiter.waiters.length && !waiter.cycle);
    if (alike.length <= MOST_ALIKE) continue;
    const hidden = new Set(alike.slice(MOST_ALIKE - 1));
    one.waiters = one.waiters.filter((waiter) => !hidden.has(waiter));
    hidden.forEach((waiter) => nodes.delete(waiter.key));
    const more = { key: `more ${one.key}`, name: `${count(hidden.size)} more`, waiters: [], target: one, more: true };
    one.waiters.push(more);
    nodes.set(more.key, more);
  }
  const depth = (one) => 1 + Math.max(0, ...one.waiters.map(depth));
  const roots = [...nodes.values()].filter((one) => !one.target);
  roots.sort((one, other) => Number(other.cycle) - Number(one.cycle) || depth(other) - depth(one));
  let row = 0;
  let gap = 0;
  for (const root of roots) {
    row += gap;
    const levels = depth(root);
    const place = (one, level) => {
      one.column = levels - 1 - level;
      const rows = one.waiters.map((waiter) => place(waiter, level + 1));
      one.row = rows.length ? (rows[0] + rows.at(-1)) / 2 : row++;
      return one.row;
    };
    place(root, 0);
    gap = extra.some(([from]) => from === root) ? 0.9 : 0.25;
  }
  return { nodes: [...nodes.values()], extra: extra.filter(([from, to]) => nodes.has(from.key) && nodes.has(to.key)), rows: row + (gap > 0.5 ? 0.6 : 0) };
}

function drawGraph(overview) {
  const edges = waitEdges(overview);
  const total = overview.waiting_total ?? overview.waiting.length;
  const forTime = overview.waiting.filter((one) => one.waits_for.kind === "time").length;
  const parts = total ? [plural(total, "wait")] : ["no handler waits"];
  if (forTime) parts.push(`${count(forTime)} for time to pass`);
  if (overview.waiting.length - forTime > edges.length) parts.push(`${count(edges.length)} drawn`);
  setText($("waits-note"), parts.join(", "));
  const { nodes, extra, rows } = layOut(edges);
  const shape = JSON.stringify([nodes.map((one) => [one.key, one.path, one.name, one.column, one.row, one.cycle]), extra.map(([from, to]) => [from.key, to.key])]);
  if (shape !== graph.shape) {
    graph.shape = shape;
    $("graph").replaceChildren(...(nodes.length ? [graphOf(nodes, extra, rows)] : []));
  }
  for (const { key, since } of nodes) {
    const text = $("graph").querySelector(`[data-key="${CSS.escape(key)}"] .since`);
    if (text) setText(text, since ? `waits for ${time(since)}` : "");
  }
}

function graphOf(nodes, extra, rows) {
  const { width, height, across, down } = BOX;
  const x = (one) => 2 + one.column * (width + across);
  const y = (one) => 2 + one.row * (height + down);
  const columns = 1 + Math.max(...nodes.map((one) => one.column));
  const size = [columns * (width + across) - across + 4, rows * (height + down) + 6];
  const edge = (from, to) => {
    const cycle = from.cycle && to.cycle;
    const [x1, y1, x2, y2] = [x(from) + width, y(from) + height / 2, x(to) - 3, y(to) + height / 2];
    const middle = (x1 + x2) / 2;
    return svg("path", { class: cycle ? "edge cycle" : "edge", d: `M${x1} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`, "marker-end": `url(#${cycle ? "tip-cycle" : "tip"})` });
  };
  const back = (from, to) => {
    const [x1, y1, x2, y2] = [x(from) + width / 2, y(from) + height, x(to) + width / 2, y(to) + height + 3];
    const low = Math.max(y1, y2) + 30;
    return svg("path", { class: from.cycle ? "edge cycle" : "edge", d: `M${x1} ${y1}C${x1} ${low} ${x2} ${low} ${x2} ${y2}`, "marker-end": `url(#${from.cycle ? "tip-cycle" : "tip"})` });
  };
  const tip = (id) => svg("marker", { id, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto-start-reverse" }, svg("path", { d: "M0 0L8 4L0 8z" }));
  const box = (one) => {
    const name = one.name.slice(one.name.lastIndexOf("/") + 1);
    const parent = one.path ? one.path.slice(0, one.path.lastIndexOf("/")) : "";
    const kind = one.cycle ? "cycle" : one.target ? "" : "idle";
    const group = svg("g", { class: kind, transform: `translate(${x(one)} ${y(one)})`, "data-key": one.key, "data-path": one.path, ...(one.path ? { tabindex: 0, role: "button", "aria-label": one.path } : {}) },
      svg("title", {}, one.name), svg("rect", { class: "box", width, height, rx: 6 }), svg("text", { x: 9, y: 17 }, cut(name, 20)));
    group.append(svg("text", { class: one.since === null ? "sub" : "sub since", x: 9, y: 32 }, one.target ? "" : cut(parent, 26)));
    return group;
  };
  const drawn = nodes.filter((one) => one.target).map((one) => edge(one, one.target));
  return svg("svg", { width: size[0], height: size[1], viewBox: `0 0 ${size[0]} ${size[1]}` }, svg("defs", {}, tip("tip"), tip("tip-cycle")),
    ...drawn, ...extra.map(([from, to]) => back(from, to)), ...nodes.map(box));
}
