// Send events from the page: one that arrived, edited, or one that a spec of the project makes.

import { credentials, get, request, sendEvent } from "./api.js";
import { $, el, said, visible } from "./dom.js";
import { inline, parse, stringify } from "./json.js";

/** Return a copy of an event as a new one: of this workspace, with an id and a time of its own. */
export async function renewed(event) {
  const { workspace_uid: env } = await credentials();
  return { ...event, $insert_id: crypto.randomUUID(), $time: Date.now(), env };
}

function open(title, ...children) {
  $("compose").replaceChildren(el("h2", { id: "compose-title" }, title), ...children);
  if (!$("compose").open) $("compose").showModal();
}

const closeButton = () => el("button", { type: "button", "data-close": true }, "Close");

/** Show what the sandbox answered. */
async function send(text, session, result) {
  result.className = "result";
  result.textContent = "sending…";
  try {
    const { status, message } = await sendEvent(text, session);
    result.classList.add(status < 300 ? "good" : "bad");
    result.replaceChildren(el("b", {}, `${status} `), said(message, 500));
  } catch {
    result.classList.add("bad");
    result.textContent = "The sandbox does not answer.";
  }
}

/** Open the editor with an event that arrived. */
export async function editAndResend(details) {
  const event = await renewed(details.body ?? {});
  const text = el("textarea.code", { id: "compose-text", rows: 18, spellcheck: "false", autocomplete: "off" });
  text.value = stringify(event, 2);
  const result = el("p.result", { role: "status" });
  const submit = el("button.primary", {}, "Send");
  const check = () => {
    try {
      parse(text.value);
      result.textContent = "";
      submit.disabled = false;
    } catch (error) {
      result.className = "result bad";
      result.textContent = `Not JSON: ${visible(error.message, 200)}`;
      submit.disabled = true;
    }
  };
  text.addEventListener("input", check);
  const renewKey = el("button", { type: "button", on: { click: () => {
    try {
      text.value = stringify({ ...parse(text.value), $idempotency_key: crypto.randomUUID() }, 2);
    } catch {
      check();
    }
  } } }, "New idempotency key");
  const form = el("form", { on: { submit: (submitted) => {
    submitted.preventDefault();
    send(text.value, details.session, result);
  } } },
    el("label", { for: "compose-text" }, "The event, with a new ", el("code", {}, "$insert_id"), " and ", el("code", {}, "$time")),
    text, result, el("p.actions", {}, event.$idempotency_key !== undefined && renewKey, closeButton(), submit));
  open(`Edit #${details.id} and send it again`, form);
  text.setSelectionRange(0, 0);
  text.focus({ preventScroll: true });
  $("compose").scrollTop = text.scrollTop = 0; // a new text is scrolled to its end
}

/** Open the form that sends one of the project's specs. */
export async function sendSpec(session) {
  const { specs } = await get("page/specs");
  if (!specs.length) {
    open("Send a spec", el("p", {}, "There are no specs where this sandbox was started: they lie in ", el("code", {}, "specs/"), ". ", el("code", {}, "runner init"), " makes a first one."), el("p.actions", {}, closeButton()));
    return;
  }
  const chosen = sessionStorage.getItem("sandbox-spec");
  const select = el("select", { id: "spec" }, ...specs.map((path) => el("option", { value: path, selected: path === chosen }, visible(path))));
  const area = el("div.spec");
  const show = async () => {
    const path = select.value;
    sessionStorage.setItem("sandbox-spec", path);
    let parts;
    try {
      parts = specForm(await get("page/spec", { path }), session);
    } catch (error) {
      parts = [el("p.result.bad", {}, visible(error.message))];
    }
    if (select.value === path) area.replaceChildren(...parts); // another may have been chosen meanwhile
  };
  select.addEventListener("change", show);
  open("Send a spec", el("label", { for: "spec" }, "Spec"), select, area);
  await show();
}

function specForm(spec, session) {
  const fields = spec.variables.map(field);
  const result = el("div.result", { role: "status" });
  const preview = el("pre.code.preview", { hidden: true, tabindex: 0, "aria-label": "The event" });
  const render = async () => {
    const variables = Object.fromEntries(fields.map(({ name, read }) => [name, read()]).filter(([, value]) => value !== null));
    preview.hidden = true;
    try {
      const response = await request("page/render", { method: "POST", body: { path: spec.path, variables } });
      const { event, problems } = parse(await response.text());
      result.className = problems.length ? "result bad" : "result";
      result.replaceChildren(problemList(problems));
      return event;
    } catch (error) {
      result.className = "result bad";
      result.textContent = visible(error.message, 500);
      return null;
    }
  };
  const show = async () => {
    const event = await render();
    preview.hidden = event === null;
    preview.textContent = event === null ? "" : visible(stringify(event, 2));
  };
  const form = el("form", { novalidate: true, on: { submit: async (submitted) => {
    submitted.preventDefault();
    const event = await render();
    if (event !== null) await send(inline(event), session, result);
  } } },
    el("p.about", {}, spec.event && el("code", {}, visible(spec.event)), " ", said(spec.description ?? "", 500)),
    el("div.fields", {}, ...fields.map(({ row }) => row)),
    result, preview,
    el("p.actions", {}, closeButton(), el("button", { type: "button", on: { click: show } }, "Preview"), el("button.primary", {}, "Send")));
  return spec.problems.some((problem) => problem.severity === "error") ? [problemList(spec.problems), el("p.actions", {}, closeButton())] : [form];
}

const problemList = (problems) => el("ul.problems", {}, ...problems.map((each) =>
  el("li", {}, el("b", {}, `${each.code}: `), said(each.message, 1000), each.hint && el("span.hint", {}, ` ${visible(each.hint, 500)}`), each.place && el("code.place", {}, ` ${visible(each.place, 200)}`))));

/** Return the row of a form for a variable, and a function that returns its text; null for its default. */
function field({ name, types, required, description, choices, is_secret: isSecret, has_default: hasDefault, default: standard }) {
  const id = `variable-${name}`;
  const isCompound = types.some((type) => type === "object" || type === "array");
  const shown = typeof standard === "string" ? standard : inline(standard);
  const hint = isSecret && hasDefault ? "a secret default" : hasDefault ? "" : required ? "required" : "optional";
  let input;
  if (Array.isArray(choices) || types.join() === "boolean") {
    const options = (choices ?? [true, false]).map((choice) => (typeof choice === "string" ? choice : inline(choice)));
    input = el("select", { id }, !hasDefault && el("option", { value: "" }, "…"), ...options.map((text) => el("option", { value: text, selected: hasDefault && text === shown }, visible(text))));
  } else if (isCompound) {
    input = el("textarea.code", { id, rows: 3, spellcheck: "false", placeholder: hint });
    if (hasDefault && !isSecret) input.value = stringify(standard, 2);
  } else {
    const mode = types.some((type) => type === "number" || type === "integer") ? "decimal" : "text";
    input = el("input", { id, type: isSecret ? "password" : "text", inputmode: mode, autocomplete: "off", spellcheck: "false", placeholder: hint, "aria-required": required });
    if (hasDefault && !isSecret && standard !== null) input.value = shown;
  }
  const initial = input.value;
  const row = el("div.variable", {}, el("label", { for: id }, visible(name), required && el("span.required", { title: "required" }, " *"), el("span.type", {}, types.join(" or "))), input, description && el("small", {}, visible(description, 300)));
  const read = () => (input.value === initial && (hasDefault || input.value === "") ? null : input.value);
  return { name, row, read };
}
