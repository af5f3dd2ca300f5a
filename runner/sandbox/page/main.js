// The page: loads what is stored, follows what arrives, and connects list, filters, details and keys.

import { credentials, forgetToken, get, keepToken, Live, request, takeToken } from "./api.js";
import { showComparison } from "./compare.js";
import { editAndResend, sendSpec } from "./compose.js";
import { Detail, read } from "./detail.js";
import { $, el, plural, save, toast, visible } from "./dom.js";
import { listenForKeys } from "./keys.js";
import { List } from "./list.js";
import { Stats } from "./stats.js";

const PAGE = 100;
const TYPING_MS = 200;
const RECOUNT_MS = 10_000;
const MOST_NAMES = 100;

let filters = {};
let session = null;
let marked = null;
let isFiltered = false;
const names = new Set();

const list = new List((id) => openEvent(id), (before) => loadOlder(before));
const stats = new Stats((status) => pickStatus(status));
const detail = new Detail({ open: openEvent, edit: editAndResend, mark, close: closeEvent });
const live = new Live(arrived, showState);
const found = new Live((records) => list.add(records), () => {}); // with a text, which only the sandbox can search for

/** Return the query of the filters, as the sandbox takes it. */
function query() {
  const { text, minutes, status, ...parts } = filters;
  return {
    ...parts,
    text,
    session,
    outcome: ["accepted", "duplicate", "refused"].includes(status) ? status : null,
    warned: status === "warned" ? 1 : null,
    since_ms: minutes ? Date.now() - minutes * 60_000 : null,
  };
}

/** Return whether a record that arrives belongs to the list; its text is not known here. */
function matches(record) {
  const has = (name) => !filters[`${name}_has`] || (record[name] ?? "").toLowerCase().includes(filters[`${name}_has`].toLowerCase());
  const { status } = filters;
  return (session === null || record.session === session) && has("event") && has("distinct_id") && has("tenant_id") &&
    (!status || (status === "warned" ? record.warning !== null : record.outcome === status));
}

let loading;
/** Load the newest records of the filters, and follow those that arrive. */
async function load() {
  loading?.abort();
  const { signal } = (loading = new AbortController());
  found.stop();
  isFiltered = session !== null || Object.values(filters).some(Boolean);
  $("reset").hidden = !Object.values(filters).some(Boolean);
  const wanted = query();
  try {
    const { last_id: last, records } = await get("page/records", { ...wanted, limit: PAGE }, signal);
    list.reset(records, records.length < PAGE);
    remember(records);
    if (filters.text) found.start(wanted, last);
    if (!live.isOn) live.start({}, last);
    showEmpty();
    return last;
  } catch (error) {
    if (!signal.aborted) failed(error);
    return null;
  }
}

async function loadOlder(before) {
  const { signal } = loading;
  try {
    const { records } = await get("page/records", { ...query(), limit: PAGE * 5, before }, signal);
    list.addOlder(records, records.length < PAGE * 5);
  } catch (error) {
    if (!signal.aborted) failed(error);
  }
}

function arrived(records) {
  stats.add(records);
  remember(records);
  if (!filters.text) list.add(records.filter(matches));
  showEmpty();
}

/** Offer the names of events that were seen. */
function remember(records) {
  for (const { event, session: own } of records) {
    if (event !== null && names.size < MOST_NAMES && event.length < 100 && !names.has(event)) {
      names.add(event);
      $("events-seen").append(el("option", { value: visible(event) }));
    }
    if (own !== "" || stats.sessions.size > 1) stats.sessions.add(own);
  }
  showSessions();
}

function showSessions() {
  const known = [...stats.sessions].sort();
  const isOne = known.length < 2;
  $("session-field").hidden = isOne;
  $("table").classList.toggle("sessions", !isOne);
  if ($("session").options.length === known.length + 1 || isOne) return;
  $("session").replaceChildren(el("option", { value: "*" }, "All sessions"), ...known.map((name) => el("option", { value: `=${name}`, selected: name === session }, name === "" ? "Default session" : visible(name))));
}

