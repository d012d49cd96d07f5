// Segments as the page tells them, and their names, which are asked for once a session.

import { api } from "./api.js";
import { written } from "./make.js";

let asked = null;

export function segmentNames() {
  const mine = asked ??= api.segmentNames();
  mine.catch(() => { if (asked === mine) asked = null; });
  return mine;
}

export function forget() { asked = null; }

/** A segment of a batch, as children of an element. Definitions are of the namespace `ups` only. */
export function told({ segmentId, segmentNs = "ups", status } = {}, names) {
  if (!segmentId) return ["everyone asked for"];
  const name = segmentNs.toLowerCase() === "ups" ? names.get(segmentId) : undefined;
  return [
    ...(name ? [written(name), ": "] : []),
    written(`${segmentNs}:${segmentId}`),
    ...(status ? [` (${status.join(", ")})`] : []),
  ];
}
