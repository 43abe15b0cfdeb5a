// Which of many texts someone means who typed a few of its letters.

/** How well: higher is better; null: not at all. Letters must come in order; beginnings of words and
 *  letters next to each other count more. */
export function fuzzyScore(wanted: string, text: string): number | null {
  const small = text.toLowerCase();
  let score = 0;
  let at = 0;
  let last = -2;
  for (const letter of wanted.toLowerCase()) {
    if (letter === " ") continue;
    const found = small.indexOf(letter, at);
    if (found < 0) return null;
    const isStart = found === 0 || /[\s/._-]/.test(small.charAt(found - 1));
    score += found === last + 1 ? 5 : isStart ? 4 : 1;
    last = found;
    at = found + 1;
  }
  return score - text.length / 1000;
}

/** The best of them, best first. */
export function fuzzyFind<T>(wanted: string, items: readonly T[], textOf: (item: T) => string, most: number): T[] {
  if (wanted.trim() === "") return items.slice(0, most);
  return items
    .map((item) => ({ item, score: fuzzyScore(wanted, textOf(item)) }))
    .filter((scored): scored is { item: T; score: number } => scored.score !== null)
    .sort((a, b) => b.score - a.score)
    .slice(0, most)
    .map((scored) => scored.item);
}
