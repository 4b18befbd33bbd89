// The connection, and what is known of the pool: the last overview, the one before, and what follows from
// their difference.

const token = new URLSearchParams(location.search).get("token");
const HISTORY_MS = 120_000;
const RATES_MS = 10_000;

const live = {
  now: null, // the last overview
  history: [], // { at, rates: one for each worker, or null after a gap }
  perSecond: null, // what all workers handled, each second
  lostPerSecond: null,
  lostTrail: [], // { at, total }, for ten seconds
  actors: new Map(), // by id: { at, actor, rate, growth, busy, restarts: [{ at, count }] }
  letters: [], // newest first
  paused: false,
};

async function api(path, options = {}) {
  const headers = { ...options.headers };
  if (token) headers.Authorization = `Bearer ${token}`;
  const response = await fetch(path, { ...options, headers, cache: "no-store" });
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(body.error ? [body.error, body.help].filter(Boolean).join(": ") : `the inspector answered ${response.status}`);
  return body;
}

function actorsOf(overview) {
  const { deepest, busiest, restarts, longest } = overview.top;
  return [...deepest, ...busiest, ...restarts, ...longest];
}

// Takes in what an actor is now. Returns its record, with what has changed since the last one.
function note(actor, at) {
  const before = live.actors.get(actor.id);
  if (before?.at === at) return Object.assign(before, { actor });
  // The counts of an actor are estimates, so they are compared over a while.
  const seen = (before?.seen ?? []).filter((one) => at - one.at < RATES_MS);
  const since = seen[0];
  const seconds = since ? (at - since.at) / 1000 : 0;
  const differs = (name) => (seconds > 0 && actor[name] !== null && since.actor[name] !== null ? (actor[name] - since.actor[name]) / seconds : null);
  seen.push({ at, actor });
  const positive = (number) => (number === null || number < 0 ? null : number);
  const trail = (before?.restarts ?? []).filter((one) => at - one.at < 60_000);
  trail.push({ at, count: actor.restarts });
  const record = { at, actor, rate: positive(differs("handled")), growth: differs("mailbox"), busy: positive(differs("busy_ms")), restarts: trail, seen };
  live.actors.set(actor.id, record);
  return record;
}

function takeOverview(overview) {
  const before = live.now;
  if (before && (before.run !== overview.run || overview.uptime_ms < before.uptime_ms)) forget();
  const at = overview.uptime_ms;
  const last = live.now;
  const seconds = last ? (at - last.uptime_ms) / 1000 : 0;
  if (last && seconds <= 0) return;
  if (last && last.workers.length === overview.workers.length) {
    const rates = overview.workers.map((worker, index) => Math.max(0, worker.handled - last.workers[index].handled) / seconds);
    if (seconds > 10) live.history.push({ at: at - 1, rates: null });
    live.history.push({ at, rates });
    live.history = live.history.filter((one) => at - one.at <= HISTORY_MS + 5000);
    live.perSecond = sum(rates);
    live.sleeps = overview.workers.map((worker, index) => (worker.parks - last.workers[index].parks) / seconds);
  }
  live.lostTrail.push({ at, total: overview.dead_letters.total });
  live.lostTrail = live.lostTrail.filter((one) => at - one.at <= 10_000);
  const oldest = live.lostTrail[0];
  live.lostPerSecond = at > oldest.at ? ((overview.dead_letters.total - oldest.total) * 1000) / (at - oldest.at) : null;
  if (!last) live.letters = overview.dead_letters.recent.map((letter) => ({ letter, at: null })).reverse();
  live.now = overview;
  for (const actor of actorsOf(overview)) note(actor, at);
  for (const [id, record] of live.actors) if (at - record.at > 60_000) live.actors.delete(id);
}

// Another run of the pool has nothing in common with the last one.
function forget() {
  Object.assign(live, { now: null, history: [], perSecond: null, lostPerSecond: null, lostTrail: [], letters: [], sleeps: null });
  live.actors.clear();
}

function takeLetter(letter) {
  live.letters.unshift({ letter, at: live.now?.uptime_ms ?? null });
  live.letters.length = Math.min(live.letters.length, 200);
}

const link = { source: null, retry: 0, timer: null };

function say(state, text) {
  $("link").dataset.state = state;
  setText($("link"), text);
}

function connect() {
  clearTimeout(link.timer);
  link.source?.close();
  const source = new EventSource(token ? `/events?token=${encodeURIComponent(token)}` : "/events");
  link.source = source;
  source.addEventListener("overview", (event) => {
    link.retry = 0;
    say("live", "live");
    if (live.paused) return;
    takeOverview(JSON.parse(event.data));
    schedule();
  });
  source.addEventListener("dead_letter", (event) => {
    if (live.paused) return;
    takeLetter(JSON.parse(event.data));
    schedule();
  });
  source.addEventListener("error", () => {
    source.close();
    const wait = Math.min(10, 2 ** link.retry++);
    say("lost", `not connected, trying again in ${wait} s`);
    link.timer = setTimeout(connect, wait * 1000);
  });
}

function disconnect() {
  clearTimeout(link.timer);
  link.source?.close();
  link.source = null;
  say("connecting", "not watching");
}

// A page that nobody looks at is no reason to measure.
let hiding = null;
document.addEventListener("visibilitychange", () => {
  clearTimeout(hiding);
  if (document.hidden) hiding = setTimeout(disconnect, 60_000);
  else if (!link.source) connect();
});

// Draws at most once a frame, however much has come.
let drawing = false;
function schedule() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    if (live.now) draw();
  });
}
