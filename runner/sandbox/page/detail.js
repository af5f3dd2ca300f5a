// One event: what it is, what was sent, and what came of it.

import { credentials, get, request } from "./api.js";
import { asCase, asCurl, asRow, asSpec, attachmentsOf } from "./copies.js";
import { $, clockTime, copy, el, fullTime, plural, said, timeFrom, visible } from "./dom.js";
import { inline, isMap, parse } from "./json.js";
import { longText, tree } from "./tree.js";

const SHOWN_BODY = 20_000;
const WORDS = { accepted: "Accepted", duplicate: "Duplicate", refused: "Refused" };

const GOOD = new Set(["delivered", "seen", "read", "clicked"]); // statuses of a message that arrived

/** Read one record with its request. If it was refused before its event was read, that is read from the request here. */
export async function read(id, signal) {
  const details = parse(await (await request(`events/${id}`, { signal })).text());
  details.body ??= readable(details.request.body);
  return details;
}

function readable(text) {
  try {
    const value = parse(text);
    return isMap(value) ? value : null;
  } catch {
    return null;
  }
}

/** The panel of one event. `actions` are `open(id)`, `edit(details)`, `mark(details)` and `close()`. */
export class Detail {
  constructor(actions) {
    this.actions = actions;
    this.id = null;
    this.details = null;
  }

  async show(id) {
    this.id = id;
    this.abort?.abort();
    const { signal } = (this.abort = new AbortController());
    try {
      const [details, messages] = await Promise.all([read(id, signal), get(`events/${id}/messages`, {}, signal)]);
      this.details = details;
      const isNew = $("detail").hidden;
      $("detail").replaceChildren(...this.#parts(details, messages));
      $("detail").hidden = false;
      $("main").classList.add("split");
      $("detail").scrollTop = 0;
      if (isNew && matchMedia("(max-width: 760px)").matches) $("detail").focus();
    } catch (error) {
      if (signal.aborted) return;
      this.details = null;
      $("detail").replaceChildren(this.#bar(`#${id}`), el("p.result.bad", {}, visible(error.message)));
      $("detail").hidden = false;
      $("main").classList.add("split");
    }
  }

  close() {
    this.abort?.abort();
    this.id = this.details = null;
    $("detail").hidden = true;
    $("detail").replaceChildren();
    $("main").classList.remove("split");
  }

  #bar(title) {
    return el("div.bar", {}, el("span.number", {}, title), el("span.grow"), el("button.icon", { type: "button", "aria-label": "Close the event", title: "Close (Esc)", on: { click: () => this.actions.close() } }, "✕"));
  }

  #parts(details, messages) {
    const { outcome, status_code: status, reason, warning, body } = details;
    const isEvent = isMap(body);
    return [
      this.#bar(`#${details.id}`),
      el("header.head", {},
        el("h2", {}, said(details.event ?? (typeof body?.event === "string" ? body.event : "No event"), 300)),
        el(`span.badge.${outcome}`, {}, `${status} ${WORDS[outcome]}`),
        el("time", { datetime: new Date(details.received_ms).toISOString(), title: fullTime(details.received_ms) }, clockTime(details.received_ms))),
      reason && el("p.callout.refused", {}, el("b", {}, "Refused: "), said(reason, 3000)),
      warning && el("p.callout.warning", {}, el("b", {}, "Warning: "), said(warning, 3000)),
      outcome === "duplicate" && el("p.callout.duplicate", {}, el("b", {}, "Duplicate: "), "its key was seen in the last 24 hours, so the platform does not process it again."),
      this.#toolbar(details, isEvent),
      facts(details),
      section("Event", isEvent || Array.isArray(body) ? tree(body) : el("p.muted", {}, "The request has no readable event; see its body below.")),
      attachments(body),
      timeline(messages, outcome),
      decisions(messages),
      this.#related("Same idempotency key", details.same_key),
      this.#related("Other attempts of this event", details.attempts),
      requestPart(details.request, body === null),
    ].filter(Boolean);
  }

  #toolbar(details, isEvent) {
    const { body, request: sent, session } = details;
    const whole = isEvent ? body : null;
    const button = (label, title, click, isPossible = true) => el("button", { type: "button", title, disabled: !isPossible, on: { click } }, label);
    const isComplete = isEvent && typeof body.event === "string" && typeof body.distinct_id === "string";
    const curl = async () => {
      const access = await credentials();
      const text = whole ? inline({ ...whole, env: access.workspace_uid }) : sent.body;
      await copy(asCurl(text, { target: whole ? "/v2/event/" : sent.target, session }, access), "the curl command");
    };
    return el("div.toolbar", { role: "group", "aria-label": "Use this event" },
      el("span.label", {}, "Copy as"),
      button("curl", "A command that sends it again", curl),
      button("spec", "A spec whose variables are the properties", () => copy(asSpec(body), "the spec"), isComplete),
      button("case", "A case for the spec, which expects this event", () => copy(asCase(body), "the case"), isComplete),
      button("row", "A row for runner send --rows", () => copy(asRow(body), "the row"), isComplete),
      button("JSON", "The event as JSON", () => copy(inline(body), "the JSON"), isEvent),
      el("span.right", {},
      button("Compare", "Mark it, then compare another with it (c)", () => this.actions.mark(details), isEvent),
      el("button.primary", { type: "button", title: "Edit and send again (e)", disabled: !isEvent, on: { click: () => this.actions.edit(details) } }, "Edit and resend")));
  }

  #related(title, ids) {
    if (!ids?.length) return null;
    const link = (id) => el("li", {}, el("a", { href: `#event=${id}` }, `#${id}`));
    return section(title, el("ul.links", {}, ...ids.map(link)), ids.length);
  }
}

