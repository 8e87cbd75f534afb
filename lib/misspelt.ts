/** The name that a misspelt one stands for, if one is close enough: it differs in case, or by a letter in four, two at most. */
export function closest(name: string, names: readonly string[]): string | undefined {
  const letters = name.toLowerCase();
  const [nearest] = names
    .map((each) => ({ each, distance: editDistance(letters, each.toLowerCase()) }))
    .filter(({ distance, each }) => distance <= Math.min(2, each.length / 4))
    .sort((a, b) => a.distance - b.distance);
  return nearest?.each;
}

/** How many letters have to be inserted, deleted or replaced (Levenshtein). */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let line = 0; line < from.length; line++) {
    const next = [line + 1];
    for (let column = 0; column < to.length; column++) {
      const replaced = (row[column] ?? 0) + (from[line] === to[column] ? 0 : 1);
      next.push(Math.min(replaced, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
