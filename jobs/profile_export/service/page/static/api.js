// The API as this page uses it. Who signed in is kept in the tab's session storage only.

const KEY = "profile-export";

export const session = {
  get: () => JSON.parse(sessionStorage.getItem(KEY) ?? "null"),
  set: (who) => sessionStorage.setItem(KEY, JSON.stringify(who)),
  clear: () => sessionStorage.removeItem(KEY),
};

/** A call that was refused; `problems` has every one with its pointer. */
export class Refused extends Error {
  constructor(status, answer) {
    super(answer.detail ?? answer.message ?? `The service answered ${status}.`);
    this.status = status;
    this.problems = answer.errors ?? [];
  }
}

function headers() {
  const who = session.get() ?? {};
  return {
    Authorization: `Bearer ${who.token}`,
    "x-api-key": "profile-export-page",
    "x-gw-ims-org-id": who.org,
    "x-sandbox-name": who.sandbox,
  };
}

async function call(path, { method = "GET", body, more = {}, signal } = {}) {
  const typed = body === undefined ? {} : { "Content-Type": "application/json" };
  const answer = await fetch(path, { method, body, signal, headers: { ...headers(), ...typed, ...more } });
  if (!answer.ok) throw new Refused(answer.status, await answer.json().catch(() => ({})));
  return answer;
}

const json = async (...asked) => (await call(...asked)).json();
const JOBS = "/data/core/ups/export/jobs";

export const api = {
  jobs: (status, cursor) => {
    const asked = new URLSearchParams({ limit: "20" });
    if (status) asked.set("status", status);
    if (cursor) asked.set("offset", cursor);
    return json(`${JOBS}?${asked}`);
  },
  job: (id) => json(`${JOBS}/${id}`),
  cancel: (id) => call(`${JOBS}/${id}`, { method: "DELETE" }),
  dryRun: (body) => json(`${JOBS}?dryRun=true`, { method: "POST", body }),
  submit: (body, key) => json(JOBS, { method: "POST", body, more: { "Idempotency-Key": key } }),
  batch: async (id) => Object.values(await json(`/data/foundation/catalog/batches/${id}`))[0],
  dataSets: () => json("/data/foundation/catalog/dataSets?limit=100"),
  segments: () => json("/data/core/ups/segment/definitions?limit=100"),
  manifest: (batchId) => json(`/data/foundation/export/batches/${batchId}/manifest`),
};

/** Follow a job: `show` gets its document at each change, until it has ended or `signal` aborts. */
export async function follow(id, show, signal) {
  const answer = await call(`${JOBS}/${id}/events`, { signal, more: { Accept: "text/event-stream" } });
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
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
