// One job: where it is, what its batches hold, who was left out and why.

import { api, follow } from "./api.js";
import { picture } from "./picture.js";

const FINAL = ["SUCCEEDED", "FAILED", "CANCELLED"];
export const when = (ms) => (ms ? new Date(ms).toISOString().replace("T", " ").slice(0, 19) + " UTC" : "");
const shown = (count) => (count === undefined ? "" : count.toLocaleString("en"));

/** An element with a class, text or children. Text is never read as HTML. */
export function make(tag, { text, children = [], ...attributes } = {}) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  made.append(...children);
  return made;
}

/** A progress bar of a job document, with words for those who do not see it. */
export function progress(job) {
  const { stage, fraction } = job.metrics?.progress ?? {};
  if (FINAL.includes(job.status) || stage === undefined) return make("span", { text: "" });
  const told = `${stage}, ${Math.round(fraction * 100)} %`;
  return make("span", {
    children: [make("progress", { max: 1, value: fraction, "aria-label": told }), make("span", { text: ` ${told}`, class: "quiet" })],
  });
}

/** Show a job in `place` and keep it up to date until it ends or `signal` aborts. */
export async function showJob(id, place, { signal, say }) {
  let last = "";
  const draw = async (job) => {
    await fill(job, place, say);
    if (job.status !== last) say(`Job ${id} is ${job.status}.`);
    last = job.status;
  };
  const job = await api.job(id);
  await draw(job);
  if (!FINAL.includes(job.status)) await follow(id, (changed) => draw(changed), signal);
}

async function fill(job, place, say) {
  const parts = [make("p", { children: [make("strong", { text: job.status, class: job.status }), " ", progress(job)] })];
  for (const error of job.errors ?? []) parts.push(make("p", { class: "problem", text: `${error.msg} [${error.code}]` }));
  if (job.status === "NEW" || job.status === "PROCESSING") {
    const cancel = make("button", { type: "button", text: "Cancel this job" });
    cancel.addEventListener("click", () => api.cancel(job.id).catch((error) => say(error.message)));
    parts.push(make("p", { children: [cancel] }));
  }
  parts.push(times(job));
  if (job.metrics.candidates !== undefined) {
    parts.push(make("h3", { text: `Candidates: ${shown(job.metrics.candidates)}` }), picture(job.metrics.candidates, job.metrics.exclusions));
  }
  parts.push(make("h3", { text: "Batches" }), await batches(job));
  const raw = make("details", { children: [make("summary", { text: "Job document" }), make("pre", { text: JSON.stringify(job, null, 2) })] });
  raw.open = place.querySelector("details")?.open ?? false;
  parts.push(raw);
  const focused = place.contains(document.activeElement) ? document.activeElement.textContent : null;
  place.replaceChildren(...parts);
  if (focused !== null) [...place.querySelectorAll("button, summary")].find((each) => each.textContent === focused)?.focus();
}

function times(job) {
  const total = job.metrics.totalTime ?? {};
  const took = total.totalTimeInMs === undefined ? "" : `, took ${(total.totalTimeInMs / 1000).toFixed(1)} s`;
  const policy = `merge policy ${job.mergePolicy.id}, version ${job.mergePolicy.version}`;
  return make("p", { class: "quiet", text: `Created ${when(job.creationTime)}${took}; dataset ${job.destination.datasetId}; ${policy}` });
}

async function batches(job) {
  const listed = (job.destination.batches ?? [job.destination]).filter((batch) => batch.batchId);
  if (!listed.length) return make("p", { class: "quiet", text: "None: the job failed, and nothing of it is visible." });
  const kinds = ["id", "id", "", "number", "number"];
  const rows = await Promise.all(listed.map(async (batch) => {
    const known = await api.batch(batch.batchId).catch(() => ({}));
    const segment = batch.segmentId ? `${batch.segmentNs}: ${batch.segmentId} (${batch.status.join(", ")})` : "everyone asked for";
    const cells = [segment, batch.batchId, known.status ?? "", shown(known.recordCount), shown(known.size)];
    return make("tr", { children: cells.map((text, index) => make("td", { text, ...(kinds[index] && { class: kinds[index] }) })) });
  }));
  const titles = ["Segment", "Batch", "Status", "Records", "Bytes"];
  const head = titles.map((text, index) => make("th", { scope: "col", text, ...(kinds[index] === "number" && { class: "number" }) }));
  return make("table", { children: [
    make("thead", { children: [make("tr", { children: head })] }),
    make("tbody", { children: rows }),
  ] });
}
