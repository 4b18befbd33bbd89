// Puts the parts together.

function draw() {
  const overview = live.now;
  drawHeader(overview);
  drawAttention(overview);
  drawChart(overview);
  drawWorkers(overview);
  drawTables(overview);
  drawGraph(overview);
  drawLost(overview);
  drawFailures(overview);
  if (draw.last !== overview) {
    draw.last = overview;
    drawTree();
    refreshPanel();
    drawPanel();
  }
}

// Whatever names an actor leads to it.
document.addEventListener("click", (event) => {
  const named = event.target.closest("[data-path]");
  if (!named || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  select(named.dataset.path);
});

function pause(on = !live.paused) {
  live.paused = on;
  $("pause").setAttribute("aria-pressed", on);
  setText($("pause"), on ? "Resume" : "Pause");
}
$("pause").addEventListener("click", () => pause());

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const group = event.target.closest?.("g[data-path]");
  if (group && (event.key === "Enter" || event.key === " ")) {
    event.preventDefault();
    return select(group.dataset.path);
  }
  if (event.key === "Escape") return closePanel();
  if (event.target.closest?.("input, select, textarea")) return;
  const keys = {
    "/": () => $("query").focus(),
    t: () => {
      clearSearch();
      $("tree").querySelector('[tabindex="0"]')?.focus();
    },
    p: () => pause(),
  };
  if (!keys[event.key]) return;
  event.preventDefault();
  keys[event.key]();
});

function selectFromHash() {
  const path = decodeURI(location.hash.slice(1));
  if (path.startsWith("/")) select(path);
}
addEventListener("hashchange", selectFromHash);

connect();
unfold(ROOT);
selectFromHash();
