// What every view needs: elements, words, and another try after a while.

export const $ = (id) => document.getElementById(id);
export const say = (text) => { $("message").textContent = text; };
export const when = (ms) => (ms ? new Date(ms).toISOString().replace("T", " ").slice(0, 19) + " UTC" : "");
export const shown = (count) => (count === undefined ? "" : count.toLocaleString("en"));

const AGAIN = "Trying again …";

/** An element with a class, text or children. Text is never read as HTML. */
export function make(tag, { text, children = [], ...attributes } = {}) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  made.append(...children);
  return made;
}

/** Something wide that scrolls by itself, by keyboard too, so that the page does not. */
export const wide = (label, child) => make("div", { class: "wide", role: "region", tabindex: "0", "aria-label": label, children: [child] });

/** Replace what `place` holds by `children`; the focus goes to what has the same words, else to `otherwise`. */
export function refill(place, children, otherwise) {
  const focused = place.contains(document.activeElement) ? document.activeElement.textContent : null;
  place.replaceChildren(...children);
  if (focused === null) return;
  const same = [...place.querySelectorAll("button, summary, [tabindex]")].find((each) => each.textContent === focused);
  (same ?? otherwise).focus();
}

/**
 * Call `work` each second until it gives true or `signal` aborts. What fails for now is told and
 * tried again, ever more slowly.
 */
export async function untilDone(work, signal) {
  let pause = 1;
  while (!signal.aborted) {
    try {
      const done = await work();
      if ($("message").textContent.endsWith(AGAIN)) say("The service answers again.");
      if (done) return;
      pause = 1;
    } catch (error) {
      if (signal.aborted || !error.passes) throw error;
      say(`${error.message} ${AGAIN}`);
      pause = Math.min(2 * pause, 30);
    }
    await new Promise((wake) => {
      const end = () => { clearTimeout(timer); signal.removeEventListener("abort", end); wake(); };
      const timer = setTimeout(end, 1000 * pause);
      signal.addEventListener("abort", end);
    });
  }
}
