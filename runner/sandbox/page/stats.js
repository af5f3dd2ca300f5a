// Counters, and the events of the last minute by second and outcome.

import { $, el } from "./dom.js";

const OUTCOMES = ["accepted", "duplicate", "refused"];
const LABELS = { accepted: "Accepted", duplicate: "Duplicates", refused: "Refused", warned: "Warnings" };
const SECONDS = 60;
const NUMBERS_MS = 100;
const [WIDTH, HEIGHT] = [600, 56];
const SVG = "http://www.w3.org/2000/svg";

export class Stats {
  /** `onPick(status)` filters by the counter that is clicked. */
  constructor(onPick) {
    this.session = null;
    this.sessions = new Set();
    this.totals = new Map(); // "session outcome" → number
    this.seconds = new Map(); // second → {outcome: number}
    this.isKnown = false;
    this.upTo = 0;
    this.meanwhile = []; // what arrives while the totals are on their way
    this.numbers = {};
    for (const [name, label] of Object.entries(LABELS)) {
      this.numbers[name] = el("strong", {}, "–");
      const button = el(`button.counter.${name}`, { type: "button", title: `Show only: ${label.toLowerCase()}`, on: { click: () => onPick(name) } }, this.numbers[name], el("span", {}, label));
      $("counters").append(el("li", {}, button));
    }
    this.bars = Array.from({ length: SECONDS }, (_, index) =>
      Object.fromEntries(OUTCOMES.map((outcome) => {
        const bar = document.createElementNS(SVG, "rect");
        bar.setAttribute("class", outcome);
        bar.setAttribute("x", (index * WIDTH) / SECONDS + 1);
        bar.setAttribute("width", WIDTH / SECONDS - 2);
        bar.setAttribute("height", 0);
        $("chart").append(bar);
        return [outcome, bar];
      })),
    );
    setInterval(() => document.hidden || this.draw(), 1000);
  }

  /** Expect the totals of the sandbox. */
  expect() {
    this.meanwhile = [];
  }

  /** Take the totals of the sandbox; later records are added to them. */
  reset(overview) {
    this.isKnown = true;
    this.upTo = overview.last_id;
    this.totals.clear();
    for (const { session, outcome, count, warnings } of overview.totals) {
      this.#add(session, outcome, count);
      this.#add(session, "warned", warnings);
    }
    for (const record of this.meanwhile ?? []) this.#count(record);
    this.meanwhile = null;
    this.draw();
  }

  /** Take the seconds before this page was opened. */
  past(overview) {
    for (const { second, session, outcome, count } of overview.recent) this.#at(second, session, outcome, count);
    this.draw();
  }

  add(records) {
    const second = Math.floor(Date.now() / 1000);
    for (const record of records) {
      this.sessions.add(record.session);
      this.#at(second, record.session, record.outcome, 1);
      this.#count(record);
      this.meanwhile?.push(record);
    }
    this.timer ??= setTimeout(() => this.#drawNumbers(), NUMBERS_MS);
  }

  #count({ id, session, outcome, warning }) {
    if (id <= this.upTo) return;
    this.#add(session, outcome, 1);
    if (warning) this.#add(session, "warned", 1);
  }

  #add(session, name, count) {
    this.sessions.add(session);
    const key = `${session} ${name}`;
    this.totals.set(key, (this.totals.get(key) ?? 0) + count);
  }

  #at(second, session, outcome, count) {
    let entry = this.seconds.get(second);
    if (!entry) this.seconds.set(second, (entry = new Map()));
    const key = `${session} ${outcome}`;
    entry.set(key, (entry.get(key) ?? 0) + count);
  }

  /** Return a number for the chosen session, or for all. */
  #of(numbers, name) {
    if (!numbers) return 0;
    if (this.session !== null) return numbers.get(`${this.session} ${name}`) ?? 0;
    let sum = 0;
    for (const [key, count] of numbers) if (key.endsWith(` ${name}`)) sum += count;
    return sum;
  }

  total() {
    return OUTCOMES.reduce((sum, name) => sum + this.#of(this.totals, name), 0);
  }

  #drawNumbers() {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (!this.isKnown) return;
    for (const [name, element] of Object.entries(this.numbers)) {
      const text = this.#of(this.totals, name).toLocaleString("en");
      if (element.textContent !== text) element.textContent = text;
      element.parentElement.classList.toggle("zero", text === "0");
    }
  }

  draw() {
    this.#drawNumbers();
    const now = Math.floor(Date.now() / 1000);
    for (const second of this.seconds.keys()) if (second < now - SECONDS) this.seconds.delete(second);
    const columns = this.bars.map((_, index) => {
      const entry = this.seconds.get(now - SECONDS + 1 + index);
      return OUTCOMES.map((outcome) => this.#of(entry, outcome));
    });
    const sums = columns.map((column) => column.reduce((sum, count) => sum + count, 0));
    const most = Math.max(4, ...sums);
    columns.forEach((column, index) => {
      let bottom = HEIGHT;
      OUTCOMES.forEach((outcome, place) => {
        const height = column[place] ? Math.max(2, (column[place] / most) * (HEIGHT - 4)) : 0;
        bottom -= height;
        const bar = this.bars[index][outcome];
        if (bar.getAttribute("height") === String(height) && bar.getAttribute("y") === String(bottom)) return;
        bar.setAttribute("y", bottom);
        bar.setAttribute("height", height);
      });
    });
    const last = sums.at(-2) ?? 0;
    const total = sums.reduce((sum, count) => sum + count, 0);
    $("rate").textContent = `${last.toLocaleString("en")} a second, peak ${Math.max(...sums).toLocaleString("en")}`;
    $("chart").setAttribute("aria-label", `Events a second: ${total} in the last minute, at most ${Math.max(...sums)} in a second`);
  }
}
