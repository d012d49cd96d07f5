// The list of jobs, newest first; kept up to date while one of them is open.

import { api } from "./api.js";
import { progress } from "./job.js";
import { $, make, refill, shown, untilDone, when } from "./make.js";

const OPEN = ["NEW", "PROCESSING", "CANCELLING"];
const PAGE = 20;
let wanted = PAGE;

/** Show as many jobs as were asked for, until none of them is open. */
export async function show({ signal, go }) {
  await untilDone(async () => {
    const { jobs, more } = await newest(wanted);
    if (signal.aborted) return true; // somebody is elsewhere, or asked again
    refill($("jobs"), jobs.map((job) => row(job, go)), $("tab-jobs"));
    $("older").hidden = !more;
    $("no-jobs").hidden = jobs.length > 0;
    const status = $("status").value;
    $("no-jobs").textContent = status ? `No job is ${status}.` : "No jobs yet. “New export” makes one.";
    return !jobs.some((job) => OPEN.includes(job.status));
  }, signal);
}

export const title = () => "Jobs";

export function forget() {
  wanted = PAGE;
  $("status").value = "";
  $("jobs").replaceChildren();
}

/** How `again` shows the list anew: with other jobs, or more of them. */
export function listen(again) {
  $("refresh").addEventListener("click", again);
  $("status").addEventListener("change", () => { wanted = PAGE; again(); });
  $("older").addEventListener("click", () => { wanted += PAGE; again(); });
}

async function newest(count) {
  const jobs = [];
  let cursor = "";
  do {
    const page = await api.jobs({ status: $("status").value, cursor, limit: Math.min(count - jobs.length, 100) });
    jobs.push(...page.records);
    cursor = page.link.next ? page.page.pageOffset : "";
  } while (cursor && jobs.length < count);
  return { jobs, more: cursor !== "" };
}

function row(job, go) {
  const open = make("button", { type: "button", text: String(job.id) });
  open.addEventListener("click", () => go(`#job=${job.id}`));
  return make("tr", { children: [
    make("th", { scope: "row", children: [open] }),
    make("td", { text: job.status, class: job.status }),
    make("td", { children: [progress(job)] }),
    make("td", { class: "number", text: shown(job.metrics.totalExportedProfileCounter) }),
    make("td", { text: when(job.creationTime) }),
  ] });
}
