// One job: where it is, what its batches hold, who was left out and why.

import { api } from "./api.js";
import * as batches from "./batches.js";
import { $, make, pressed, say, shown, wide, when, written } from "./make.js";
import { picture } from "./picture.js";
import { segmentNames } from "./segments.js";
import { update } from "./update.js";
import { untilDone } from "./watch.js";

const FINAL = ["SUCCEEDED", "FAILED", "CANCELLED"];
const VISIBLE_PERHAPS = ["commit-expired", "papers-unreadable", "target-unreadable"]; // what it failed with says more

/** A progress bar of a job document, with words for those who do not see it. */
export function progress(job) {
  const { stage, fraction } = job.metrics?.progress ?? {};
  if (FINAL.includes(job.status) || stage === undefined) return make("span");
  const told = `${stage}, ${Math.round(fraction * 100)} %`;
  return make("span", {
    children: [make("progress", { max: 1, value: fraction, "aria-label": told }), make("span", { text: ` ${told}`, class: "quiet" })],
  });
}

/**
 * Show a job and keep it up to date until it ends, whatever becomes of the connection: by asking
 * again, as a browser has six connections for a service, and a stream would keep one for each window.
 * Names and batches come when they come.
 */
export async function show({ id, signal, trying }) {
  const known = { job: null, names: new Map(), batches: new Map(), batchesOf: "", cancel: (button) => cancel(id, button, trying) };
  const draw = () => {
    if (!signal.aborted && known.job !== null) update($("job"), parts(known), $("job-title"));
  };
  let told = "";
  const take = (job) => {
    if (signal.aborted) return;
    known.job = job;
    draw();
    if (job.status !== told) say(`Job ${id} is ${job.status}.`);
    told = job.status;
    trying(() => batches.keep(known, draw, signal), signal);
  };
  $("job-title").textContent = title(id);
  $("job").replaceChildren();
  $("job-title").focus();
  name(known, draw, signal);
  await untilDone(async () => {
    try {
      const job = await api.job(id, signal);
      take(job);
      return FINAL.includes(job.status);
    } catch (error) {
      if (error.passes) told = ""; // after a fault what is so is told again
      else if (error.status === 404) $("job").replaceChildren(make("p", { class: "problem", text: error.message }));
      throw error;
    }
  }, signal);
}

export const title = (id) => `Job ${id}`;

export function forget() {
  $("job-title").textContent = "";
  $("job").replaceChildren();
}

/** Put names to the segments, if they can be had. */
async function name(known, draw, signal) {
  try {
    await untilDone(async () => {
      known.names = await segmentNames();
      draw();
      return true;
    }, signal);
  } catch { /* ids do */ }
}

function cancel(id, button, trying) {
  return pressed(button, "Cancelling …", () => trying(async () => {
    await api.cancel(id);
    say(`Job ${id} is asked to stop.`);
  }));
}

function parts({ job, names, batches: found, cancel }) {
  const { candidates, exclusions } = job.metrics;
  const made = [make("p", { children: [make("strong", { text: job.status, class: job.status }), " ", progress(job)] })];
  (job.errors ?? []).forEach((error, index) => made.push(
    make("p", { class: "problem", "data-key": `error ${index}`, children: [written(error.msg), ` [${error.code}]`] })));
  if (job.status === "NEW" || job.status === "PROCESSING") {
    const button = make("button", { type: "button", text: "Cancel this job" });
    button.addEventListener("click", () => cancel(button));
    made.push(make("p", { "data-key": "cancel", children: [button] }));
  }
  made.push(times(job));
  if (candidates !== undefined) {
    made.push(make("h3", { "data-key": "candidates", text: `Candidates: ${shown(candidates)}` }), picture(candidates, exclusions));
  }
  made.push(make("h3", { "data-key": "batches", text: "Batches" }), table(job, found, names), raw(job));
  return made;
}

function times(job) {
  const total = job.metrics.totalTime ?? {};
  const took = total.totalTimeInMs === undefined ? "" : `, took ${(total.totalTimeInMs / 1000).toFixed(1)} s`;
  return make("p", { class: "quiet", "data-key": "times", children: [
    `Created ${when(job.creationTime)}${took}; dataset `, written(job.destination.datasetId),
    "; merge policy ", written(job.mergePolicy.id), `, version ${job.mergePolicy.version}`,
  ] });
}

function table(job, found, names) {
  const listed = batches.listed(job);
  if (listed.length) return wide("Batches", batches.table(listed, found, names));
  const unsure = (job.errors ?? []).some(({ code }) => VISIBLE_PERHAPS.includes(code));
  const text = unsure ? "None is known: the job failed." : "None: the job failed, and nothing of it is visible.";
  return make("p", { class: "quiet", "data-key": "no batches", text });
}

const raw = (job) => make("details", { children: [
  make("summary", { text: "Job document" }),
  make("pre", { tabindex: "0", text: JSON.stringify(job, null, 2) }),
] });
