// One job: where it is, what its batches hold, who was left out and why.

import { api, follow } from "./api.js";
import { $, make, refill, say, shown, untilDone, when, wide } from "./make.js";
import { picture } from "./picture.js";

const FINAL = ["SUCCEEDED", "FAILED", "CANCELLED"];

/** A progress bar of a job document, with words for those who do not see it. */
export function progress(job) {
  const { stage, fraction } = job.metrics?.progress ?? {};
  if (FINAL.includes(job.status) || stage === undefined) return make("span", { text: "" });
  const told = `${stage}, ${Math.round(fraction * 100)} %`;
  return make("span", {
    children: [make("progress", { max: 1, value: fraction, "aria-label": told }), make("span", { text: ` ${told}`, class: "quiet" })],
  });
}

/** Show a job and keep it up to date until it ends, whatever becomes of the connection. */
export async function show({ id, signal, trying }) {
  const names = api.segmentNames().catch(() => new Map());
  let status = "", newest = 0;
  const draw = async (job) => {
    const mine = ++newest;
    const made = await parts(job, await names, trying);
    if (signal.aborted || mine !== newest) return; // this job's view is gone, or has a newer document
    refill($("job"), made, $("job-title"));
    if (job.status !== status) say(`Job ${id} is ${job.status}.`);
    status = job.status;
  };
  $("job-title").textContent = title(id);
  $("job").replaceChildren();
  $("job-title").focus();
  await untilDone(async () => {
    status = ""; // after a fault what is so is told again
    const job = await api.job(id);
    await draw(job);
    if (signal.aborted || FINAL.includes(job.status)) return true;
    await follow(id, draw, signal);
    return false; // the stream has ended: the job has, or the service
  }, signal);
}

export const title = (id) => `Job ${id}`;

export function forget() {
  known = { of: "", batches: new Map() };
  $("job-title").textContent = "";
  $("job").replaceChildren();
}

async function parts(job, names, trying) {
  const made = [make("p", { children: [make("strong", { text: job.status, class: job.status }), " ", progress(job)] })];
  for (const error of job.errors ?? []) made.push(make("p", { class: "problem", text: `${error.msg} [${error.code}]` }));
  if (job.status === "NEW" || job.status === "PROCESSING") {
    const cancel = make("button", { type: "button", text: "Cancel this job" });
    cancel.addEventListener("click", () => trying(() => api.cancel(job.id)));
    made.push(make("p", { children: [cancel] }));
  }
  made.push(times(job));
  if (job.metrics.candidates !== undefined) {
    made.push(make("h3", { text: `Candidates: ${shown(job.metrics.candidates)}` }), picture(job.metrics.candidates, job.metrics.exclusions));
  }
  made.push(make("h3", { text: "Batches" }), await batches(job, names));
  const document = make("pre", { tabindex: "0", text: JSON.stringify(job, null, 2) });
  const raw = make("details", { children: [make("summary", { text: "Job document" }), document] });
  raw.open = $("job").querySelector("details")?.open ?? false;
  return [...made, raw];
}

function times(job) {
  const total = job.metrics.totalTime ?? {};
  const took = total.totalTimeInMs === undefined ? "" : `, took ${(total.totalTimeInMs / 1000).toFixed(1)} s`;
  const policy = `merge policy ${job.mergePolicy.id}, version ${job.mergePolicy.version}`;
  return make("p", { class: "quiet", text: `Created ${when(job.creationTime)}${took}; dataset ${job.destination.datasetId}; ${policy}` });
}

/** What is known of the batches of a job in one status: it changes with that only. */
let known = { of: "", batches: new Map() };

function batch(id) {
  if (!known.batches.has(id)) known.batches.set(id, api.batch(id).catch(() => { known.batches.delete(id); return {}; }));
  return known.batches.get(id);
}

async function batches(job, names) {
  const of = `${job.id} ${job.status}`;
  if (known.of !== of) known = { of, batches: new Map() };
  const listed = (job.destination.batches ?? [job.destination]).filter((batch) => batch.batchId);
  if (!listed.length) return make("p", { class: "quiet", text: "None: the job failed, and nothing of it is visible." });
  const kinds = ["id", "id", "", "number", "number"];
  const rows = await Promise.all(listed.map(async (each) => {
    const { status, recordCount, size } = await batch(each.batchId);
    const cells = [segment(each, names), each.batchId, status ?? "", shown(recordCount), shown(size)];
    return make("tr", { children: cells.map((text, index) => make("td", { text, ...(kinds[index] && { class: kinds[index] }) })) });
  }));
  const titles = ["Segment", "Batch", "Status", "Records", "Bytes"];
  const head = titles.map((text, index) => make("th", { scope: "col", text, ...(kinds[index] === "number" && { class: "number" }) }));
  return wide("Batches", make("table", { children: [
    make("thead", { children: [make("tr", { children: head })] }),
    make("tbody", { children: rows }),
  ] }));
}

function segment(batch, names) {
  if (!batch.segmentId) return "everyone asked for";
  const name = names.get(batch.segmentId);
  return `${name ? `${name}: ` : ""}${batch.segmentNs}:${batch.segmentId} (${batch.status.join(", ")})`;
}
