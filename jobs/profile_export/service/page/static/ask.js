// A new export: a request, what is wrong with it, what it would count, and the job that it makes.

import { api } from "./api.js";
import { $, make, say, shown } from "./make.js";
import { picture } from "./picture.js";

const REQUEST = {
  fields: "",
  filter: { segments: [] },
  destination: { datasetId: "", segmentPerBatch: true },
  schema: { name: "_xdm.context.profile" },
};

// One for each request as written: a double click makes one job. (randomUUID is for HTTPS only.)
const newKey = () => Array.from(crypto.getRandomValues(new Uint32Array(4)), (n) => n.toString(16)).join("-");
let key = newKey();
let names = new Map();
let here = AbortSignal.abort();

/** Show the form, with a request that would do if there is none. */
export async function show({ signal }) {
  here = signal;
  const [dataSets, segments] = await Promise.all([api.dataSets(), api.segmentNames()]);
  if (signal.aborted) return;
  names = segments;
  const union = Object.entries(dataSets).filter(([, each]) => each.schemaRef?.id?.endsWith("profile__union"));
  $("dataset").replaceChildren(...union.map(([id, each]) => make("option", { value: id, text: `${each.name} (${id})` })));
  if (!$("body").value.trim() && document.activeElement !== $("body")) propose();
  choose();
}

export const title = () => "New export";

export function forget({ request = true } = {}) {
  if (request) $("body").value = "";
  names = new Map();
  for (const id of ["dataset", "problems", "counts"]) $(id).replaceChildren();
}

function propose() {
  const asked = structuredClone(REQUEST);
  asked.filter.segments = [...names.keys()].slice(0, 1).map((segmentId) => ({ segmentId }));
  if (!asked.filter.segments.length) { delete asked.filter; asked.destination.segmentPerBatch = false; }
  asked.destination.datasetId = $("dataset").value;
  $("body").value = JSON.stringify(asked, null, 2);
}

/** The dataset that is shown is the one that the request names; none where it names no such. */
function choose() {
  let asked = null;
  try {
    asked = JSON.parse($("body").value)?.destination?.datasetId;
  } catch { /* no JSON just now */ }
  $("dataset").value = typeof asked === "string" ? asked : "";
}

/** What was told of the request before is not of this one. */
function edited() {
  key = newKey();
  $("problems").replaceChildren();
  $("counts").replaceChildren();
  $("body").removeAttribute("aria-invalid");
}

function tellProblems(error) {
  const items = error.problems.map(({ pointer, parameter, detail, code }) => make("li", { children: [
    make("code", { text: pointer ?? parameter ?? "" }), ` ${detail} [${code}]`,
  ] }));
  $("body").setAttribute("aria-invalid", "true");
  $("problems").replaceChildren(make("p", { class: "problem", text: error.message }), make("ul", { children: items }));
}

async function count(body) {
  say("Counting …");
  const { counts } = await api.dryRun(body);
  if (body !== $("body").value) return say("Counted; but the request is another by now.");
  const batches = counts.batches.map(({ segment, recordCount }) => {
    const id = segment?.segmentId;
    const name = names.get(id) ? `${names.get(id)} (${id})` : id ?? "one batch";
    return make("li", { text: `${name}: ${shown(recordCount)} records` });
  });
  $("counts").replaceChildren(
    make("h3", { text: `Candidates: ${shown(counts.candidates)}` }),
    picture(counts.candidates, counts.exclusions),
    make("ul", { children: batches }),
  );
  say("Counted; nothing was written.");
}

async function submit(body, go) {
  const asked = here;
  const job = await api.submit(body, key);
  key = newKey();
  if (asked.aborted) say(`Job ${job.id} is made.`); // somebody has gone elsewhere, and stays there
  else go(`#job=${job.id}`);
}

/** What the form's buttons do, under `trying`; `go` goes to an address of the page. */
export function listen({ trying, go }) {
  async function asking(work) {
    $("problems").replaceChildren();
    $("counts").replaceChildren();
    await trying(async () => {
      try {
        await work($("body").value, go);
      } catch (error) {
        if (error.ends || error.problems === undefined) throw error;
        say("");
        tellProblems(error);
      }
    });
  }

  let counting = false; // a disabled button would lose the focus
  $("dry-run").addEventListener("click", async () => {
    if (counting) return;
    counting = true;
    $("dry-run").setAttribute("aria-disabled", "true");
    await asking(count);
    $("dry-run").removeAttribute("aria-disabled");
    counting = false;
  });
  $("new-form").addEventListener("submit", (event) => {
    event.preventDefault();
    asking(submit);
  });
  $("body").addEventListener("input", () => { edited(); choose(); });
  $("body").addEventListener("keydown", (event) => { if (event.key === "Escape") $("dry-run").focus(); });
  $("dataset").addEventListener("change", () => {
    try {
      const asked = JSON.parse($("body").value);
      asked.destination = { ...asked.destination, datasetId: $("dataset").value };
      $("body").value = JSON.stringify(asked, null, 2);
      edited();
    } catch {
      choose();
      say("The request is no JSON just now: put the dataset's id in yourself.");
    }
  });
}