function section(title, content, count, isOpen = true) {
  return el("details.section", { open: isOpen }, el("summary", {}, el("h3", {}, title), count !== undefined && el("span.count", {}, String(count))), content);
}

function facts(details) {
  const rows = [
    ["User", details.distinct_id],
    ["Tenant", details.tenant_id],
    ["Message id", details.message_id],
    ["Idempotency key", details.idempotency_key],
    ["Insert id", details.insert_id],
    ["Session", details.session || null],
    ["Endpoint", `${details.request.method} ${details.endpoint}`],
  ];
  return el("dl.facts", {}, ...rows.filter(([, value]) => value !== null && value !== undefined).map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, said(value, 400)))));
}

function attachments(body) {
  const list = attachmentsOf(body);
  if (!list.length) return null;
  const item = (each) => el("li", {}, el("b", {}, said(each.filename ?? "without a name", 200)), " ", said(each.url, 500, "code"), each.ignore_if_error === true && el("span.chip", {}, "ignored if it fails"));
  return section("Attachments", el("ul.attachments", {}, ...list.map(item)), list.length);
}

/** The messages that came of the event: the steps that the clock has passed, and those to come. */
function timeline({ now_ms: now, messages }, outcome) {
  if (!messages.length) {
    const why = outcome === "accepted" ? "No message came of it: no rule of runner.yaml and no workflow file makes one for this event and user." : `No messages come of a ${outcome === "refused" ? "refused" : "duplicate"} event.`;
    return section("Messages", el("p.muted", {}, why));
  }
  const one = (message) => {
    const { timeline: steps } = message;
    const passed = steps.filter((step) => step.at_ms <= now);
    return el("li.message", {},
      el("div.line", {}, el("b", {}, said(message.channel, 100)), el("span.muted", {}, " ", said(message.workflow.slug, 200)), el("span.grow"), el(`span.chip${GOOD.has(passed.at(-1)?.status) ? ".good" : ""}`, {}, said(passed.at(-1)?.status ?? "waiting", 60))),
      el("ol.steps", {}, ...steps.map((step) => el(`li${step.at_ms <= now ? ".passed" : ""}`, {}, said(step.status, 60, "span"), el("time", { datetime: new Date(step.at_ms).toISOString(), title: fullTime(step.at_ms) }, timeFrom(now, step.at_ms)), step.at_ms > now && el("span.hidden", {}, " to come")))));
  };
  return section("Messages", el("ul.messages", {}, ...messages.map(one)), messages.length);
}

/** The runs of the workflows that the event triggered: each decision with its time, and the conditions behind it. */
function decisions({ decisions: lines }) {
  if (!lines?.length) return null;
  const mark = ({ state }) => (state === null ? null : el(`span.mark${state ? ".yes" : ".no"}`, { role: "img", "aria-label": state ? "yes" : "no" }, state ? "✓" : "✗"));
  const time = ({ at_s: at }) => (at === null ? null : el("span.after", {}, `+${shortTime(at)} `));
  const one = (line) => el(`li.depth${Math.min(line.depth, 2)}`, {}, time(line), mark(line), said(line.text, 500, "span"), line.place && el("span.place", {}, " ", said(line.place, 200)));
  return section("Workflow", el("ol.decisions", {}, ...lines.map(one)));
}

function shortTime(seconds) {
  const units = [["d", 86400], ["h", 3600], ["m", 60]];
  let left = seconds;
  const parts = units.map(([name, size]) => { const count = Math.floor(left / size); left -= count * size; return count ? `${count}${name}` : ""; });
  return `${parts.join("")}${left ? `${Number(left.toFixed(3))}s` : ""}` || "0s";
}

function requestPart({ method, target, headers, body, status_code: status }, isOpen) {
  const rows = headers.map(([name, value]) => el("tr", {}, el("th", { scope: "row" }, said(name, 200)), el("td", {}, said(value, 2000))));
  return section("Request", el("div", {},
    el("p", {}, el("code", {}, `${method} `, said(target, 500)), ` answered with ${status}`),
    el("table.headers", {}, el("caption.hidden", {}, "Headers"), el("tbody", {}, ...rows)),
    el("div.line", {}, el("h4", {}, `Body, ${plural(new TextEncoder().encode(body).length, "byte")}`), el("span.grow"), el("button", { type: "button", on: { click: () => copy(body, "the body") } }, "Copy")),
    longText(body, (text) => el("pre.code", { tabindex: 0, "aria-label": "Raw body", dir: "ltr" }, visible(text)), SHOWN_BODY)), undefined, isOpen);
}
