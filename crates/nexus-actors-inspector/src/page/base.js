"use strict";
// What all parts of the page use: elements, lists that keep their nodes, and how figures are written.

const $ = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";

// Makes an element. Text only ever becomes text: nothing that comes from the pool is parsed as markup.
function el(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}
function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}
function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}
function setText(node, text) {
  if (node.textContent !== String(text)) node.textContent = text;
}

// Shows `items` in `parent`. A node stays as long as its key does, so that focus and hover survive.
function sync(parent, items, keyOf, make, update) {
  const old = parent.keyed ?? new Map();
  const next = new Map();
  for (const item of items) {
    const key = keyOf(item);
    if (!next.has(key)) next.set(key, { item, node: old.get(key) ?? make(item) });
  }
  for (const [key, node] of old) if (!next.has(key)) node.remove();
  const focused = document.activeElement;
  let at = parent.firstChild;
  const kept = new Map();
  for (const [key, { item, node }] of next) {
    update(node, item);
    kept.set(key, node);
    if (node === at) at = at.nextSibling;
    else parent.insertBefore(node, at);
  }
  parent.keyed = kept;
  if (focused !== document.activeElement && parent.contains(focused)) focused.focus({ preventScroll: true });
}

// A path as a link: its last name is always legible, what stands before it is cut first.
function pathLink(path) {
  const at = path.lastIndexOf("/") + 1;
  return el("a", { class: "path", href: hashOf(path), "data-path": path, title: path }, el("i", {}, path.slice(0, at)), el("b", {}, path.slice(at)));
}
const hashOf = (path) => `#${encodeURI(path)}`;
function pathOrId(path, id) {
  if (path) return pathLink(path);
  return el("span", { class: "none" }, id ? `the actor ${id}` : "a task of the worker");
}

const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const count = (number) => (number === null || number === undefined ? "–" : whole.format(number));
function rate(number) {
  if (number === null || number === undefined || !Number.isFinite(number)) return "–";
  const size = Math.abs(number);
  if (size >= 1e6) return `${(number / 1e6).toFixed(2)} M`;
  if (size >= 1e5) return `${(number / 1e3).toFixed(0)} k`;
  if (size > 0 && size < 10) return number.toFixed(1);
  return whole.format(number);
}
function change(number) {
  if (number === null || number === undefined || !Number.isFinite(number)) return "–";
  if (Math.abs(number) < 0.05) return "0";
  return (number > 0 ? "+" : "−") + rate(Math.abs(number));
}
function time(ms) {
  if (ms === null || ms === undefined) return "–";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const s = ms / 1000;
  if (s < 10) return `${s.toFixed(1)} s`;
  if (s < 60) return `${Math.floor(s)} s`;
  const pair = (large, of, big, small) => `${Math.floor(s / large)} ${big} ${Math.floor((s % large) / of)} ${small}`;
  if (s < 3600) return pair(60, 1, "min", "s");
  if (s < 86400) return pair(3600, 60, "h", "min");
  return pair(86400, 3600, "d", "h");
}
function bytes(number) {
  if (number === null || number === undefined) return "–";
  if (number < 1024) return `${number} B`;
  for (const [unit, size] of [["GiB", 2 ** 30], ["MiB", 2 ** 20], ["KiB", 1024]]) {
    if (number >= size) return `${(number / size).toFixed(number / size < 10 ? 1 : 0)} ${unit}`;
  }
}
const plural = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;
// A type without the modules before its names: `Vec<app::Order>` becomes `Vec<Order>`.
const shortType = (type) => type.replace(/(?:[A-Za-z_][\w]*::)+/g, "");
const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
