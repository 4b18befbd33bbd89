// The figures in the header, the tables, the dead letters and the failures.

function drawHeader(overview) {
  setText($("pool"), overview.pool);
  setText($("run"), `run ${overview.run}`);
  const { totals, dead_letters: lost } = overview;
  const figures = [
    ["up for", time(overview.uptime_ms)], ["actors", count(totals.actors)], ["messages/s", rate(live.perSecond)], ["messages handled", count(totals.handled)],
    ["queued", count(totals.queued)], ["stashed", count(totals.stashed)], ["handlers waiting", count(sum(overview.workers.map((worker) => worker.waiting)))],
    ["dead letters", count(lost.total), live.lostPerSecond ? `+${rate(live.lostPerSecond)}/s` : "", live.lostPerSecond > 0],
  ];
  sync($("figures"), figures, ([label]) => label,
    ([label]) => el("div", { "data-figure": label }, el("dt", {}, label), el("dd", {}, el("span"), el("small"))),
    (node, [, value, more, bad]) => {
      setText(node.lastChild.firstChild, value);
      setText(node.lastChild.lastChild, more ?? "");
      node.classList.toggle("bad", Boolean(bad));
    });
}

// Sets the texts of a row's cells. A cell that is a function is called with its node.
function cells(row, values) {
  while (row.children.length < values.length) row.append(el("td"));
  values.forEach((value, index) => {
    const cell = row.children[index];
    if (typeof value === "function") value(cell);
    else setText(cell, value);
    if (index && typeof value !== "function") cell.classList.add("n");
  });
}

function drawWorkers(overview) {
  const workers = overview.workers.length;
  const rates = live.history.at(-1)?.rates;
  sync($("workers").tBodies[0], overview.workers, (worker) => worker.index, () => el("tr"), (row, worker) => {
    row.classList.toggle("bad", Boolean(worker.silent));
    cells(row, [
      (cell) => {
        if (!cell.firstChild) {
          cell.append(el("span", { class: "swatch" }), String(worker.index), el("span"));
          cell.firstChild.style.background = colour(worker.index, workers);
        }
        setText(cell.lastChild, worker.silent ? " silent" : "");
      },
      rate(rates?.[worker.index]), count(worker.actors), count(worker.queued), count(worker.waiting), count(worker.fibers), rate(live.sleeps?.[worker.index]),
      bytes(worker.stack_high_water), bytes(worker.bytes_in_slots + worker.bytes_in_slabs + worker.bytes_in_waits),
    ]);
  });
}

function table(id, actors, empty, values) {
  const rows = actors.length ? actors.slice(0, 10) : [null];
  sync($(id).tBodies[0], rows, (actor) => actor?.id ?? "", (actor) => {
    if (!actor) return el("tr", { class: "empty" }, el("td", { colspan: 3 }, empty));
    return el("tr", { "data-path": actor.path }, el("td", {}, pathLink(actor.path)));
  }, (row, actor) => actor && cells(row, [() => {}, ...values(actor, live.actors.get(actor.id) ?? {})]));
}

function drawTables({ top }) {
  table("deepest", top.deepest.filter((actor) => actor.mailbox), "All mailboxes are empty.", (actor, { growth }) => [
    actor.capacity ? `${count(actor.mailbox)} / ${count(actor.capacity)}` : count(actor.mailbox),
    (cell) => {
      setText(cell, change(growth));
      cell.className = growth > 0.5 ? "n up" : "n";
    },
  ]);
  const speed = (actor) => live.actors.get(actor.id)?.rate ?? -1;
  const busiest = [...top.busiest].sort((one, other) => speed(other) - speed(one));
  table("busiest", busiest, "Nothing has been handled since someone watches.", (_, { rate: handled, busy }) => [
    rate(handled), busy === null || busy === undefined ? "–" : `${Math.min(100, busy / 10).toFixed(busy < 100 ? 1 : 0)} %`,
  ]);
  table("longest", top.longest.filter((actor) => actor.handling), "No handler waits.", (actor) => [(cell) => waitsFor(cell, actor.waits_for), time(actor.handling.for_ms)]);
  table("restarts", top.restarts.filter((actor) => actor.restarts), "No actor has restarted.", (actor) => [(cell) => setText(cell, actor.state), count(actor.restarts)]);
}

