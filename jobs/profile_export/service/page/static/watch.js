// What is watched: called again and again, through faults, and not while nobody looks.

import { isTrying, say, sayAgain } from "./make.js";

/** Wait for an event of `target`, or for `signal` to abort; for `seconds` at most, where they are given. */
function wait(signal, { seconds, target, event }) {
  return new Promise((wake) => {
    const over = new AbortController();
    const end = () => { clearTimeout(timer); over.abort(); wake(); };
    const timer = seconds === undefined ? undefined : setTimeout(end, 1000 * seconds);
    signal.addEventListener("abort", end, { signal: over.signal });
    target?.addEventListener(event, end, { signal: over.signal });
  });
}

const failing = new Set(); // of what is watched: one that goes on does not speak for the others

/**
 * Call `work` each second until it gives true or `signal` aborts; not while the page is hidden. What
 * fails for now is told and tried again, ever more slowly.
 */
export async function untilDone(work, signal) {
  let pause = 1;
  try {
    while (!signal.aborted) {
      const error = await failure(work, signal);
      if (error === null) return;
      if (error?.passes) {
        sayAgain(error.message);
        failing.add(work);
        pause = Math.min(2 * pause, 30);
      } else {
        pause = 1;
      }
      await wait(signal, { seconds: pause });
      while (document.hidden && !signal.aborted) await wait(signal, { target: document, event: "visibilitychange" });
    }
  } finally {
    failing.delete(work);
  }
}

/** What went wrong for now, undefined if nothing did; null once the work is done. */
async function failure(work, signal) {
  try {
    const isDone = await work();
    if (failing.delete(work) && failing.size === 0 && isTrying()) say("The service answers again.");
    return isDone ? null : undefined;
  } catch (error) {
    if (signal.aborted || !error.passes) throw error;
    return error;
  }
}
