// A new export: what is wrong with a request, what it would count, and the job that it makes.

import { api } from "./api.js";
import { $, make, pressed, say, shown, written } from "./make.js";
import { picture } from "./picture.js";
import * as form from "./request.js";
import { segmentNames, told } from "./segments.js";
import { untilDone } from "./watch.js";

const { request } = form;
const FAULTY = [400, 413]; // what is sent is at fault, and not the service or the token

let names = new Map();
let here = AbortSignal.abort();

/** Show the form, with a request that would do if there is none. */
export async function show({ signal }) {
  here = signal;
  await untilDone(async () => {
    form.offer(await api.dataSets(signal));
    form.choose();
    return true;
  }, signal);
  await untilDone(async () => {
    names = await segmentNames();
    if (!signal.aborted) form.propose(names);
    return true;
  }, signal);
}

export const title = () => "New export";

export function forget({ keepRequest = false } = {}) {
  if (!keepRequest) request.text = "";
  names = new Map();
  for (const id of ["dataset", "no-datasets", "problems", "counts"]) $(id).replaceChildren();
}

function tellProblems(error) {
  const items = error.problems.map(({ pointer, parameter, detail, code }) => make("li", { children: [
    make("code", { children: [written(pointer ?? parameter ?? "")] }), " ", written(detail), ` [${code}]`,
  ] }));
  if (FAULTY.includes(error.status)) $("body").setAttribute("aria-invalid", "true");
  $("problems").replaceChildren(make("p", { class: "problem", text: error.message }), make("ul", { children: items }));
}

async function count(body) {
  const { counts } = await api.dryRun(body);
  if (body !== request.text) return say("Counted; but the request is another by now.");
  const batches = counts.batches.map(({ segment, recordCount }) =>
    make("li", { children: [...told(segment, names), `: ${shown(recordCount)} record${recordCount === 1 ? "" : "s"}`] }));
  $("counts").replaceChildren(
    make("h3", { text: `Candidates: ${shown(counts.candidates)}` }),
    picture(counts.candidates, counts.exclusions),
    make("ul", { children: batches }),
  );
  say("Counted; nothing was written.");
}

async function submit(body, go) {
  const asked = here;
  const job = await api.submit(body, request.key);
  request.isDone();
  if (asked.aborted) say(`Job ${job.id} is made.`); // somebody has gone elsewhere, and stays there
  else go(`#job=${job.id}`);
}

/** What the form's buttons do, under `trying`; `go` goes to an address of the page. */
export function listen({ trying, go }) {
  const asking = (button, text, work) => pressed(button, text, () => trying(async () => {
    $("problems").replaceChildren();
    $("counts").replaceChildren();
    $("body").removeAttribute("aria-invalid");
    try {
      await work(request.text, go);
    } catch (error) {
      if (error.ends || error.problems === undefined) throw error;
      say("");
      tellProblems(error);
    }
  }));

  form.listen();
  $("dry-run").addEventListener("click", () => asking($("dry-run"), "Counting …", count));
  $("new-form").addEventListener("submit", (event) => {
    event.preventDefault();
    asking($("submit"), "Submitting …", submit);
  });
  $("body").addEventListener("keydown", (event) => { if (event.key === "Escape") $("dry-run").focus(); });
}
