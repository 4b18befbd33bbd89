// What an operator should look at first. Each concern is a sentence, and each path in it leads to the actor.

const DEEP = 1000; // messages in a mailbox without a bound
const FULL = 0.8; // share of a bound
const LONG_MS = 1000;

function concerns(overview) {
  const found = [
    ...silentWorkers(overview), ...cycles(overview), ...deepMailboxes(overview), ...restartStorms(overview), ...stoppedByFailures(overview), ...longWaits(overview), ...losses(overview),
  ];
  return found.sort((one, other) => (one.level === other.level ? 0 : one.level === "bad" ? -1 : 1));
}

function silentWorkers(overview) {
  return overview.workers.filter((worker) => worker.silent).map(({ index, silent }) => ({
    key: `silent ${index}`, level: "bad", kind: "Silent",
    text: silent.running
      ? [`Worker ${index} does not answer: `, { path: silent.running.path, id: silent.running.id }, ` holds it, handling ${shortType(silent.running.message_type)}.`]
      : [`Worker ${index} does not answer: ${silent.error}.`],
  }));
}

// Every cycle once, whichever of its actors tells of it. The order of its actors begins with the least path.
function allCycles(overview) {
  const known = new Map();
  for (const { cycle } of [...overview.waiting, ...actorsOf(overview)]) {
    if (!cycle?.length) continue;
    const first = cycle.indexOf([...cycle].sort()[0]);
    const turned = [...cycle.slice(first), ...cycle.slice(0, first)];
    known.set(turned.join(" "), turned);
  }
  return [...known.values()];
}

function cycles(overview) {
  return allCycles(overview).map((cycle) => ({
    key: `cycle ${cycle.join(" ")}`, level: "bad", kind: "Cycle",
    text: [
      cycle.length === 1 ? "Perhaps a deadlock: an actor waits for itself, " : `Perhaps a deadlock: ${cycle.length} actors wait for each other, `,
      ...[...cycle, cycle[0]].flatMap((path, index) => (index ? [" → ", { path }] : [{ path }])), ".",
    ],
  }));
}

function some(list, most, rest) {
  if (list.length <= most) return list;
  return [...list.slice(0, most), rest(list.length - most)];
}

function longWaits(overview) {
  const inCycles = new Set(allCycles(overview).flat());
  const long = overview.top.longest.filter((actor) => actor.handling && actor.handling.for_ms >= LONG_MS && !inCycles.has(actor.path));
  const sentences = long.map((actor) => ({
    key: `wait ${actor.id}`, level: actor.handling.for_ms >= 10_000 && actor.waits_for?.kind !== "time" ? "bad" : "warn", kind: "Waiting",
    text: [
      { path: actor.path }, ` has waited for ${time(actor.handling.for_ms)} in the middle of a handler`, ...forWhat(actor.waits_for),
      actor.mailbox ? `, with ${plural(actor.mailbox, "message")} behind it.` : ".",
    ],
  }));
  return some(sentences, 4, (more) => ({ key: "waits", level: "warn", kind: "Waiting", text: [`${count(more)} more handlers wait for over a second, see Longest waiting.`] }));
}

function forWhat(waits) {
  if (!waits) return [];
  if (waits.kind === "time") return [", for time to pass"];
  if (waits.kind === "worker") return [`, for worker ${waits.worker}`];
  return [", for ", { path: waits.path, id: waits.id }];
}

function deepMailboxes(overview) {
  const deep = overview.top.deepest.filter((actor) => (actor.capacity ? actor.mailbox >= FULL * actor.capacity : actor.mailbox >= DEEP));
  const sentences = deep.map((actor) => {
    const { growth } = live.actors.get(actor.id) ?? {};
    const size = actor.capacity ? `${count(actor.mailbox)} of ${count(actor.capacity)} messages` : plural(actor.mailbox, "message");
    const trend = actor.capacity ? "" : growth > 0.5 ? `, and grows by ${rate(growth)} a second` : growth < -0.5 ? `, and shrinks by ${rate(-growth)} a second` : "";
    const state = actor.state === "running" ? "" : ` It is ${actor.state}.`;
    return { key: `deep ${actor.id}`, level: !actor.capacity && actor.mailbox >= 10 * DEEP ? "bad" : "warn", kind: "Mailbox", text: ["The mailbox of ", { path: actor.path }, ` holds ${size}${trend}.${state}`] };
  });
  return some(sentences, 4, (more) => ({ key: "deeps", level: "warn", kind: "Mailbox", text: [`${count(more)} more mailboxes are deep, see Deepest mailboxes.`] }));
}