function showEmpty() {
  const isEmpty = list.rows.length + list.pending.length === 0;
  $("empty").hidden = !isEmpty;
  if (!isEmpty || $("empty").dataset.filtered === String(isFiltered)) return;
  $("empty").dataset.filtered = String(isFiltered);
  if (isFiltered) {
    $("empty").replaceChildren(el("h2", {}, "No event matches"), el("p", {}, "New ones appear here as soon as they match."));
    return;
  }
  $("empty").replaceChildren(
    el("h2", {}, "Waiting for the first event"),
    el("p", {}, "Send a spec from another terminal:"),
    el("pre", {}, el("code", {}, "runner send specs/ --var user=u1 --sandbox")),
    el("p", {}, "Or point your application here:"),
    el("pre", {}, el("code", { id: "environment" })),
    el("p", {}, "What arrives appears at once, also when it is refused."));
  credentials().then(({ base_url: url, api_key: key, workspace_uid: uid }) => {
    $("environment").textContent = `export SUPRSEND_BASE_URL=${url}\nexport SUPRSEND_API_KEY=${key}\nexport SUPRSEND_WORKSPACE_UID=${uid}`;
  }, () => {});
}

let counting;
/** Count what is stored; again from time to time, since the oldest are dropped, and others may clear. */
async function count() {
  clearTimeout(counting);
  stats.expect();
  try {
    const overview = await get("page/overview");
    stats.reset(overview);
    showSessions();
    if (!isFiltered && stats.total() < list.rows.length - PAGE * 10) await load();
    return overview;
  } catch {
    return null; // the stream says that the connection is lost
  } finally {
    counting = setTimeout(() => (document.hidden ? null : count()), RECOUNT_MS);
  }
}

/** After a loss: a sandbox in memory that was started again counts from 1, so there is nothing to continue. */
async function reconcile() {
  const overview = await count();
  if (!overview || overview.last_id >= live.after) return;
  live.stop();
  await load();
}

function showState(state) {
  if (state === "refused") return failed({ status: 401 });
  if (state === "live" && $("live").dataset.state === "lost") reconcile();
  $("live").dataset.state = state;
  $("live").textContent = state === "live" ? "live" : "reconnecting";
}

function failed(error) {
  if (error.status !== 401) return toast(error.status ? visible(error.message, 300) : "The sandbox does not answer");
  forgetToken();
  live.stop();
  found.stop();
  $("live").dataset.state = "off";
  $("live").textContent = "not connected";
  ask();
}

function ask(message = "") {
  $("welcome").hidden = false;
  document.body.classList.add("locked");
  $("token-error").textContent = message;
  $("token").focus();
}

async function start() {
  $("address").textContent = location.host;
  if (!takeToken()) return ask();
  $("welcome").hidden = true;
  document.body.classList.remove("locked");
  if ((await load()) === null) return;
  openFromAddress();
  const overview = await count();
  if (overview) stats.past(overview);
}

// One event, whose number stands in the address, so that the browser's back button closes it.

function openEvent(id) {
  if (detail.id === id) return;
  const address = `#event=${id}`;
  if (location.hash !== address) history[detail.id === null ? "pushState" : "replaceState"](null, "", address);
  list.select(id);
  detail.show(id);
}

function closeEvent() {
  if (location.hash) history.replaceState(null, "", location.pathname);
  detail.close();
  $("table").focus({ preventScroll: true });
}

function openFromAddress() {
  const number = /^#event=(\d+)$/.exec(location.hash);
  if (number) openEvent(Number(number[1]));
  else if (detail.id !== null) detail.close();
}

async function mark(details) {
  if (marked === null || marked === details.id) {
    marked = details.id;
    toast(`Marked #${marked}: open another event, and compare it`);
    return;
  }
  try {
    showComparison(await read(marked), details);
    marked = null;
  } catch (error) {
    marked = null;
    failed(error);
  }
}

