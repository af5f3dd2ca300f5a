// Requests to the sandbox, with the token of its start.

const KEY = "sandbox-token";

/** Take the token out of the address, and keep it for this tab: it is in no history, and no other origin can read it. */
export function takeToken() {
  const given = /^#token=([\w-]+)/.exec(location.hash);
  if (given) {
    sessionStorage.setItem(KEY, given[1]);
    history.replaceState(null, "", location.pathname);
  }
  return sessionStorage.getItem(KEY);
}

export const keepToken = (token) => sessionStorage.setItem(KEY, token);
export const forgetToken = () => sessionStorage.removeItem(KEY);

/** An answer of the sandbox that is an error; the message is the sandbox's. */
export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

const without = (query) => Object.fromEntries(Object.entries(query).filter(([, value]) => value !== "" && value != null));

/** Request a path under /_sandbox/ and return the response. Throws Refused. */
export async function request(path, { query = {}, method = "GET", body, signal } = {}) {
  const headers = { Authorization: `Bearer ${sessionStorage.getItem(KEY) ?? ""}` };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const search = new URLSearchParams(without(query)).toString();
  const response = await fetch(`/_sandbox/${path}${search ? `?${search}` : ""}`, {
    method, headers, signal, body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (!response.ok) throw new Refused(response.status, await reasonOf(response));
  return response;
}

export const get = async (path, query, signal) => (await request(path, { query, signal })).json();

/** Return the reason in an answer that is an error. */
async function reasonOf(response) {
  try {
    return (await response.json()).error.message;
  } catch {
    return `HTTP ${response.status}`;
  }
}

/** Send an event as any client of the sandbox does. Return the status and the parsed answer. */
export async function sendEvent(text, session) {
  const { api_key: apiKey } = await credentials();
  const headers = { Authorization: `Bearer ${apiKey}`, "Content-Type": "application/json; charset=utf-8" };
  if (session) headers["X-Sandbox-Session"] = session;
  const response = await fetch("/v2/event/", { method: "POST", headers, body: text });
  if (response.ok) return { status: response.status, message: `accepted as message ${(await response.json()).message_id}` };
  return { status: response.status, message: await reasonOf(response) };
}

let known;
/** Return the API key, the workspace UID and the base URL. */
export const credentials = () => (known ??= get("page/credentials").catch((error) => { known = undefined; throw error; }));

/** Keep a stream of new records open: it continues after the last one when it breaks, and rests while the tab is hidden. */
export class Live {
  constructor(onRecords, onState) {
    this.onRecords = onRecords;
    this.onState = onState;
    document.addEventListener("visibilitychange", () => this.#switch());
  }

  start(query, after) {
    this.query = query;
    this.after = after;
    this.isOn = true;
    this.#run();
  }

  stop() {
    this.isOn = false;
    this.abort?.abort();
  }

  #switch() {
    if (!this.isOn) return;
    if (document.hidden) this.abort?.abort();
    else this.#run();
  }

  async #run() {
    this.abort?.abort();
    const abort = (this.abort = new AbortController());
    for (let wait = 250; this.isOn && !abort.signal.aborted; wait = Math.min(wait * 2, 4000)) {
      try {
        const response = await request("stream", { query: { ...this.query, after: this.after }, signal: abort.signal });
        this.onState("live");
        wait = 125;
        await this.#read(response.body.getReader());
      } catch (error) {
        if (abort.signal.aborted) return;
        if (error.status === 401) {
          this.onState("refused");
          return;
        }
      }
      if (abort.signal.aborted) return;
      this.onState("lost");
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }

  async #read(reader) {
    const decoder = new TextDecoder();
    let text = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const parts = (text + decoder.decode(value, { stream: true })).split("\n\n");
      text = parts.pop();
      for (const part of parts) this.#take(part.split("\n"));
    }
  }

  #take(lines) {
    const data = lines.filter((line) => line.startsWith("data: ")).map((line) => line.slice(6)).join("\n");
    if (!data) return;
    const records = JSON.parse(data);
    this.after = records.at(-1).id;
    this.onRecords(records);
  }
}
