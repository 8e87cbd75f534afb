/**
 * The name that a misspelt name is meant to be. It may differ in case, and by one letter in four, but at most by two.
 */
export function closest(name: string, names: readonly string[]): string | undefined {
  const letters = name.toLowerCase();
  const [nearest] = names
    .map((each) => ({ each, distance: editDistance(letters, each.toLowerCase()) }))
    .filter(({ distance, each }) => distance <= Math.min(2, each.length / 4))
    .sort((a, b) => a.distance - b.distance);
  return nearest?.each;
}

/** The number of letters to insert, delete or replace (Levenshtein distance). */
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
