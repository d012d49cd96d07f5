// The request that is being written: its text, its key, and the data set that it names.

import { $, isolated, make, say } from "./make.js";
import { added, members } from "./members.js";

const FIRST = {
  fields: "",
  filter: { segments: [] },
  destination: { datasetId: "", segmentPerBatch: true },
  schema: { name: "_xdm.context.profile" },
};
const NOWHERE = "No dataset that exports may go to: POST /data/foundation/catalog/dataSets makes one, or the sandbox file declares it.";
const SPELLINGS = ["datasetId", "dataSetId"];

// One for each request as written: a double click makes one job. (randomUUID is for HTTPS only.)
const newKey = () => Array.from(crypto.getRandomValues(new Uint32Array(4)), (n) => n.toString(16)).join("-");
let key = newKey();

export const request = {
  get text() { return $("body").value; },
  get key() { return key; },
  /** Another text is another request: what was told of the one before is not of it. */
  set text(text) {
    $("body").value = text;
    this.changed();
  },
  changed() {
    key = newKey();
    $("problems").replaceChildren();
    $("counts").replaceChildren();
    $("body").removeAttribute("aria-invalid");
    choose();
  },
  isDone() { key = newKey(); },
};

/** A request that would do, where none is being written. */
export function propose(names) {
  if (request.text.trim() || document.activeElement === $("body")) return;
  const asked = structuredClone(FIRST);
  asked.filter.segments = [...names.keys()].slice(0, 1).map((segmentId) => ({ segmentId }));
  if (!asked.filter.segments.length) { delete asked.filter; asked.destination.segmentPerBatch = false; }
  asked.destination.datasetId = $("dataset").options[0]?.value ?? "";
  request.text = JSON.stringify(asked, null, 2);
}

/** Offer the data sets that exports may go to. */
export function offer(dataSets) {
  const union = dataSets.filter(([, each]) => each.schemaRef?.id?.endsWith("profile__union"));
  $("dataset").replaceChildren(...union.map(([id, { name }]) => make("option", { value: id, text: `${isolated(name)} (${isolated(id)})` })));
  $("no-datasets").hidden = union.length > 0;
  $("no-datasets").textContent = union.length > 0 ? "" : NOWHERE;
}

/** The request as an object; null while it is none. */
function parsed() {
  try {
    const asked = JSON.parse(request.text);
    return typeof asked === "object" && !Array.isArray(asked) ? asked : null;
  } catch {
    return null;
  }
}

/** The data set that is shown is the one that the request names; none where it names no such. */
export function choose() {
  const destination = parsed()?.destination;
  const asked = destination?.datasetId ?? destination?.dataSetId;
  $("dataset").value = typeof asked === "string" ? asked : "";
}

function rename() {
  if (parsed() === null) {
    choose();
    return say("The request is no JSON object just now: put the dataset's id in yourself.");
  }
  const edits = naming(request.text, JSON.stringify($("dataset").value));
  for (const [start, end, text] of edits.sort(([one], [other]) => other - one)) {
    $("body").setRangeText(text, start, end, "preserve");
  }
  request.changed();
}

/** From where to where something else is written, and what, so that the request names the data set `id`. */
function naming(text, id) {
  const request = text.indexOf("{"), member = `"datasetId": ${id}`;
  const [start, end] = members(text, request).get("destination") ?? [];
  if (start === undefined) return [added(text, request, `"destination": {${member}}`)];
  if (text[start] !== "{") return [[start, end, `{${member}}`]];
  const named = members(text, start);
  const there = SPELLINGS.filter((name) => named.has(name));
  return there.length ? there.map((name) => [...named.get(name), id]) : [added(text, start, member)];
}

export function listen() {
  $("body").addEventListener("input", () => request.changed());
  $("dataset").addEventListener("change", rename);
}
