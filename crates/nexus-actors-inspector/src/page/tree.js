// The tree of actors, which is loaded as it is unfolded, and the search.

const ROOT = "/user";
const FIRST = 200;
// More children than this are not counted.
const COUNTED = 10_000;
const childrenOf = ({ children }) => `${count(children)}${children >= COUNTED ? "+" : ""}`;
const MOST = 1000;
const tree = { open: new Map(), cursor: ROOT, known: new Map() }; // open: path to { actors, matched, limit, error }
const parentOf = (path) => path.slice(0, path.lastIndexOf("/")) || "/";
const natural = new Intl.Collator("en", { numeric: true });

async function unfold(path, limit = tree.open.get(path)?.limit ?? FIRST) {
  const before = tree.open.get(path);
  tree.open.set(path, before ?? { actors: [], matched: null, limit });
  drawTree();
  try {
    const found = await api(`/actors?below=${encodeURIComponent(path)}&depth=1&limit=${limit}`);
    if (!tree.open.has(path)) return;
    const children = found.actors.filter((actor) => actor.path !== path);
    // The actor itself is one of those that match, whether or not it is among those that fit.
    const left = Math.max(0, found.matched - found.actors.length);
    children.sort((one, other) => natural.compare(one.path, other.path));
    for (const actor of found.actors) tree.known.set(actor.path, actor);
    tree.open.set(path, { actors: children, left, matched: found.matched, limit, silent: found.silent });
  } catch (error) {
    if (tree.open.has(path)) tree.open.set(path, { actors: [], matched: 0, limit, error: error.message });
  }
  drawTree();
}

function foldUp(path) {
  for (const one of [...tree.open.keys()]) if (one === path || one.startsWith(`${path}/`)) tree.open.delete(one);
  if (tree.cursor.startsWith(`${path}/`)) tree.cursor = path;
  drawTree();
}

const toggle = (path) => (tree.open.has(path) ? foldUp(path) : unfold(path));

function rowsOf(path, level, rows) {
  const actor = tree.known.get(path);
  const open = tree.open.get(path);
  rows.push({ key: path, path, level, actor, open: Boolean(open), folds: path === ROOT || Boolean(open) || (actor?.children ?? 0) > 0 });
  if (!open) return rows;
  for (const child of open.actors) rowsOf(child.path, level + 1, rows);
  const note = (text, more) => rows.push({ key: `${path}\n${more ? "more" : text}`, path, level: level + 1, note: text, more });
  if (open.error) note(open.error);
  else if (open.matched === null) note("loading …");
  else if (open.left && open.limit < MOST) note(`${count(open.left)} more`, true);
  else if (open.left) note(`${count(open.left)} more – the search finds them`);
  else if (!open.actors.length) note("no children");
  for (const worker of open.silent ?? []) note(`worker ${worker} did not answer`);
  return rows;
}

function tags(actor) {
  const record = live.actors.get(actor.id)?.actor ?? actor;
  const found = [];
  if (record.state !== "running") found.push([record.state, "warn"]);
  if (record.cycle) found.push(["cycle", "bad"]);
  else if (record.handling?.for_ms >= LONG_MS) found.push([`waits ${time(record.handling.for_ms)}`, "warn"]);
  if (record.restarts) found.push([plural(record.restarts, "restart"), record.restarts >= 10 ? "bad" : ""]);
  if (record.mailbox) found.push([`${count(record.mailbox)} queued`, record.mailbox >= DEEP ? "bad" : ""]);
  return found;
}

function drawTags(node, actor) {
  sync(node, actor ? tags(actor) : [], ([text]) => text.replace(/[\d.,]+/g, ""), () => el("span"), (tag, [text, kind]) => {
    tag.className = `tag ${kind}`;
    setText(tag, text);
  });
}

const chevron = () => svg("svg", { viewBox: "0 0 10 10", "aria-hidden": "true" }, svg("path", { d: "M3 1l4 4-4 4" }));

function drawTree() {
  const rows = rowsOf(ROOT, 1, []);
  if (!rows.some((row) => row.path === tree.cursor)) tree.cursor = ROOT;
  sync($("tree"), rows, (row) => row.key, (row) => {
    const indent = (node) => {
      node.style.paddingLeft = `${8 + (row.level - 1) * 15}px`;
      return node;
    };
    if (row.note) return indent(el("div", { class: "note", role: "none" }, el("span"), row.more ? el("button", { type: "button", "data-more": row.path }, "show more") : null));
    return el("div", { role: "treeitem", "aria-level": row.level, "data-node": row.path },
      indent(el("div", { class: "node" }, el("span", { class: "fold" }), el("span", { class: "name", title: row.path }, row.path === ROOT ? ROOT : row.path.slice(row.path.lastIndexOf("/") + 1)),
        el("span", { class: "kind" }), el("span", { class: "tags" }))));
  }, (node, row) => {
    if (row.note) {
      setText(node.firstChild, row.more ? `${row.note} ` : row.note);
      return;
    }
    if (row.folds) node.setAttribute("aria-expanded", row.open);
    else node.removeAttribute("aria-expanded");
    node.setAttribute("aria-selected", row.path === panel.path);
    node.tabIndex = row.path === tree.cursor ? 0 : -1;
    const [fold, , kind, marks] = node.firstChild.children;
    if (row.folds !== Boolean(fold.firstChild)) fold.replaceChildren(...(row.folds ? [chevron()] : []));
    const children = row.actor?.children ? `${childrenOf(row.actor)} below` : "";
    setText(kind, row.path === ROOT ? "" : [row.actor && shortType(row.actor.message_type), children].filter(Boolean).join(", "));
    drawTags(marks, row.actor);
  });
}

