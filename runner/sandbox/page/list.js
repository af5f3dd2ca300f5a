// The table of events: only the rows in view are elements, however many there are.

import { $, clockTime, el, plural, said } from "./dom.js";

const MARGIN = 4; // rows beyond the view
const MOST_ROWS = 20_000; // the oldest beyond these are forgotten, and loaded again when they are scrolled to
const ICONS = { accepted: "✓", duplicate: "=", refused: "✕" };

export class List {
  /** `onOpen(id)` opens an event, `onMore(id)` loads those before one. */
  constructor(onOpen, onMore) {
    this.onOpen = onOpen;
    this.onMore = onMore;
    this.rows = []; // the oldest first
    this.pending = [];
    this.elements = new Map();
    this.selected = null;
    this.hasAll = false;
    this.isPaused = false;
    this.isLoading = false;
    this.above = el("tr.spacer", { "aria-hidden": "true" }, el("td"));
    this.below = el("tr.spacer", { "aria-hidden": "true" }, el("td"));
    this.top = this.view = 0; // read when they change: reading them at each event would lay the page out twice
    this.scroller = $("scroller");
    this.scroller.addEventListener("scroll", () => {
      this.top = this.scroller.scrollTop;
      this.#schedule();
    }, { passive: true });
    new ResizeObserver(() => this.#measure()).observe(this.scroller);
    $("rows").addEventListener("click", (click) => {
      const row = click.target.closest("tr[data-id]");
      if (row) this.open(Number(row.dataset.id));
    });
    $("new").addEventListener("click", () => this.toTop());
    this.#measure();
  }

  #measure() {
    this.height = parseFloat(getComputedStyle($("table")).getPropertyValue("--row")) || 36;
    this.head = $("table").tHead.offsetHeight;
    this.view = this.scroller.clientHeight;
    this.#schedule();
  }

  /** Show other rows: `records`, the newest first. `hasAll` says whether there are no older ones. */
  reset(records, hasAll) {
    this.rows = records.slice().reverse();
    this.pending = [];
    this.elements.clear();
    this.hasAll = hasAll;
    this.isLoading = false;
    this.#scrollTo(0);
    if (!this.#has(this.selected)) this.selected = null;
    this.#schedule();
  }

  addOlder(records, hasAll) {
    this.rows = records.slice().reverse().concat(this.rows);
    this.hasAll = hasAll;
    this.isLoading = false;
    this.#schedule();
  }

  /** Add new rows, the oldest first. They do not move the rows that are read. */
  add(records) {
    if (!records.length) return;
    for (const record of records) this.pending.push(record);
    this.#schedule();
  }

  pause() {
    this.isPaused = !this.isPaused;
    this.#schedule();
    return this.isPaused;
  }

  toTop() {
    this.isPaused = false;
    this.#scrollTo(0);
    this.#schedule();
  }

  #scrollTo(top) {
    if (top === this.top) return;
    this.scroller.scrollTop = this.top = top;
  }

