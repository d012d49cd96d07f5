// Calls of the API: for whom, how long an answer is waited for, and what it means when none comes.

import { session } from "./session.js";

const BASE = new URL("../../", import.meta.url); // the page may lie below a path, and so does the API then
const PATIENCE = 30_000;

/** A call that was refused; `problems` has every one with its pointer. */
class Refused extends Error {
  constructor(status, answer, method) {
    super(answer?.detail ?? answer?.message ?? `The service answered ${status}.`);
    this.status = status;
    this.problems = answer?.errors ?? [];
    this.passes = status >= 500; // the same call may succeed later
    this.ends = status === 401 || (status === 403 && method === "GET"); // not even reading: sign in again
  }
}

/** Nobody answers, for now. */
class Away extends Error {
  passes = true;
  constructor() { super("The service does not answer."); }
}

/** What somebody typed that no header can carry; `field` is which. */
class Unsendable extends Error {
  constructor(field, text) { super(text); this.field = field; }
}

function headers(who) {
  if (!/^[\x21-\x7e]*$/.test(who.token)) throw new Unsendable("token", "This is no access token.");
  for (const field of ["org", "sandbox"]) {
    const name = who[field];
    if (!/^[\x20-\x7e]*$/.test(name)) throw new Unsendable(field, `“${name}” cannot be sent in a header: letters beyond ASCII.`);
  }
  return {
    Authorization: `Bearer ${who.token}`,
    "x-api-key": "profile-export-page",
    "x-gw-ims-org-id": who.org,
    "x-sandbox-name": who.sandbox,
  };
}

/** A signal that aborts with the session, with `signal`, or when `patience` is over. */
function limited(patience, signal) {
  const late = new AbortController();
  const signals = [late.signal, session.signal, ...(signal ? [signal] : [])];
  const timer = setTimeout(() => late.abort(), patience);
  return {
    signal: AbortSignal.any(signals),
    isOver: () => late.signal.aborted,
    end: () => clearTimeout(timer),
  };
}

/** What `work` gives. Connections that break, at any byte, and pages of a proxy are nobody's answer. */
async function reaching(limit, work) {
  try {
    const given = await work();
    limit.signal.throwIfAborted(); // what comes too late is of another session, or view
    return given;
  } catch (error) {
    const isAway = limit.isOver() || error instanceof TypeError || error instanceof SyntaxError;
    throw isAway ? new Away() : error;
  }
}

async function opened(limit, path, { method = "GET", body, more = {}, who = session.get() ?? {} }) {
  const typed = body === undefined ? {} : { "Content-Type": "application/json" };
  const sent = { ...headers(who), ...typed, ...more };
  const answer = await reaching(limit, () => fetch(new URL(path, BASE), { method, body, headers: sent, signal: limit.signal }));
  if (answer.ok) return answer;
  const told = await reaching(limit, () => answer.json().catch(() => null)); // of a proxy it may be no JSON
  throw new Refused(answer.status, told, method);
}

async function call(path, asked, read) {
  const limit = limited(asked.patience ?? PATIENCE, asked.signal);
  try {
    const answer = await opened(limit, path, asked);
    return await reaching(limit, () => read(answer));
  } finally {
    limit.end();
  }
}

export const json = (path, asked = {}) => call(path, asked, (answer) => answer.json());
export const done = (path, asked = {}) => call(path, asked, (answer) => answer.text());
