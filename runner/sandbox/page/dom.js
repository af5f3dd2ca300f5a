// Elements from values. Text goes in as text only: nothing here, or anywhere on this page, makes HTML of a string.

export const $ = (id) => document.getElementById(id);

/** Return a new element: `el("a.link", {href, on: {click}}, "text", child)`. Children that are null or false are left out. */
export function el(kind, properties = {}, ...children) {
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

const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|\p{Cs}/gu;

/** Return a text whose control, bidi and other invisible characters are visible, as `\u202e`; at most `most` characters. */
export function visible(value, most = Infinity) {
  const text = String(value);
  const cut = text.length > most ? `${text.slice(0, most)}…` : text;
  return cut.replace(UNSEEN, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Return an element with a text from an event, whose direction does not reach beyond it. */
export const said = (value, most, kind = "bdi") => el(kind, {}, visible(value ?? "", most));

let hiding;
/** Show a short message, which screen readers read. */
export function toast(message) {
  $("toast").textContent = message;
  $("toast").classList.add("shown");
  clearTimeout(hiding);
  hiding = setTimeout(() => $("toast").classList.remove("shown"), 3000);
}

/** Put a text into the clipboard, and say so. */
export async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
    toast(`Copied ${what}`);
  } catch {
    toast("The browser does not allow this page to copy");
  }
}

/** Save a blob as a file. */
export function save(blob, name) {
  const link = el("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** Return the time of day of milliseconds since 1970, in this browser's time zone. */
export function clockTime(ms) {
  const time = new Date(ms);
  const two = (number) => String(number).padStart(2, "0");
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}.${String(time.getMilliseconds()).padStart(3, "0")}`;
}

/** Return the time of day, with the date if it is another one than that of `now`. */
export function timeFrom(now, ms) {
  const isSameDay = new Date(ms).toDateString() === new Date(now).toDateString();
  return isSameDay ? clockTime(ms) : `${new Date(ms).toLocaleDateString("en", { month: "short", day: "numeric" })}, ${clockTime(ms)}`;
}

/** Return date, time and time zone of milliseconds since 1970. */
export const fullTime = (ms) => new Date(ms).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "long" });

export const plural = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
