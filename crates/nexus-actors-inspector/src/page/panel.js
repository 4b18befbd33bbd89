// One actor: all that is known of it, and the orders that it can be given.

const panel = { path: null, actor: null, asking: false, gone: null, error: null, confirming: null, said: null };
const ORDERS = {
  suspend: { text: "Suspend", title: "It handles no more mail until it is resumed" },
  resume: { text: "Resume", title: "It handles its mail again" },
  stop: { text: "Stop", danger: true, sure: "It stops after the mail that it has. Its children stop too." },
  kill: { text: "Kill", danger: true, sure: "It stops after the message that it handles. The rest of its mail is lost. Its children stop too." },
};

function select(path) {
  if (panel.path !== path) {
    Object.assign(panel, { path, actor: null, gone: null, error: null, confirming: null, said: null });
    $("panel").replaceChildren();
    $("panel").keyed = null;
  }
  if (location.hash !== hashOf(path)) history.replaceState(null, "", location.pathname + location.search + hashOf(path));
  $("panel").hidden = false;
  drawPanel();
  refreshPanel();
  $("panel").focus({ preventScroll: true });
  $("panel").scrollTop = 0;
  drawTree();
}

function closePanel() {
  if (!panel.path) return;
  panel.path = null;
  $("panel").hidden = true;
  history.replaceState(null, "", location.pathname + location.search);
  drawTree();
}

async function refreshPanel() {
  const { path } = panel;
  if (!path || panel.asking) return;
  panel.asking = true;
  try {
    const found = await api(`/actors?below=${encodeURIComponent(path)}&depth=0&limit=1`);
    if (panel.path === path) {
      const actor = found.actors.find((one) => one.path === path);
      Object.assign(panel, { error: null, gone: actor ? null : found.silent.length ? `Worker ${found.silent.join(", ")} did not answer in time.` : "There is no such actor now." });
      if (actor) panel.actor = note(actor, live.now?.uptime_ms ?? 0).actor;
    }
  } catch (error) {
    panel.error = error.message;
  }
  panel.asking = false;
  if (panel.path !== path) refreshPanel();
  drawPanel();
}

async function order(verb) {
  panel.confirming = null;
  const { path } = panel;
  try {
    await api(`/actors/${verb}`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ path }) });
    panel.said = `The order to ${verb} is given.`;
  } catch (error) {
    panel.said = error.message;
  }
  refreshPanel();
}

function fieldsOf(actor) {
  const { rate: handled, busy } = live.actors.get(actor.id) ?? {};
  const fields = [
    ["state", actor.state], ["worker", String(actor.worker)], ["id", actor.id],
    ["mailbox", actor.capacity ? `${count(actor.mailbox)} of ${count(actor.capacity)}` : count(actor.mailbox)], ["deepest", count(actor.deepest)], ["stashed", count(actor.stashed)],
    ["handled", count(actor.handled)], ["messages/s", rate(handled)], ["busy", busy === null || busy === undefined ? "–" : `${Math.min(100, busy / 10).toFixed(1)} %`],
    ["restarts", count(actor.restarts)], ["children", childrenOf(actor)], ["age", time(actor.age_ms)],
    ["timers", count(actor.timers)], ["tasks", count(actor.tasks)],
  ];
  if (actor.handling) {
    fields.push(["in the middle of a handler for", time(actor.handling.for_ms), true]);
    fields.push(["message, correlation", `${actor.handling.message}, ${actor.handling.correlation}`, true]);
  }
  if (actor.waits_for) {
    const waits = actor.waits_for;
    fields.push(["waits for", waits.kind === "time" ? "time to pass" : waits.kind === "worker" ? `worker ${waits.worker}` : [{ path: waits.path, id: waits.id }], true]);
  }
  if (actor.cycle?.length) fields.push(["perhaps a deadlock", [...actor.cycle, actor.cycle[0]].flatMap((path, index) => (index ? [" → ", { path }] : [{ path }])), true]);
  for (const failure of (live.now?.failures ?? []).filter((one) => one.path === actor.path).sort((one, other) => other.at_ms - one.at_ms).slice(0, 3)) {
    fields.push([`failed ${ago(live.now.uptime_ms - failure.at_ms)}`, failureText(failure), true]);
  }
  const lost = live.letters.filter(({ letter }) => letter.target === actor.id || letter.path === actor.path);
  if (lost.length) fields.push(["dead letters, of the last ones", `${count(lost.length)}, the latest because ${lost[0].letter.reason}`, true]);
  return fields;
}

function panelParts() {
  if (panel.actor) return ["head", "kind", "gone", "fields", "verbs"];
  return ["head", "gone"];
}

function drawPanel() {
  if (!panel.path) return;
  const { actor } = panel;
  sync($("panel"), panelParts(), (part) => part, (part) => {
    if (part === "head") {
      return el("div", { class: "head" }, el("h2", { id: "panel-title" }, panel.path),
        el("button", { type: "button", id: "reveal", title: "Show it in the tree", onclick: () => reveal(panel.path) }, "In tree"),
        el("button", { type: "button", class: "close", "aria-label": "Close", title: "Close (Esc)", onclick: closePanel }, "×"));
    }
    return el(part === "fields" ? "dl" : "div", { class: part });
  }, (node, part) => {
    if (part === "kind") setText(node, actor.message_type);
    if (part === "gone") setText(node, panel.error ?? panel.gone ?? (actor ? "" : "loading …"));
    if (part === "fields") drawFields(node, actor);
    if (part === "verbs") drawVerbs(node);
  });
}

function drawFields(list, actor) {
  const fields = fieldsOf(actor).map(([label, value, wide], index) => ({ label, value, wide, key: wide ? `${index} ${label}` : label }));
  sync(list, fields, (field) => field.key, ({ label, wide }) => el("div", { class: wide ? "wide" : "", "data-field": label }, el("dt", {}, label), el("dd")), (node, { label, value }) => {
    setText(node.firstChild, label);
    write(node.children[1], typeof value === "string" ? [value] : value);
    if (label === "mailbox" && actor.capacity) {
      if (!node.children[2]) node.append(el("span", { class: "meter" }, el("span")));
      const share = Math.min(1, actor.mailbox / actor.capacity);
      node.children[2].classList.toggle("full", share >= FULL);
      node.children[2].firstChild.style.width = `${100 * share}%`;
    }
  });
}

function drawVerbs(node) {
  const shape = JSON.stringify([live.now?.control, panel.confirming, panel.said, Boolean(panel.gone)]);
  if (node.shape === shape) return;
  node.shape = shape;
  const said = panel.said ? [el("span", { class: "said", role: "status" }, panel.said)] : [];
  if (panel.gone) return node.replaceChildren(...said);
  if (!live.now?.control) return node.replaceChildren(el("span", { class: "said" }, "Orders are switched off for this inspector."));
  const button = (verb, text, title, act, danger) => el("button", { type: "button", "data-verb": verb, class: danger ? "danger" : null, title, onclick: act }, text);
  if (panel.confirming) {
    const verb = panel.confirming;
    const { text, sure } = ORDERS[verb];
    node.replaceChildren(el("span", { role: "alert" }, sure), button("confirm", `${text} it`, null, () => order(verb), true), button("cancel", "Leave it", null, () => {
      panel.confirming = null;
      drawPanel();
    }));
    return node.querySelector('[data-verb="cancel"]').focus();
  }
  node.replaceChildren(...Object.entries(ORDERS).map(([verb, { text, title, danger }]) => button(verb, text, title, () => {
    if (!danger) return order(verb);
    panel.confirming = verb;
    drawPanel();
  }, danger)), ...said);
}
