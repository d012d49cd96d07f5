// What is shown is made like what was made anew, in place: what is the same is not touched, so that a
// press goes on, and focus, selection and scrolling stay.

const READERS = ["open", "aria-disabled"]; // set by who reads, not by what is shown

/** Nodes by their key: `data-key`, else the how manieth of their kind they are. */
function byKey(nodes) {
  const counts = {};
  return new Map([...nodes].map((node) => {
    const nth = counts[node.nodeName] = (counts[node.nodeName] ?? 0) + 1;
    return [node.dataset?.key ?? `${node.nodeName} ${nth}`, node];
  }));
}

/** Make what `place` holds like `children`. A focus that was on what is gone goes to `otherwise`. */
export function update(place, children, otherwise) {
  const hadFocus = place.contains(document.activeElement);
  replace(place, children);
  if (hadFocus && !place.contains(document.activeElement)) otherwise.focus({ preventScroll: true });
}

function replace(place, children) {
  const old = byKey(place.childNodes), made = byKey(children);
  for (const [key, node] of old) if (!made.has(key)) node.remove();
  let at = place.firstChild;
  for (const [key, node] of made) {
    const same = old.get(key);
    if (same === undefined) {
      place.insertBefore(node, at);
    } else {
      if (same === at) at = at.nextSibling;
      else place.insertBefore(same, at);
      patch(same, node);
    }
  }
}

function patch(old, made) {
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== made.data) old.data = made.data;
    return;
  }
  for (const { name } of [...old.attributes]) {
    if (!made.hasAttribute(name) && !READERS.includes(name)) old.removeAttribute(name);
  }
  for (const { name, value } of made.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  replace(old, [...made.childNodes]);
}
