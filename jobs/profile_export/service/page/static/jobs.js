// The list of jobs, newest first; kept up to date while one of them is open.

import { api } from "./api.js";
import { progress } from "./job.js";
import { $, make, say, shown, when } from "./make.js";
import { update } from "./update.js";
import { untilDone } from "./watch.js";

const OPEN = ["NEW", "PROCESSING", "CANCELLING"];
const PAGE = 20;
const MORE = 100;
const LONGEST = 1000;
let known = [];
let next = ""; // where older jobs begin; none where it is empty

/** Show the jobs, until none of them is open. */
export async function show({ signal }) {
  await untilDone(async () => {
    await lookAgain(signal);
    draw();
    return !known.some(isOpen);
  }, signal);
}

export const title = () => "Jobs";

export function forget() {
  [known, next] = [[], ""];
  $("status").value = "";
  $("jobs").replaceChildren();
}

/** How `again` shows the list anew: with other jobs, or more of them. */
export function listen({ trying, again }) {
  $("refresh").addEventListener("click", again);
  $("status").addEventListener("change", () => { [known, next] = [[], ""]; again(); });
  let isAsking = false;
  $("older").addEventListener("click", async () => {
    if (isAsking) return;
    isAsking = true;
    await trying(async () => {
      await older();
      again(); // of the older ones some may be open
    });
    isAsking = false;
  });
}

const isOpen = (job) => OPEN.includes(job.status);
const isOlder = (job, than) => job.creationTime < than.creationTime || (job.creationTime === than.creationTime && job.id < than.id);

/** The newest jobs, as far as one is open; of older ones what is known stays so. */
async function lookAgain(signal) {
  const limit = Math.min(Math.max(PAGE, known.findLastIndex(isOpen) + 1), LONGEST);
  const page = await api.jobs({ status: $("status").value, limit, signal });
  const last = page.records.at(-1);
  const kept = page.link.next ? known.filter((job) => isOlder(job, last)) : [];
  const meets = page.records.some((job) => known.some(({ id }) => id === job.id));
  if (kept.length && meets) { known = [...page.records, ...kept]; return; }
  known = page.records; // between them and those that were known there may be others
  next = page.link.next ? page.page.pageOffset : "";
}

async function older() {
  const [from, status] = [next, $("status").value];
  const page = await api.jobs({ status, cursor: from, limit: MORE });
  if (from !== next || status !== $("status").value) return; // the list is another by now
  known = [...known, ...page.records];
  next = page.link.next ? page.page.pageOffset : "";
  const hadFocus = document.activeElement === $("older");
  draw();
  if (hadFocus && next === "") (link(page.records[0]) ?? $("refresh")).focus();
  say(`${shown(known.length)} jobs are shown.`);
}

const link = (job) => job && $("jobs").querySelector(`[href="#job=${job.id}"]`);

function draw() {
  update($("jobs"), known.map(row), $("tab-jobs"));
  $("older").hidden = next === "";
  $("no-jobs").hidden = known.length > 0;
  const status = $("status").value;
  $("no-jobs").textContent = status ? `No job is ${status}.` : "No jobs yet. “New export” makes one.";
}

function row(job) {
  return make("tr", { "data-key": job.id, children: [
    make("th", { scope: "row", children: [make("a", { href: `#job=${job.id}`, text: String(job.id) })] }),
    make("td", { text: job.status, class: job.status }),
    make("td", { children: [progress(job)] }),
    make("td", { class: "number", text: shown(job.metrics.totalExportedProfileCounter) }),
    make("td", { class: "when", text: when(job.creationTime) }),
  ] });
}
