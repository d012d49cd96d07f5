// The API as this page uses it. Who signed in is kept in the tab's session storage only.

const KEY = "profile-export";

export const session = {
  get: () => JSON.parse(sessionStorage.getItem(KEY) ?? "null"),
  set: (who) => sessionStorage.setItem(KEY, JSON.stringify(who)),
  clear: () => sessionStorage.removeItem(KEY),
};

/** A call that was refused; `problems` has every one with its pointer. */
export class Refused extends Error {
  constructor(status, answer, method) {
    super(answer.detail ?? answer.message ?? `The service answered ${status}.`);
    this.problems = answer.errors ?? [];
    this.passes = status >= 500; // the same call may succeed later
    this.ends = status === 401 || (status === 403 && method === "GET"); // not even reading: sign in again
  }
}

/** Nobody answers, for now. */
class Away extends Error {
  passes = true;
  constructor() { super("The service does not answer."); }
}

async function reaching(work) {
  try {
    return await work();
  } catch (error) {
    throw error instanceof TypeError ? new Away() : error;
  }
}

function headers(who) {
  if (!/^[\x21-\x7e]*$/.test(who.token)) throw new Error("This is no access token.");
  for (const name of [who.org, who.sandbox]) {
    if (!/^[\x20-\x7e]*$/.test(name)) throw new Error(`“${name}” cannot be sent in a header: letters beyond ASCII.`);
  }
  return {
    Authorization: `Bearer ${who.token}`,
    "x-api-key": "profile-export-page",
    "x-gw-ims-org-id": who.org,
    "x-sandbox-name": who.sandbox,
  };
}

async function call(path, { method = "GET", body, more = {}, signal, who = session.get() ?? {} } = {}) {
  const typed = body === undefined ? {} : { "Content-Type": "application/json" };
  const sent = { ...headers(who), ...typed, ...more };
  const answer = await reaching(() => fetch(path, { method, body, signal, headers: sent }));
  if (!answer.ok) throw new Refused(answer.status, await answer.json().catch(() => ({})), method);
  return answer;
}

const json = async (...asked) => (await call(...asked)).json();
const JOBS = "/data/core/ups/export/jobs";
const PAGE = 100;

/** Every page of a list: `read` gives the items of the one that starts there. */
async function all(read) {
  const found = [];
  for (let start = 0; ; start += PAGE) {
    const page = await read(start);
    found.push(...page);
    if (page.length < PAGE) return found;
  }
}

export const api = {
  /** Whether the API lets somebody in, who is not signed in yet. */
  letsIn: (who) => call(`${JOBS}?limit=1`, { who }),
  jobs: ({ status, cursor, limit }) => {
    const asked = new URLSearchParams({ limit });
    if (status) asked.set("status", status);
    if (cursor) asked.set("offset", cursor);
    return json(`${JOBS}?${asked}`);
  },
  job: (id) => json(`${JOBS}/${id}`),
  cancel: (id) => call(`${JOBS}/${id}`, { method: "DELETE" }),
  dryRun: (body) => json(`${JOBS}?dryRun=true`, { method: "POST", body }),
  submit: (body, key) => json(JOBS, { method: "POST", body, more: { "Idempotency-Key": key } }),
  batch: async (id) => Object.values(await json(`/data/foundation/catalog/batches/${id}`))[0],
  dataSets: async () => Object.fromEntries(await all(async (start) => Object.entries(
    await json(`/data/foundation/catalog/dataSets?limit=${PAGE}&start=${start}`)))),
  /** The names of segments by their ids, in the order of the list. */
  segmentNames: async () => new Map((await all(async (start) => (
    await json(`/data/core/ups/segment/definitions?limit=${PAGE}&start=${start}`)).segments)).map(({ id, name }) => [id, name])),
};

/** Follow a job: `show` gets its document at each change, until it has ended or `signal` aborts. */
export async function follow(id, show, signal) {
  const answer = await call(`${JOBS}/${id}/events`, { signal, more: { Accept: "text/event-stream" } });
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reaching(() => reader.read());
    if (done) return;
    text += value;
    const events = text.split(/\r?\n\r?\n/);
    text = events.pop();
    for (const event of events) {
      const data = event.split(/\r?\n/).filter((line) => line.startsWith("data:"));
      if (data.length) show(JSON.parse(data.map((line) => line.slice(5)).join("\n")));
    }
  }
}
