// The batches of a job: asked for once in each of its statuses, and again where that fails.

import { api } from "./api.js";
import { make, shown } from "./make.js";
import { told } from "./segments.js";
import { untilDone } from "./watch.js";

const TITLES = ["Segment", "Batch", "Status", "Records", "Bytes"];
const KINDS = ["id", "id", "", "number", "number"];
const classed = (index) => (KINDS[index] && { class: KINDS[index] });

/** Those that a job document names; none where it failed. */
export const listed = (job) => (job.destination.batches ?? [job.destination]).filter(({ batchId }) => batchId);

/** Keep `known.batches` those of `known.job`, and `draw` them when they have come. */
export async function keep(known, draw, signal) {
  if (known.isAsking || known.batchesOf === known.job.status || !listed(known.job).length) return;
  known.isAsking = true;
  try {
    await untilDone(async () => {
      known.batchesOf = known.job.status;
      known.batches = await api.batches(known.job, signal);
      draw();
      return known.batchesOf === known.job.status; // else it has gone on meanwhile
    }, signal);
  } finally {
    known.isAsking = false;
  }
}

export function table(batches, found, names) {
  const rows = batches.map((batch) => {
    const { status = "…", recordCount, size } = found.get(batch.batchId) ?? {};
    const cells = [told(batch, names), [batch.batchId], [status], [shown(recordCount)], [shown(size)]];
    return make("tr", { "data-key": batch.batchId, children: cells.map((children, index) => make("td", { children, ...classed(index) })) });
  });
  const head = TITLES.map((text, index) => make("th", { scope: "col", text, ...(KINDS[index] === "number" && classed(index)) }));
  return make("table", { children: [
    make("thead", { children: [make("tr", { children: head })] }),
    make("tbody", { children: rows }),
  ] });
}
