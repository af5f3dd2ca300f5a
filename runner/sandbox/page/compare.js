// Two events side by side: what is different, by its path.

import { $, el, said } from "./dom.js";
import { inline, isMap } from "./json.js";

const MOST_SHOWN = 500;

/** Return the rows of a comparison: path, and the value on each side; undefined where it is missing. */
export function differences(left, right) {
  const rows = [];
  walk([], left, right, rows);
  return rows;
}

function walk(path, left, right, rows) {
  if ((isMap(left) && isMap(right)) || (Array.isArray(left) && Array.isArray(right))) {
    const keys = new Set([...Object.keys(left), ...Object.keys(right)]);
    for (const key of keys) {
      const own = (value) => (Object.hasOwn(value, key) ? value[key] : undefined);
      walk([...path, key], own(left), own(right), rows);
    }
    return;
  }
  const isSame = left !== undefined && right !== undefined && inline(left) === inline(right);
  rows.push({ path: path.join("."), left, right, kind: isSame ? "same" : left === undefined ? "added" : right === undefined ? "removed" : "changed" });
}

const MARKS = { same: " ", added: "+", removed: "−", changed: "≠" };

/** Show two events in the dialog. */
export function showComparison(left, right) {
  const rows = differences(left.body ?? {}, right.body ?? {});
  const differing = rows.filter((row) => row.kind !== "same");
  const only = el("input", { type: "checkbox", checked: true });
  const body = el("tbody");
  const value = (each) => (each === undefined ? el("span.missing", {}, "missing") : said(inline(each), 2000, "code"));
  const fill = () => {
    const shown = (only.checked ? differing : rows).slice(0, MOST_SHOWN);
    body.replaceChildren(...shown.map(({ path, left: before, right: after, kind }) =>
      el(`tr.${kind}`, {}, el("td.mark", {}, MARKS[kind], el("span.hidden", {}, kind)), el("th", { scope: "row" }, said(path || "(all)", 300)), el("td", {}, value(before)), el("td", {}, value(after)))));
    if (!shown.length) body.append(el("tr", {}, el("td", { colspan: 4 }, "The events are equal.")));
  };
  only.addEventListener("change", fill);
  fill();
  $("compare").replaceChildren(
    el("h2", { id: "compare-title" }, `Compare #${left.id} with #${right.id}`),
    el("p", {}, `${differing.length} of ${rows.length} values differ. `, el("label.check", {}, only, " only differences")),
    el("div.scroll", { tabindex: 0, role: "region", "aria-label": "Differences" }, el("table.differences", {},
      el("thead", {}, el("tr", {}, el("th", { scope: "col" }, el("span.hidden", {}, "Kind")), el("th", { scope: "col" }, "Path"), el("th", { scope: "col" }, `#${left.id}`), el("th", { scope: "col" }, `#${right.id}`))), body)),
    el("p.actions", {}, el("button.primary", { type: "button", "data-close": true }, "Close")),
  );
  $("compare").showModal();
}
