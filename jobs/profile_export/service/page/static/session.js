// Who is signed in: kept in this tab's session storage only. A session's calls end with it.

const KEY = "profile-export";
let ending = new AbortController();

export const session = {
  get: () => JSON.parse(sessionStorage.getItem(KEY) ?? "null"),
  /** Aborts when the session of now ends. */
  get signal() { return ending.signal; },
  begin: (who) => sessionStorage.setItem(KEY, JSON.stringify(who)),
  end: () => {
    sessionStorage.removeItem(KEY);
    ending.abort();
    ending = new AbortController();
  },
};