function waitsFor(cell, waits) {
  write(cell, [!waits ? "–" : waits.kind === "time" ? "time to pass" : waits.kind === "worker" ? `worker ${waits.worker}` : "", ...(waits?.kind === "actor" ? [{ path: waits.path, id: waits.id }] : [])]);
}

function drawLost(overview) {
  const { total, by_reason: byReason } = overview.dead_letters;
  setText($("lost-total"), total ? count(total) : "none so far");
  const reasons = Object.entries(byReason).filter(([, number]) => number).sort((one, other) => other[1] - one[1]);
  sync($("reasons"), reasons, ([reason]) => reason,
    ([reason]) => el("li", {}, el("div", { class: "share" }), el("span", {}, reason), el("span")),
    (node, [, number]) => {
      node.firstChild.style.width = `${(100 * number) / total}%`;
      setText(node.lastChild, count(number));
    });
  const unique = (one) => (one.key ??= `letter ${drawLost.next++}`);
  sync($("letters"), live.letters.slice(0, 100), unique, ({ letter }) => {
    if (letter.omitted) return el("li", { class: "why" }, `${plural(letter.omitted, "more dead letter")} came in that second.`);
    const sender = letter.sender ? `, sent by ${letter.sender}` : "";
    return el("li", {}, el("div", { class: "line" }, pathOrId(letter.path, letter.target), el("span", { class: "when" })),
      el("div", { class: "why", title: `${letter.message_type}, message ${letter.message}` }, `${shortType(letter.message_type)}: ${letter.reason}${sender}`));
  }, (node, { at }) => at !== null && node.querySelector(".when") && setText(node.querySelector(".when"), ago(overview.uptime_ms - at)));
}
drawLost.next = 0;

const ago = (ms) => (ms < 1000 ? "now" : `${ms < 60_000 ? `${Math.floor(ms / 1000)} s` : time(ms)} ago`);

function failureText({ text, directive, delay_ms: delay, count: nth }) {
  const done = { restart: "restarted", stop: "stopped", resume: "resumed", escalate: "escalated" }[directive] ?? directive;
  return `${text}${done ? ` – ${done}` : ""}${delay ? ` after ${time(delay)}` : ""}${nth ? `, ${count(nth)} so far` : ""}`;
}

function drawFailures(overview) {
  const { failures } = overview;
  setText($("failures-note"), failures.length ? `the last ${count(failures.length)}` : "none so far");
  // The same failure of the same actor is told once, with how often it came.
  const kinds = new Map();
  for (const one of failures) {
    const known = kinds.get(`${one.path} ${one.text}`);
    const newer = !known || one.at_ms >= known.at_ms ? one : known;
    kinds.set(`${one.path} ${one.text}`, { ...newer, seen: (known?.seen ?? 0) + 1 });
  }
  const latest = [...kinds].sort(([, one], [, other]) => other.at_ms - one.at_ms).slice(0, 50);
  sync($("failures"), latest, ([kind]) => kind,
    ([, one]) => el("li", {}, el("div", { class: "line" }, pathOrId(one.path, null), el("span", { class: "tag" }), el("span", { class: "when" })), el("div", { class: "why" })),
    (node, [, one]) => {
      const [, times, when] = node.firstChild.children;
      setText(times, one.seen > 1 ? `${count(one.seen)} times` : "");
      times.hidden = one.seen === 1;
      setText(when, ago(overview.uptime_ms - one.at_ms));
      setText(node.lastChild, failureText(one));
    });
}