function moveTo(node) {
  if (!node) return;
  tree.cursor = node.dataset.node;
  drawTree();
  node.focus();
}

$("tree").addEventListener("click", (event) => {
  const more = event.target.closest("[data-more]");
  if (more) return void unfold(more.dataset.more, MOST);
  const item = event.target.closest("[data-node]");
  if (!item) return;
  const path = item.dataset.node;
  moveTo(item);
  if (event.target.closest(".fold") || path === ROOT) toggle(path);
  else select(path);
});
$("tree").addEventListener("dblclick", (event) => {
  const item = event.target.closest("[data-node]");
  if (item?.hasAttribute("aria-expanded") && !event.target.closest(".fold")) toggle(item.dataset.node);
});

$("tree").addEventListener("keydown", (event) => {
  const item = event.target.closest("[data-node]");
  if (!item || event.ctrlKey || event.metaKey || event.altKey) return;
  const all = [...$("tree").querySelectorAll("[data-node]")];
  const at = all.indexOf(item);
  const path = item.dataset.node;
  const folds = item.getAttribute("aria-expanded");
  const keys = {
    ArrowDown: () => moveTo(all[at + 1]),
    ArrowUp: () => moveTo(all[at - 1]),
    Home: () => moveTo(all[0]),
    End: () => moveTo(all.at(-1)),
    ArrowRight: () => (folds === "false" ? unfold(path) : folds === "true" ? moveTo(all[at + 1]) : null),
    ArrowLeft: () => (folds === "true" ? foldUp(path) : moveTo(all.find((one) => one.dataset.node === parentOf(path)))),
    Enter: () => (path === ROOT ? toggle(path) : select(path)),
    " ": () => (folds ? toggle(path) : select(path)),
  };
  if (!keys[event.key]) return;
  event.preventDefault();
  event.stopPropagation();
  keys[event.key]();
});

// Unfolds all that is above an actor, and shows it.
async function reveal(path) {
  clearSearch();
  const names = path.split("/").slice(1, -1);
  for (let length = 1; length <= names.length; length++) {
    const above = `/${names.slice(0, length).join("/")}`;
    if (!tree.open.has(above)) await unfold(above);
  }
  const node = $("tree").querySelector(`[data-node="${CSS.escape(path)}"]`);
  moveTo(node);
  node?.scrollIntoView({ block: "nearest" });
}

// What is unfolded grows old. Nodes with many children are left as they are: to look at them all is work.
setInterval(async () => {
  if (!link.source || live.paused || document.hidden || !$("results").hidden) return;
  for (const [path, { matched, error }] of [...tree.open].slice(0, 8)) {
    if (tree.open.has(path) && (error || (matched !== null && matched <= FIRST))) await unfold(path);
  }
}, 5000);

const search = { timer: null, asked: 0 };

function highlighted(text, query) {
  const at = text.toLowerCase().indexOf(query.toLowerCase());
  return at < 0 || !query ? [text] : [text.slice(0, at), el("mark", {}, text.slice(at, at + query.length)), text.slice(at + query.length)];
}

async function find() {
  const query = $("query").value.trim();
  const asked = ++search.asked;
  if (!query) return clearSearch();
  setText($("browse-note"), "searching …");
  try {
    const found = await api(`/actors?matching=${encodeURIComponent(query)}&order=${$("order").value}&limit=100`);
    if (asked !== search.asked) return;
    $("results").replaceChildren(...found.actors.map((actor) => {
      const marks = el("span", { class: "tags" });
      drawTags(marks, actor);
      const name = el("a", { class: "path", href: hashOf(actor.path), "data-path": actor.path, title: actor.path }, el("b", {}, ...highlighted(actor.path, query)));
      return el("li", { "data-path": actor.path }, name, el("div", { class: "line" }, el("span", { class: "dim" }, ...highlighted(shortType(actor.message_type), query), " "), marks));
    }));
    const shown = found.matched > found.actors.length ? `, ${count(found.actors.length)} shown` : "";
    const silent = found.silent.length ? `, without worker ${found.silent.join(", ")}` : "";
    setText($("browse-note"), `${count(found.matched)} of ${count(found.examined)} match${shown}${silent}`);
  } catch (error) {
    if (asked !== search.asked) return;
    $("results").replaceChildren();
    setText($("browse-note"), error.message);
  }
  $("results").hidden = false;
  $("tree").hidden = true;
}

function clearSearch() {
  search.asked++;
  $("query").value = "";
  setText($("browse-note"), "");
  $("results").hidden = true;
  $("tree").hidden = false;
}

$("query").addEventListener("input", () => {
  clearTimeout(search.timer);
  search.timer = setTimeout(find, 200);
});
$("order").addEventListener("change", find);
$("search").addEventListener("submit", (event) => {
  event.preventDefault();
  clearTimeout(search.timer);
  find().then(() => $("results").querySelector("a")?.focus());
});
$("search").addEventListener("keydown", (event) => {
  if (event.key === "Escape" && $("query").value) {
    event.stopPropagation();
    clearSearch();
  }
  if (event.key === "ArrowDown" && event.target === $("query")) {
    event.preventDefault();
    $("results").querySelector("a")?.focus();
  }
});
$("results").addEventListener("keydown", (event) => {
  const links = [...$("results").querySelectorAll("a")];
  const at = links.indexOf(document.activeElement);
  if (event.key === "ArrowDown") links[at + 1]?.focus();
  else if (event.key === "ArrowUp") (links[at - 1] ?? $("query")).focus();
  else return;
  event.preventDefault();
});
