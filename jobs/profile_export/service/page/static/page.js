// The page: who is signed in, and which view the address asks for.

import * as ask from "./ask.js";
import * as job from "./job.js";
import * as jobs from "./jobs.js";
import { $, say, written } from "./make.js";
import * as segments from "./segments.js";
import { session } from "./session.js";
import * as signIn from "./sign_in.js";

const VIEWS = { jobs, job, new: ask };
let watching = new AbortController();
let place = null; // the view that is shown, as an address
let writer = null; // whose request is in the form: also while nobody is signed in

/** Do something for a person, who hears of what goes wrong; a token that is no good ends the session. */
async function trying(work, signal) {
  try {
    await work();
  } catch (error) {
    if (error.name === "AbortError" || signal?.aborted) return;
    if (error.ends) signOut(error.message, { keepRequest: true });
    else say(error.message);
  }
}

// -- views: the address says which, so that reloading, going back and links work

const go = (hash) => { if (location.hash === hash) route(); else location.hash = hash; };

function route() {
  if (!signedIn()) return;
  const [name, id] = location.hash.slice(1).split("=");
  const view = Object.hasOwn(VIEWS, name) && (name !== "job" || /^\d+$/.test(id)) ? name : "jobs";
  watching.abort();
  watching = new AbortController();
  const { signal } = watching;
  const tab = $(view === "new" ? "tab-new" : "tab-jobs");
  const inside = $("main").contains(document.activeElement);
  for (const each of Object.keys(VIEWS)) $(`view-${each}`).hidden = each !== view;
  for (const each of [$("tab-jobs"), $("tab-new")]) each.removeAttribute("aria-current");
  tab.setAttribute("aria-current", view === "job" ? "true" : "page");
  if (inside && !document.activeElement?.checkVisibility()) tab.focus();
  if (place !== null && place !== `${view} ${id}`) say(""); // it was of the view before
  place = `${view} ${id}`;
  document.title = `${VIEWS[view].title(id)} – Profile Export`;
  trying(() => VIEWS[view].show({ id, signal, trying }), signal);
}

window.addEventListener("hashchange", route);
$("skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address is the view's
  $("main").focus();
});
$("tab-jobs").addEventListener("click", () => go("#jobs"));
$("tab-new").addEventListener("click", () => go("#new"));
$("back").addEventListener("click", () => { $("tab-jobs").focus(); go("#jobs"); });
jobs.listen({ trying, again: route });
ask.listen({ trying, go });

// -- who is signed in

function signedIn() {
  const who = session.get();
  $("sign-in").hidden = who !== null;
  $("work").hidden = $("leave").hidden = who === null;
  $("who").replaceChildren(...(who ? [written(who.org), " / ", written(who.sandbox)] : []));
  if (who !== null) writer = who;
  return who !== null;
}

/** Nothing of a sandbox is left behind; where its token has run out, the request that is being written is. */
function signOut(why = "Signed out.", { keepRequest = false } = {}) {
  watching.abort();
  session.end();
  place = null;
  for (const each of [jobs, job, segments]) each.forget();
  ask.forget({ keepRequest });
  if (!keepRequest) history.replaceState(null, "", location.pathname);
  document.title = "Profile Export";
  signedIn();
  say(why);
  $("token").focus();
}

signIn.listen((who) => {
  if (writer !== null && (writer.org !== who.org || writer.sandbox !== who.sandbox)) ask.forget();
  session.begin(who);
  signedIn();
  say("Signed in.");
  $("tab-jobs").focus(); // at once: once the view is there, somebody may have gone elsewhere
  route();
});
$("leave").addEventListener("click", () => signOut());

route();
