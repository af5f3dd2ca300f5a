// A JSON value as a tree that folds; each value says its type.

import { el, plural, said, visible } from "./dom.js";
import { Exact, isMap, typeOf } from "./json.js";

const AT_ONCE = 200;
const LONG_TEXT = 400;
const OPEN_LEVELS = 3;
const MOST_OPEN = 40;

/** Return the tree of a value. */
export const tree = (value) => el("ul.tree", {}, node(null, value, 0));

function node(key, value, level) {
  const name = key === null ? null : el("span.key", {}, typeof key === "number" ? String(key) : said(key, 200), ": ");
  if (!isMap(value) && !Array.isArray(value)) return el("li", {}, name, leaf(value), type(typeOf(value)));
  const entries = Array.isArray(value) ? Array.from(value.entries()) : Object.entries(value);
  const kind = Array.isArray(value) ? `array of ${entries.length}` : plural(entries.length, "key");
  if (!entries.length) return el("li", {}, name, el("span.value", {}, Array.isArray(value) ? "[]" : "{}"), type(typeOf(value)));
  const children = el("ul");
  const details = el("details", {}, el("summary", {}, name, type(kind)), children);
  details.addEventListener("toggle", () => details.open && !children.firstChild && fill(children, entries, 0, level), { once: false });
  if (level < OPEN_LEVELS && entries.length <= MOST_OPEN) {
    fill(children, entries, 0, level);
    details.open = true;
  }
  return el("li", {}, details);
}

function fill(children, entries, from, level) {
  children.append(...entries.slice(from, from + AT_ONCE).map(([key, value]) => node(key, value, level + 1)));
  const left = entries.length - from - AT_ONCE;
  if (left <= 0) return;
  const more = el("li", {}, el("button.link", { type: "button" }, `show ${Math.min(left, AT_ONCE)} more of ${left}`));
  more.firstChild.addEventListener("click", () => {
    more.remove();
    fill(children, entries, from + AT_ONCE, level);
  });
  children.append(more);
}

function leaf(value) {
  if (typeof value !== "string") return el(`span.value.${typeOf(value)}`, {}, value instanceof Exact ? value.source : String(value));
  return longText(value, (text) => el("span.value.string", { dir: "auto" }, `"${visible(text)}"`));
}

const type = (name) => el("span.type", {}, ` ${name}`);

/** Return a text as `show` shows it: its beginning, if it is long, with a button for all of it. */
export function longText(text, show, most = LONG_TEXT) {
  if (text.length <= most) return show(text);
  const box = el("span.long", {}, show(`${text.slice(0, most)}…`));
  const button = el("button.link", { type: "button" }, `show all ${text.length.toLocaleString("en")} characters`);
  button.addEventListener("click", () => box.replaceChildren(show(text)));
  box.append(button);
  return box;
}