function pickStatus(status) {
  const select = $("filters").elements.status;
  select.value = select.value === status ? "" : status;
  readFilters();
}

function readFilters() {
  filters = Object.fromEntries(new FormData($("filters")));
  for (const button of document.querySelectorAll(".counter")) button.setAttribute("aria-pressed", button.classList.contains(filters.status || "-"));
  load();
}

let typing;
$("filters").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(readFilters, TYPING_MS);
});
$("filters").addEventListener("submit", (event) => event.preventDefault());
$("filters").addEventListener("reset", () => setTimeout(readFilters));
$("more-filters").addEventListener("click", () => {
  const isOpen = $("filters").classList.toggle("open");
  $("more-filters").setAttribute("aria-expanded", isOpen);
});
$("session").addEventListener("change", () => {
  session = $("session").value === "*" ? null : $("session").value.slice(1);
  stats.session = session;
  stats.draw();
  load();
});

$("export").addEventListener("click", async (event) => {
  const format = event.target.dataset?.format;
  if (!format) return;
  $("export").open = false;
  try {
    const response = await request("page/export", { query: { ...query(), format } });
    save(await response.blob(), `sandbox.${format}`);
  } catch (error) {
    failed(error);
  }
});
document.addEventListener("click", (event) => {
  if (!$("export").contains(event.target)) $("export").open = false;
  if (event.target.closest("[data-close]")) event.target.closest("dialog").close();
});

$("clear").addEventListener("click", () => {
  const what = session === null ? `all ${plural(stats.total(), "event")}` : `the ${plural(stats.total(), "event")} of ${session === "" ? "the default session" : `the session ${session}`}`;
  $("clear-text").textContent = `This deletes ${what}, with their messages and idempotency keys. It can't be undone.`;
  $("confirm-clear").showModal();
});
$("clear-yes").addEventListener("click", async () => {
  $("confirm-clear").close();
  try {
    const { deleted } = await (await request("events", { method: "DELETE", query: session === null ? {} : { session } })).json();
    toast(`Cleared ${plural(deleted, "event")}`);
    if (detail.id !== null) closeEvent();
    await Promise.all([load(), count()]);
  } catch (error) {
    failed(error);
  }
});

$("send-spec").addEventListener("click", () => sendSpec(session).catch(failed));
$("help-open").addEventListener("click", () => $("help").showModal());
$("token-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const token = $("token").value.trim().replace(/^.*#token=/, "");
  keepToken(token);
  try {
    await get("page/records", { limit: 1 });
    $("token").value = "";
    start();
  } catch (error) {
    forgetToken();
    ask(error.status === 401 ? "This token is not the one of this start." : "The sandbox does not answer.");
  }
});

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  localStorage.setItem("sandbox-theme", theme);
}
const stored = localStorage.getItem("sandbox-theme");
if (stored === "light" || stored === "dark") document.documentElement.dataset.theme = stored;
$("theme").addEventListener("click", () => {
  const current = document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  setTheme(current === "dark" ? "light" : "dark");
});

listenForKeys({
  move: (by) => {
    const id = list.move(by);
    if (detail.id !== null && id !== null) openEvent(id);
  },
  open: () => list.selected !== null && openEvent(list.selected),
  close: () => (detail.id !== null ? closeEvent() : undefined),
  edit: () => detail.details?.body && editAndResend(detail.details).catch(failed),
  mark: () => detail.details?.body && mark(detail.details),
  newest: () => list.toTop(),
  pause: () => toast(list.pause() ? "Paused: new events wait" : "Continued"),
  send: () => sendSpec(session).catch(failed),
});

addEventListener("popstate", openFromAddress);
addEventListener("hashchange", () => {
  if (location.hash.startsWith("#token=")) location.reload();
  else openFromAddress();
});
start();
