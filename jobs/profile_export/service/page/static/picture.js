// Who was exported and who was not, and why: one bar for each, together all candidates.

import { wide } from "./make.js";

const SVG = "http://www.w3.org/2000/svg";
const ROW = 26, NAMES = 160, GAP = 12, WIDTH = 420, DIGIT = 8;

const REASONS = {
  tooManyIdentities: "too many identities",
  noProfileRecord: "no profile record",
  notUpdatedSince: "not updated since",
  notInSegment: "not in a segment",
  otherStatus: "other status",
  outsideQualificationTime: "outside the window",
};

/** An SVG of `candidates` people: the exported, and those under each reason in `exclusions`. */
export function picture(candidates, exclusions) {
  const excluded = Object.entries(exclusions);
  const exported = candidates - excluded.reduce((sum, [, count]) => sum + count, 0);
  const bars = [["exported", exported, "exported"]];
  for (const [reason, count] of excluded) bars.push([REASONS[reason] ?? reason, count, "excluded"]);
  const told = bars.map(([name, count]) => `${name}: ${count.toLocaleString("en")}`).join("; ");
  const longest = Math.max(...bars.map(([, count]) => count.toLocaleString("en").length));
  const counted = NAMES + GAP + DIGIT * longest, left = counted + GAP; // counts before bars: in sight where it is narrow
  const drawn = element("svg", {
    viewBox: `0 0 ${left + WIDTH} ${ROW * bars.length}`,
    role: "img", width: "100%", "aria-label": `Of ${candidates.toLocaleString("en")} candidates: ${told}`,
  });
  bars.forEach(([name, count, kind], row) => {
    const length = candidates ? (WIDTH * count) / candidates : 0;
    const y = row * ROW;
    drawn.append(
      element("text", { x: NAMES, y: y + 17, "text-anchor": "end" }, name),
      element("text", { x: counted, y: y + 17, "text-anchor": "end" }, count.toLocaleString("en")),
      element("rect", { x: left, y: y + 4, width: Math.max(length, count ? 1 : 0), height: ROW - 8, class: kind }),
    );
  });
  return wide("Exported and excluded", drawn);
}

function element(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}
