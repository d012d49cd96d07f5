// What every view needs: elements, words, and buttons that are busy.

export const $ = (id) => document.getElementById(id);
export const when = (ms) => (ms ? new Date(ms).toISOString().replace("T", " ").slice(0, 19) + " UTC" : "");
export const shown = (count) => (count === undefined ? "" : count.toLocaleString("en"));

const AGAIN = "Trying again …";
export const say = (text) => { $("message").textContent = text; };
export const sayAgain = (text) => say(`${text} ${AGAIN}`);
export const isTrying = () => $("message").textContent.endsWith(AGAIN);

/** An element with a class, text or children. Text is never read as HTML. */
export function make(tag, { text, children = [], ...attributes } = {}) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  made.append(...children);
  return made;
}

// A name's own letters for directions are shown as their numbers: one that is not closed in it would be closed in place of ours.
const unturned = (text = "") => text.replace(/[\u202a-\u202e\u2066-\u2069]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16)}`);

/** What somebody wrote, in its own direction: it does not turn round what stands beside it. */
export const written = (text) => make("bdi", { text: unturned(text) });

/** Likewise where no element can be. */
export const isolated = (text) => `\u2068${unturned(text)}\u2069`;

/** Something wide that scrolls by itself, by keyboard too, so that the page does not. */
export const wide = (label, child) => make("div", { class: "wide", role: "region", tabindex: "0", "aria-label": label, "data-key": label, children: [child] });

/** Do what a button is for, once at a time; `text` is said meanwhile. A disabled one would lose the focus. */
export async function pressed(button, text, work) {
  if (button.hasAttribute("aria-disabled")) return;
  button.setAttribute("aria-disabled", "true");
  say(text);
  try {
    await work();
  } finally {
    button.removeAttribute("aria-disabled");
  }
}
