// The page: who is signed in, and which view the address asks for.

import { api, session } from "./api.js";
import * as ask from "./ask.js";
import * as job from "./job.js";
import * as jobs from "./jobs.js";
import { $, say } from "./make.js";

const VIEWS = { jobs, job, new: ask };
let watching = new AbortController();
let last = null; // who was signed in when the token ran out

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
  for (const each of [$("tab-jobs"), $("tab-new")]) each.setAttribute("aria-pressed", String(each === tab));
  if (inside && !document.activeElement?.checkVisibility()) tab.focus();
  document.title = `${VIEWS[view].title(id)} – Profile Export`;
  trying(() => VIEWS[view].show({ id, signal, go, trying }), signal);
}

window.addEventListener("hashchange", route);
$("tab-jobs").addEventListener("click", () => go("#jobs"));
$("tab-new").addEventListener("click", () => go("#new"));
$("back").addEventListener("click", () => { $("tab-jobs").focus(); go("#jobs"); });
jobs.listen(route);
ask.listen({ trying, go });

// -- signing in

function signedIn() {
  const who = session.get();
  $("sign-in").hidden = who !== null;
  $("work").hidden = $("leave").hidden = who === null;
  $("who").textContent = who ? `${who.org} / ${who.sandbox}` : "";
  return who !== null;
}

/** Nothing of a sandbox is left behind; where its token has run out, the request that is being written is. */
function signOut(why = "Signed out.", { keepRequest = false } = {}) {
  watching.abort();
  last = keepRequest ? session.get() : null;
  session.clear();
  jobs.forget();
  job.forget();
  ask.forget({ request: !keepRequest });
  if (!keepRequest) history.replaceState(null, "", location.pathname);
  document.title = "Profile Export";
  signedIn();
  say(why);
  $("token").focus();
}

$("sign-in-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const [token, org, sandbox] = ["token", "org", "sandbox"].map((id) => $(id).value.trim());
  trying(async () => {
    await api.letsIn({ token, org, sandbox });
    session.set({ token, org, sandbox });
    if (last !== null && (last.org !== org || last.sandbox !== sandbox)) ask.forget();
    $("token").value = "";
    say("Signed in.");
    signedIn();
    $("tab-jobs").focus(); // at once: once the view is there, somebody may have gone elsewhere
    route();
  });
});
$("leave").addEventListener("click", () => signOut());

route();
