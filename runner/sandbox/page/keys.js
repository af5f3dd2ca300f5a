// The keyboard. Keys mean nothing of this in a field, and with a dialog open.

import { $ } from "./dom.js";

const isField = (element) => element.matches?.("input, textarea, select");

export function listenForKeys(actions) {
  const keys = {
    j: () => actions.move(1),
    k: () => actions.move(-1),
    g: actions.newest,
    e: actions.edit,
    c: actions.mark,
    s: actions.send,
    p: actions.pause,
    "/": () => $("filters").elements.text.focus(),
    "?": () => $("help").showModal(),
  };
  const inList = { ArrowDown: keys.j, ArrowUp: keys.k, Enter: actions.open };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    const { target, key } = event;
    if (key === "Escape") {
      if ($("export").open) $("export").open = false;
      else if (isField(target)) $("table").focus();
      else actions.close();
      return;
    }
    if (isField(target)) return;
    const isFree = target === document.body || target === $("table") || target === $("list");
    const action = keys[key] ?? (isFree ? inList[key] : undefined);
    if (!action || document.body.classList.contains("locked")) return;
    event.preventDefault();
    action();
  });
}
