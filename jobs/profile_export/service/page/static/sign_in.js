// Signing in: who may read a sandbox, and which field is wrong where somebody may not.

import { api } from "./api.js";
import { $, pressed, say } from "./make.js";

const FIELDS = ["token", "org", "sandbox"];
const AT_FAULT = { 401: ["token"], 403: ["org", "sandbox"] };

/** Tie what the page says to the fields that it is about, and go to the first. */
function mark(fields) {
  for (const id of FIELDS) {
    for (const name of ["aria-invalid", "aria-describedby"]) $(id).removeAttribute(name);
  }
  for (const id of fields) {
    $(id).setAttribute("aria-invalid", "true");
    $(id).setAttribute("aria-describedby", "message");
  }
  if (fields.length) $(fields[0]).focus();
}

async function letIn(entered) {
  const who = Object.fromEntries(FIELDS.map((id) => [id, $(id).value.trim()]));
  mark([]);
  try {
    await api.letsIn(who);
  } catch (error) {
    say(error.message);
    return mark(error.field ? [error.field] : AT_FAULT[error.status] ?? []);
  }
  $("token").value = "";
  entered(who);
}

/** Call `entered` with who signs in. */
export function listen(entered) {
  $("sign-in-form").addEventListener("submit", (event) => {
    event.preventDefault();
    pressed($("enter"), "Signing in …", () => letIn(entered));
  });
}
