// The API as this page uses it.

import { done, json } from "./calls.js";

const JOBS = "data/core/ups/export/jobs";
const SEGMENTS = "data/core/ups/segment/definitions";
const CATALOG = "data/foundation/catalog";
const PAGE = 1000; // the longest that the API gives
const COUNTING = 630_000; // the service stops a count after ten minutes by itself
const PLANNING = 120_000;

/** Every page of a list: `read` gives the items of the one that starts there. */
async function all(read) {
  const found = [];
  for (let start = 0; ; start += PAGE) {
    const page = await read(`limit=${PAGE}&start=${start}`);
    found.push(...page);
    if (page.length < PAGE) return found;
  }
}

export const api = {
  /** Whether the API lets somebody in, who is not signed in yet. */
  letsIn: (who) => json(`${JOBS}?limit=1`, { who }),
  jobs: ({ status, cursor, limit, signal }) => {
    const asked = new URLSearchParams({ limit });
    if (status) asked.set("status", status);
    if (cursor) asked.set("offset", cursor);
    return json(`${JOBS}?${asked}`, { signal });
  },
  job: (id, signal) => json(`${JOBS}/${id}`, { signal }),
  cancel: (id) => done(`${JOBS}/${id}`, { method: "DELETE" }),
  dryRun: (body) => json(`${JOBS}?dryRun=true`, { method: "POST", body, patience: COUNTING }),
  submit: (body, key) => json(JOBS, { method: "POST", body, patience: PLANNING, more: { "Idempotency-Key": key } }),
  /** Batches by id: those of a job are made with it, and a list of them is few calls. */
  batches: async ({ creationTime }, signal) => {
    const then = `createdAfter=${creationTime - 1}&createdBefore=${creationTime + 1}`;
    return new Map(await all(async (page) => Object.entries(await json(`${CATALOG}/batches?${then}&${page}`, { signal }))));
  },
  dataSets: (signal) => all(async (page) => Object.entries(await json(`${CATALOG}/dataSets?${page}`, { signal }))),
  /** The names of segments by their ids, in the order of the list. */
  segmentNames: async () => {
    const found = await all(async (page) => (await json(`${SEGMENTS}?${page}`)).segments);
    return new Map(found.map(({ id, name }) => [id, name]));
  },
};
