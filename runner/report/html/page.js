"use strict";
// The table of failures, and the switch between light and dark. Text goes in as text only: nothing here makes HTML of a string.

(() => {
  const PAGE = 100;
  const $ = (id) => document.getElementById(id);

  /** Return a new element: `el("td.cell", {title}, "text", child)`. Children that are null or false are left out. */
  function el(kind, properties = {}, ...children) {
    const [tag, ...classes] = kind.split(".");
    const element = document.createElement(tag);
    if (classes.length) element.className = classes.join(" ");
    for (const [name, value] of Object.entries(properties)) {
      if (name === "on") for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
      else if (value === true) element.setAttribute(name, "");
      else if (value !== false && value != null) element.setAttribute(name, value);
    }
    element.append(...children.filter((child) => child != null && child !== false));
    return element;
  }

  const theme = $("theme");
  theme.hidden = false;
  theme.addEventListener("click", () => {
    const root = document.documentElement;
    const isDark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = isDark ? "light" : "dark";
  });

  const place = $("failures");
  if (!place) return;
  const { columns, texts, rows, filter } = JSON.parse($("data").textContent);
  const cells = columns.length;
  const order = new Intl.Collator("en", { numeric: true });
  const searched = new Map();
  let found = rows;
  let shown = PAGE;
  let sorting = { column: -1, isDown: false };

  /** Return all texts of a row in lower case, those of its details too. */
  function haystack(row) {
    let text = searched.get(row);
    if (text === undefined) {
      const numbers = [...row.slice(0, cells), ...row[cells].flat()];
      text = numbers.map((number) => texts[number]).join("\n").toLowerCase();
      searched.set(row, text);
    }
    return text;
  }

  const search = el("input", { type: "search", placeholder: "Search in all fields", "aria-label": "Search in the failures", on: { input: change } });
  const kinds = [...new Set(rows.map((row) => row[filter]))].map((number) => texts[number]).sort(order.compare);
  const kind = el("select", { "aria-label": `Only one ${columns[filter].toLowerCase()}`, on: { change } }, el("option", { value: "" }, `Every ${columns[filter].toLowerCase()}`), ...kinds.map((text) => el("option", { value: text }, text)));
  const said = el("output", { "aria-live": "polite" });
  const heads = columns.map((name, column) => el("th", { scope: "col" }, el("button", { type: "button", on: { click: () => sort(column) } }, name)));
  const body = el("tbody");
  const more = el("button.more", { type: "button", on: { click: () => { const from = shown; shown += PAGE; draw(); body.querySelectorAll("tr.row")[from]?.querySelector("button")?.focus(); } } });
  place.append(
    el("div.find", { role: "search" }, search, kinds.length > 1 && kind, said),
    el("div.failures", {}, el("table", { "aria-labelledby": "failures-title" }, el("thead", {}, el("tr", {}, ...heads)), body), more),
  );
  change();
  addEventListener("beforeprint", () => {
    shown = found.length;
    draw();
  });

  function change() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    found = rows.filter((row) => (!kind.value || texts[row[filter]] === kind.value) && words.every((word) => haystack(row).includes(word)));
    if (sorting.column >= 0) {
      const { column, isDown } = sorting;
      found.sort((one, other) => (isDown ? -1 : 1) * order.compare(texts[one[column]], texts[other[column]]));
    }
    shown = PAGE;
    draw();
  }

  function sort(column) {
    sorting = { column, isDown: sorting.column === column && !sorting.isDown };
    heads.forEach((head, index) => (index === column ? head.setAttribute("aria-sort", sorting.isDown ? "descending" : "ascending") : head.removeAttribute("aria-sort")));
    change();
  }

  function draw() {
    body.replaceChildren(...found.slice(0, shown).flatMap(drawn));
    const count = (number) => number.toLocaleString("en");
    said.textContent = found.length === rows.length ? "" : `${count(found.length)} of ${count(rows.length)} fit`;
    const left = found.length - shown;
    more.hidden = left <= 0;
    more.textContent = `Show ${count(Math.min(left, PAGE))} more of ${count(left)}`;
  }

  function drawn(row) {
    const detail = el("tr.detail", { hidden: true }, el("td", { colspan: cells }));
    const details = row[cells];
    let isFilled = false;
    const open = (button) => {
      if (!isFilled) detail.firstChild.append(...explained(details));
      isFilled = true;
      detail.hidden = !detail.hidden;
      button.setAttribute("aria-expanded", String(!detail.hidden));
    };
    const made = columns.map((name, column) => {
      const text = texts[row[column]];
      const isButton = column === cells - 1 && details.length;
      return el(column === filter ? "td.cell.kind" : "td.cell", { "data-name": name }, isButton ? el("button.open", { type: "button", "aria-expanded": "false", on: { click: (event) => open(event.currentTarget) } }, text || "Details") : el("bdi", {}, text));
    });
    return [el("tr.row", {}, ...made), detail];
  }

  function explained(details) {
    const named = details.map((numbers) => numbers.map((number) => texts[number]));
    const differences = named.filter(([, expected, actual]) => expected || actual);
    const table = differences.length > 0 && el("table.difference", {},
      el("thead", {}, el("tr", {}, ...["Field", "Expected", "Actual"].map((name) => el("th", { scope: "col" }, name)))),
      el("tbody", {}, ...differences.map(([at, expected, actual]) => el("tr", {}, el("td", {}, el("bdi", {}, at)), el("td.expected", {}, el("bdi", {}, expected)), el("td.actual", {}, el("bdi", {}, actual))))));
    const messages = named.filter(([, expected, actual, message, , hint]) => hint || (message && !expected && !actual) || false);
    const places = [...new Set(named.map(([, , , , where]) => where).filter(Boolean))];
    return [
      table,
      ...messages.map(([, expected, actual, message, , hint]) => el("p.said", {}, !(expected || actual) && el("bdi", {}, message), hint && el("span.hint", {}, ` ${hint}`))),
      places.length > 0 && el("p.said", {}, el("span.place", {}, places.join("  "))),
    ].filter(Boolean);
  }
})();
