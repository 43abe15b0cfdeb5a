// The expression a pointer rests on: the dotted name up to the part under it, with indices. Whether
// it stands in a text or comment is for the caller to know.

/** `a.b[0].c` at the `b` is `a.b`. Null where there is none. */
export function expressionAt(line: string, column: number): { from: number; to: number; text: string } | null {
  const isWord = (at: number) => /[\p{L}\p{N}_]/u.test(line.charAt(at));
  if (!isWord(column) && !(column > 0 && isWord(column - 1))) return null;
  let to = column;
  while (isWord(to)) to++;
  let from = column;
  while (from > 0 && isWord(from - 1)) from--;
  if (/^\p{N}/u.test(line.slice(from, to))) return null;
  from = startOfChain(line, from);
  const text = line.slice(from, to);
  return KEYWORDS.has(text) ? null : { from, to, text };
}

/** Whether it is one name, without attributes and items. */
export function isName(text: string): boolean {
  return /^[\p{L}_][\p{L}\p{N}_]*$/u.test(text);
}

const KEYWORDS = new Set(
  `and as assert async await break case class continue def del elif else except finally for from global if import
   in is lambda match nonlocal not or pass raise return try while with yield True False None`.split(/\s+/),
);

/** Go left over `name.`, `name[…].` and `self.x[1].`. Calls are not followed: nothing may be run. */
function startOfChain(line: string, from: number): number {
  while (from > 0 && line.charAt(from - 1) === ".") {
    let at = from - 1;
    if (line.charAt(at - 1) === "]") {
      const open = line.lastIndexOf("[", at);
      if (open < 0) return from;
      at = open;
    }
    const end = at;
    while (at > 0 && /[\p{L}\p{N}_]/u.test(line.charAt(at - 1))) at--;
    if (at === end) return from;
    from = at;
  }
  return from;
}