  #has(id) {
    return this.rows.some((row) => row.id === id);
  }

  #schedule() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = undefined;
      this.#takePending();
      this.#render();
    });
  }

  #takePending() {
    if (this.isPaused || !this.pending.length) return;
    const isReading = this.top > this.height / 2;
    for (const record of this.pending) this.rows.push(record);
    if (isReading) this.shift = (this.shift ?? 0) + this.pending.length * this.height;
    this.pending = [];
    if (this.rows.length > MOST_ROWS && !isReading) {
      this.rows = this.rows.slice(-MOST_ROWS * 0.8);
      this.hasAll = false;
    }
  }

  #render() {
    const { rows, height } = this;
    const top = this.top + (this.shift ?? 0);
    const first = Math.max(0, Math.floor(top / height) - MARGIN);
    const last = Math.min(rows.length, Math.ceil((top + this.view) / height) + MARGIN);
    const elements = new Map();
    for (let index = first; index < last; index++) {
      const record = rows[rows.length - 1 - index];
      const element = this.elements.get(record.id) ?? rowOf(record);
      element.setAttribute("aria-rowindex", index + 2);
      elements.set(record.id, element);
    }
    for (const [id, element] of this.elements) if (!elements.has(id)) element.remove();
    this.elements = elements;
    this.above.firstChild.style.height = `${first * height}px`;
    this.below.firstChild.style.height = `${(rows.length - last) * height}px`;
    place($("rows"), [this.above, ...elements.values(), this.below]);
    if (this.shift) this.#scrollTo(top); // after the rows above have their place
    this.shift = 0;
    this.#mark();
    $("table").setAttribute("aria-rowcount", this.hasAll ? rows.length + 1 : -1);
    $("table").classList.toggle("none", rows.length === 0);
    const waiting = this.isPaused ? this.pending.length : Math.floor(top / height);
    $("new").hidden = !(this.isPaused || top > height * 3);
    $("new").textContent = this.isPaused ? `Paused · ${plural(waiting, "new event")} · continue` : "↑ Newest";
    if (last > rows.length - 30 && !this.hasAll && !this.isLoading && rows.length) {
      this.isLoading = true;
      this.onMore(rows[0].id);
    }
  }

  #mark() {
    for (const element of $("rows").querySelectorAll('[aria-selected="true"]')) element.setAttribute("aria-selected", "false");
    this.elements.get(this.selected)?.setAttribute("aria-selected", "true");
    if (this.elements.has(this.selected)) $("table").setAttribute("aria-activedescendant", `row-${this.selected}`);
    else $("table").removeAttribute("aria-activedescendant");
  }

  /** Select the row `by` rows below, or the first in view; return its id. */
  move(by) {
    const { rows } = this;
    if (!rows.length) return null;
    const at = rows.findIndex((row) => row.id === this.selected);
    const from = at < 0 ? Math.round(this.top / this.height) - Math.sign(by) : rows.length - 1 - at;
    const index = Math.max(0, Math.min(rows.length - 1, from + by));
    this.select(rows[rows.length - 1 - index].id);
    const top = index * this.height;
    const view = this.view - this.head;
    if (top < this.top) this.#scrollTo(top);
    else if (top + this.height > this.top + view) this.#scrollTo(top + this.height - view);
    this.#schedule();
    return this.selected;
  }

  select(id) {
    this.selected = id;
    this.#mark();
  }

  open(id) {
    this.select(id);
    this.onOpen(id);
  }
}

/** Make `wanted` the children of an element; those that stand there already are not moved. */
function place(parent, wanted) {
  let next = parent.firstChild;
  for (const element of wanted) {
    if (element === next) next = next.nextSibling;
    else parent.insertBefore(element, next);
  }
  while (next) {
    const after = next.nextSibling;
    next.remove();
    next = after;
  }
}

function rowOf(record) {
  const { outcome, warning, reason } = record;
  const cell = (kind, ...children) => el(`td.${kind}`, { role: "gridcell" }, ...children);
  const note = reason ?? warning;
  const name = record.event === null ? said(record.endpoint, 40, "bdi") : said(record.event, 120, "b");
  return el(
    `tr.${outcome}${warning ? ".warned" : ""}${note ? ".noted" : ""}`,
    { role: "row", "aria-selected": "false", id: `row-${record.id}`, "data-id": record.id },
    cell("time", el("time", { datetime: new Date(record.received_ms).toISOString() }, clockTime(record.received_ms))),
    cell("status", el(`span.badge.${outcome}`, { title: outcome }, el("i", { "aria-hidden": "true" }, ICONS[outcome]), ` ${record.status_code || "–"}`, el("span.hidden", {}, ` ${outcome}`))),
    cell("event", name, " ", note && el(`span.note${reason ? ".reason" : ".warning"}`, { title: visibleTitle(note) }, reason ? null : el("i", { "aria-hidden": "true" }, "⚠ "), said(note, 300, "bdi"))),
    cell("user", said(record.distinct_id ?? "", 120, "bdi")),
    cell("tenant", said(record.tenant_id ?? "", 80, "bdi")),
    cell("duplicate", outcome === "duplicate" && el("span.chip", {}, "duplicate")),
    cell("session", said(record.session, 64, "bdi")),
  );
}

const visibleTitle = (text) => said(text, 1000).textContent;
