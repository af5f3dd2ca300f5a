// JSON without loss: a number that JavaScript would change, such as 1.0 or a long id, is kept as it was written.

export class Exact {
  constructor(source) {
    this.source = source;
  }

  toJSON() {
    return JSON.rawJSON ? JSON.rawJSON(this.source) : Number(this.source);
  }
}

export function parse(text) {
  return JSON.parse(text, (_, value, context) =>
    typeof value === "number" && context?.source !== undefined && String(value) !== context.source ? new Exact(context.source) : value,
  );
}

export const stringify = (value, indent) => JSON.stringify(value, null, indent);

/** Return the name of a value's JSON type; whole numbers are integers, as in JSON Schema. */
export function typeOf(value) {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (value instanceof Exact) return /[.eE]/.test(value.source) ? "number" : "integer";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value;
}

export const isMap = (value) => typeOf(value) === "object";

/** Return the value as JSON in one line. */
export const inline = (value) => stringify(value) ?? "";
