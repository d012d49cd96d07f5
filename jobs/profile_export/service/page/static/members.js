// JSON as somebody typed it: where its members stand in the text, so that one is changed and all else stays.

const TOKENS = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/** From where to where the values of an object's members stand, by name. The object begins at `from`. */
export function members(text, from) {
  const found = new Map();
  let depth = 0, name, start, end;
  for (const { 0: token, index } of text.slice(from).matchAll(TOKENS)) {
    const at = from + index;
    if (depth === 1 && ",}".includes(token)) {
      if (name !== undefined) found.set(name, [start, end]); // of a name given twice the last is meant
      name = start = undefined;
    } else if (depth === 1 && name === undefined) {
      name = JSON.parse(token);
    } else if (depth === 1 && start === undefined && token !== ":") {
      start = at;
    }
    if ("{[".includes(token)) depth += 1;
    if ("}]".includes(token)) depth -= 1;
    if (depth === 0) break;
    end = at + token.length;
  }
  return found;
}

/** Where a member more of the object at `from` is written, and how, like those that are there. */
export function added(text, from, member) {
  const [, gap, next] = /^\{(\s*)(.)/s.exec(text.slice(from));
  return [from + 1, from + 1, next === "}" ? member : `${gap}${member},`];
}
