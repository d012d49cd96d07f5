// The page: sign in, list jobs, look at one, ask for another.

import { api, session } from "./api.js";
import { make, progress, showJob, when } from "./job.js";
import { picture } from "./picture.js";

const $ = (id) => document.getElementById(id);
const say = (text) => { $("message").textContent = text; };
let watching = new AbortController();
let listing = 0;
let cursor = "";

const REQUEST = {
  fields: "",
  filter: { segments: [] },
  destination: { datasetId: "", segmentPerBatch: true },
  schema: { name: "_xdm.context.profile" },
};

function show(view) {
  watching.abort();
  watching = new AbortController();
  for (const name of ["jobs", "job", "new"]) $(`view-${name}`).hidden = name !== view;
  $("tab-jobs").setAttribute("aria-pressed", String(view !== "new"));
  $("tab-new").setAttribute("aria-pressed", String(view === "new"));
}

async function trying(work) {
  try {
    await work();
  } catch (error) {
    if (error.name === "AbortError") return;
    say(error.message);
    if (error.status === 401 || error.status === 403) signOut(error.message);
  }
}

// -- signing in

function signedIn() {
  const who = session.get();
  $("sign-in").hidden = who !== null;
  $("work").hidden = $("leave").hidden = who === null;
  $("who").textContent = who ? `${who.org} / ${who.sandbox}` : "";
  return who !== null;
}

function signOut(why = "Signed out.") {
  session.clear();
  signedIn();
  say(why);
  $("token").focus();
}

$("sign-in-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const [token, org, sandbox] = ["token", "org", "sandbox"].map((id) => $(id).value.trim());
  session.set({ token, org, sandbox });
  trying(async () => {
    await api.jobs();
    $("token").value = "";
    say("Signed in.");
    signedIn();
    $("tab-jobs").focus(); // at once: once the list is there, somebody may have gone elsewhere
    await listJobs();
  });
});
$("leave").addEventListener("click", () => signOut());

// -- jobs

async function listJobs({ more = false } = {}) {
  const asked = ++listing;
  show("jobs");
  const { signal } = watching;
  const page = await api.jobs($("status").value, more ? cursor : "");
  if (asked !== listing) return; // a later call overtook this one
  const rows = page.records.map((job) => {
    const open = make("button", { type: "button", text: String(job.id) });
    open.addEventListener("click", () => trying(() => openJob(job.id)));
    const exported = job.metrics.totalExportedProfileCounter;
    return make("tr", { children: [
      make("th", { scope: "row", children: [open] }),
      make("td", { text: job.status, class: job.status }),
      make("td", { children: [progress(job)] }),
      make("td", { class: "number", text: exported === undefined ? "" : exported.toLocaleString("en") }),
      make("td", { text: when(job.creationTime) }),
    ] });
  });
  if (more) $("jobs").append(...rows);
  else $("jobs").replaceChildren(...rows);
  cursor = page.page.pageOffset;
  $("older").hidden = !page.link.next;
  $("no-jobs").hidden = $("jobs").children.length > 0;
  if (!more && page.records.some((job) => ["NEW", "PROCESSING", "CANCELLING"].includes(job.status))) {
    setTimeout(() => { if (!signal.aborted) trying(listAgain); }, 1000);
  }
}

async function listAgain() {
  const focused = document.activeElement?.textContent;
  const inTable = $("jobs").contains(document.activeElement);
  await listJobs();
  if (!inTable || document.activeElement !== document.body) return; // somebody has gone elsewhere
  [...$("jobs").querySelectorAll("button")].find((each) => each.textContent === focused)?.focus();
}

async function openJob(id) {
  show("job");
  $("job-title").textContent = `Job ${id}`;
  $("job").replaceChildren();
  $("job-title").focus();
  await showJob(id, $("job"), { signal: watching.signal, say });
}

$("tab-jobs").addEventListener("click", () => trying(listJobs));
$("refresh").addEventListener("click", () => trying(listJobs));
$("back").addEventListener("click", () => trying(async () => { $("tab-jobs").focus(); await listJobs(); }));
$("status").addEventListener("change", () => trying(listJobs));
$("older").addEventListener("click", () => trying(() => listJobs({ more: true })));

// -- a new export

$("tab-new").addEventListener("click", () => trying(async () => {
  show("new");
  const [dataSets, segments] = await Promise.all([api.dataSets(), api.segments()]);
  const union = Object.entries(dataSets).filter(([, each]) => each.schemaRef?.id?.endsWith("profile__union"));
  $("dataset").replaceChildren(...union.map(([id, each]) => make("option", { value: id, text: `${each.name} (${id})` })));
  if ($("body").value.trim() || document.activeElement === $("body")) return; // somebody writes there
  const asked = structuredClone(REQUEST);
  asked.filter.segments = segments.segments.slice(0, 2).map(({ id }) => ({ segmentId: id }));
  if (!asked.filter.segments.length) { delete asked.filter; asked.destination.segmentPerBatch = false; }
  asked.destination.datasetId = $("dataset").value;
  $("body").value = JSON.stringify(asked, null, 2);
}));

$("dataset").addEventListener("change", () => {
  try {
    const asked = JSON.parse($("body").value);
    asked.destination = { ...asked.destination, datasetId: $("dataset").value };
    $("body").value = JSON.stringify(asked, null, 2);
  } catch {
    say("The request is no JSON just now: put the dataset's id in yourself.");
  }
});

$("body").addEventListener("keydown", (event) => { if (event.key === "Escape") $("dry-run").focus(); });

function tellProblems(error) {
  const items = error.problems.map(({ pointer, parameter, detail, code }) => make("li", { children: [
    make("code", { text: pointer ?? parameter ?? "" }), ` ${detail} [${code}]`,
  ] }));
  $("problems").replaceChildren(make("p", { class: "problem", text: error.message }), make("ul", { children: items }));
}

async function asking(work) {
  $("problems").replaceChildren();
  $("counts").replaceChildren();
  await trying(async () => {
    try {
      await work($("body").value);
    } catch (error) {
      if (error.problems === undefined || error.status === 401 || error.status === 403) throw error;
      tellProblems(error);
    }
  });
}

$("dry-run").addEventListener("click", () => asking(async (body) => {
  say("Counting …");
  $("dry-run").disabled = true;
  try {
    const { counts } = await api.dryRun(body);
    const batches = counts.batches.map((each) => make("li", {
      text: `${each.segment?.segmentId ?? "one batch"}: ${each.recordCount.toLocaleString("en")} records`,
    }));
    $("counts").replaceChildren(
      make("h3", { text: `Candidates: ${counts.candidates.toLocaleString("en")}` }),
      picture(counts.candidates, counts.exclusions),
      make("ul", { children: batches }),
    );
    say("Counted; nothing was written.");
  } finally {
    $("dry-run").disabled = false;
  }
}));

// One for each request as written: a double click makes one job. (randomUUID is for HTTPS only.)
const newKey = () => Array.from(crypto.getRandomValues(new Uint32Array(4)), (n) => n.toString(16)).join("-");
let key = newKey();
$("body").addEventListener("input", () => { key = newKey(); });
$("new-form").addEventListener("submit", (event) => {
  event.preventDefault();
  asking(async (body) => {
    const job = await api.submit(body, key);
    key = newKey();
    await openJob(job.id);
  });
});

if (signedIn()) trying(listJobs);
