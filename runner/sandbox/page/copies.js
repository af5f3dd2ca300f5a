// An event as other things that people paste: a curl command, a spec, a case, a row.

import { Exact, inline, isMap, stringify, typeOf } from "./json.js";

const NAME = /^[A-Za-z][A-Za-z0-9_]*$/;
const RESERVED = new Set(["true", "false", "none", "True", "False", "None", "not", "loop", "self", "now", "uuid", "today"]);
const PLAIN = /^[A-Za-z][A-Za-z0-9_./-]*$/;
const WORDS = /^(true|false|null|yes|no|on|off|y|n)$/i;
const NOT_PRINTABLE = /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g;

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** Return a command that sends an event, or any body, to this sandbox. */
export function asCurl(body, { target, session }, { api_key: apiKey, base_url: baseUrl }) {
  const headers = [`Authorization: Bearer ${apiKey}`, "Content-Type: application/json; charset=utf-8"];
  if (session) headers.push(`X-Sandbox-Session: ${session}`);
  return [`curl -sS ${quoted(baseUrl.replace(/\/$/, "") + target)}`, ...headers.map((each) => `  -H ${quoted(each)}`), `  --data-raw ${quoted(body)}`].join(" \\\n");
}

/** Return a spec that makes the event; its user and its properties are variables with these values as defaults. */
export function asSpec(event) {
  const { user, variables, fixed } = partsOf(event);
  const declared = Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, declaration(value)]));
  const properties = { ...Object.fromEntries(Object.keys(variables).filter((name) => name !== user).map((name) => [name, `{{ ${name} }}`])), ...fixed };
  const spec = { version: 1, vars: declared, event: event.event, distinct_id: `{{ ${user} }}` };
  for (const [name, value] of [["tenant_id", event.tenant_id ?? event.brand_id], ["idempotency_key", event.$idempotency_key]]) {
    if (typeof value === "string" && !/\{[{%#]/.test(value)) spec[name] = value;
  }
  if (Object.keys(properties).length) spec.properties = properties;
  const attachments = attachmentsOf(event);
  if (attachments.length) spec.attachments = attachments.map(({ url, filename, ignore_if_error: ignored }) => ({ url, ...(filename && { filename }), ...(ignored && { ignore_if_error: true }) }));
  return yaml(spec);
}

/** Return a case for the spec above, which expects the event. */
export function asCase(event) {
  const { variables } = partsOf(event);
  const properties = Object.fromEntries(ownProperties(event).filter(([name]) => !name.startsWith("$")));
  const expected = { event: event.event, distinct_id: event.distinct_id, ...(Object.keys(properties).length && { properties: literal(properties) }) };
  return yaml({ tests: [{ name: `${event.event} for ${event.distinct_id}`, vars: variables, expect: { event: expected } }] });
}

/** Return a row for `runner send SPEC --rows FILE.jsonl`: the variables of the spec above. */
export const asRow = (event) => inline(partsOf(event).variables);

export const attachmentsOf = (event) => {
  const list = isMap(event?.properties) ? event.properties.$attachments : undefined;
  return Array.isArray(list) ? list.filter((each) => isMap(each) && typeof each.url === "string") : [];
};

/** Return the properties but for those that clients add. */
const ownProperties = (event) => Object.entries(isMap(event.properties) ? event.properties : {}).filter(([name]) => name !== "$attachments" && name !== "$ss_sdk_version");

function partsOf(event) {
  const own = ownProperties(event);
  const user = own.some(([name]) => name === "user") ? "distinct_id" : "user";
  const variables = { [user]: event.distinct_id };
  const fixed = {};
  for (const [name, value] of own) {
    if (NAME.test(name) && !RESERVED.has(name) && name !== user) variables[name] = value;
    else fixed[name] = { $literal: value };
  }
  return { user, variables, fixed };
}

const declaration = (value) => (value === null ? { type: ["string", "null"], default: null } : { type: typeOf(value), default: value });

/** Return the value as a case may expect it: keys that begin with $ would be matchers. */
const literal = (value) => (/"\$/.test(inline(value)) ? { $literal: value } : value);

/** Return a value as YAML: maps in lines, short lists and declarations of variables in one line. */
export const yaml = (value) => `${lines(value, 0).join("\n")}\n`;

function lines(value, depth) {
  const pad = "  ".repeat(depth);
  if (isMap(value) && Object.keys(value).length) {
    return Object.entries(value).flatMap(([key, item]) => {
      const short = flow(item);
      if (!isBig(item, short)) return [`${pad}${scalar(key)}: ${short}`];
      return [`${pad}${scalar(key)}:`, ...lines(item, depth + 1)];
    });
  }
  if (Array.isArray(value) && value.length) {
    return value.flatMap((item) => {
      if (!isBig(item, flow(item))) return [`${pad}- ${flow(item)}`];
      const [first, ...rest] = lines(item, depth + 1);
      return [`${pad}- ${first.trimStart()}`, ...rest];
    });
  }
  return [`${pad}${flow(value)}`];
}

const isBig = (value, text) => (isMap(value) || Array.isArray(value)) && text.length > 2 && (text.length > 72 || (isMap(value) && Object.values(value).some((each) => isMap(each) || Array.isArray(each))));

function flow(value) {
  if (Array.isArray(value)) return `[${value.map(flow).join(", ")}]`;
  if (isMap(value)) return `{${Object.entries(value).map(([key, item]) => `${scalar(key)}: ${flow(item)}`).join(", ")}}`;
  return scalar(value);
}

function scalar(value) {
  if (value instanceof Exact) return value.source;
  if (typeof value !== "string") return stringify(value);
  if (PLAIN.test(value) && !WORDS.test(value)) return value;
  return stringify(value).replace(NOT_PRINTABLE, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
