// Renders templates with handlebars.js: stdin is a JSON list of [template, data], stdout one of {text} or {error}.
// The folder with node_modules is the first argument.
"use strict";

const { createRequire } = require("node:module");
const { readFileSync, writeSync } = require("node:fs");

const Handlebars = createRequire(process.argv[2] + "/")("handlebars");

Handlebars.registerHelper("default", (value, other) => (value === undefined || value === null || value === "" ? other : value));
Handlebars.registerHelper("uppercase", (text) => text.toUpperCase());
Handlebars.registerHelper("lowercase", (text) => text.toLowerCase());
Handlebars.registerHelper("add", (left, right) => left + right);
Handlebars.registerHelper("divide", (left, right) => left / right);
Handlebars.registerHelper("round", (number) => Math.round(number));
Handlebars.registerHelper("join", (list, between) => list.join(between));
Handlebars.registerHelper("length", (value) => value.length);
Handlebars.registerHelper("unique", (list) => [...new Set(list)]);
Handlebars.registerHelper("itemAt", (list, index) => list[index]);
Handlebars.registerHelper("jsonStringify", (value) => JSON.stringify(value));
Handlebars.registerHelper("compare", function (left, operator, right, options) {
  const holds = { "==": left === right, "!=": left !== right, "<": left < right, ">": left > right }[operator];
  return holds ? options.fn(this) : options.inverse(this);
});
Handlebars.log = () => {};
Handlebars.logger.log = () => {};

const results = JSON.parse(readFileSync(0, "utf-8")).map(([template, data]) => {
  try {
    return { text: Handlebars.compile(template, { strict: true })(data) };
  } catch (error) {
    return { error: String(error.message) };
  }
});
const bytes = Buffer.from(JSON.stringify(results));
for (let sent = 0; sent < bytes.length; ) sent += writeSync(1, bytes, sent);