// Three restarts within a minute: seen in the figures, told by the failures, or an actor that is in the middle
// of it.
function restartStorms(overview) {
  const recent = overview.failures.filter((failure) => overview.uptime_ms - failure.at_ms < 60_000);
  const sentences = overview.top.restarts.flatMap((actor) => {
    const trail = live.actors.get(actor.id)?.restarts ?? [];
    const gained = trail.length ? actor.restarts - trail[0].count : 0;
    const own = recent.filter((failure) => failure.path === actor.path);
    const within = actor.restarts >= 3 && (actor.state === "backing off" || actor.state === "restarting");
    if (gained < 3 && own.length < 3 && !within) return [];
    const latest = own.reduce((last, one) => (!last || one.at_ms > last.at_ms ? one : last), null);
    const lately = Math.max(gained, own.length);
    return [{
      key: `storm ${actor.id}`, level: "bad", kind: "Restarts",
      text: [{ path: actor.path }, ` has restarted ${count(actor.restarts)} times`, lately ? `, ${count(lately)} of them within the last minute` : "", latest ? `. Its last failure: ${cut(latest.text, 160)}` : "."],
    }];
  });
  return some(sentences, 4, (more) => ({ key: "storms", level: "bad", kind: "Restarts", text: [`${count(more)} more actors restart again and again, see Most restarts.`] }));
}

// Actors that are no more: their last failure within the last minute stopped them.
function stoppedByFailures(overview) {
  const last = new Map();
  for (const failure of overview.failures) {
    if (overview.uptime_ms - failure.at_ms >= 60_000) continue;
    const known = last.get(failure.path);
    const seen = (known?.seen ?? 0) + 1;
    last.set(failure.path, { ...(known && known.at_ms > failure.at_ms ? known : failure), seen });
  }
  const stopped = [...last.values()].filter((failure) => failure.directive === "stop");
  const sentences = stopped.map(({ path, text, seen }) => ({
    key: `stopped ${path}`, level: "bad", kind: "Stopped",
    text: [{ path }, ` was stopped because of a failure${seen > 1 ? `, after ${count(seen)} of them within a minute` : ""}: ${cut(text, 160)}`],
  }));
  return some(sentences, 4, (more) => ({ key: "stops", level: "bad", kind: "Stopped", text: [`${count(more)} more actors were stopped by failures, see Failures.`] }));
}

const cut = (text, most) => (text.length > most ? `${text.slice(0, most)}…` : text);

function losses(overview) {
  if (!live.lostPerSecond) return [];
  const of = new Map();
  for (const { letter } of live.letters.slice(0, 50)) of.set(letter.path ?? letter.target, [(of.get(letter.path ?? letter.target)?.[0] ?? 0) + 1, letter]);
  const [, most] = [...of.values()].sort((one, other) => other[0] - one[0])[0] ?? [];
  return [{
    key: "lost", level: live.lostPerSecond >= 10 ? "bad" : "warn", kind: "Lost",
    text: [`${rate(live.lostPerSecond)} messages a second are lost, ${count(overview.dead_letters.total)} so far`, ...(most ? [", most of the last ones to ", { path: most.path, id: most.target }, `: ${most.reason}.`] : ["."])],
  }];
}

// Writes a sentence into a node, of texts and actors.
function write(node, parts) {
  const text = JSON.stringify(parts);
  if (node.written === text) return;
  const shape = parts.map((part) => (typeof part === "string" ? "" : part.path ?? part.id)).join("\n");
  if (node.shape === shape) {
    // Only texts differ: an actor in it keeps its node, and the focus.
    parts.forEach((part, index) => typeof part === "string" && (node.childNodes[index].textContent = part));
  } else {
    node.replaceChildren(...parts.map((part) => (typeof part === "string" ? document.createTextNode(part) : pathOrId(part.path, part.id))));
  }
  Object.assign(node, { written: text, shape });
}

function drawAttention(overview) {
  const found = concerns(overview);
  sync($("concerns"), found, (one) => one.key,
    () => el("li", {}, el("span", { class: "mark" }), el("span", { class: "text" })),
    (node, one) => {
      node.className = one.level;
      setText(node.firstChild, one.kind);
      write(node.lastChild, one.text);
    });
  $("calm").hidden = found.length > 0;
  setText($("attention-count"), found.length || "");
  document.title = `${found.length ? `(${found.length}) ` : ""}${overview.pool} – Nexus`;
}
