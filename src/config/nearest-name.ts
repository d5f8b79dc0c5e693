/** @returns the index of the name with the smallest edit distance; the first of several */
export function nearestName(name: string, among: readonly string[]): number {
  const distances = among.map((other) => distance(name, other));
  return distances.indexOf(Math.min(...distances));
}

/** The Levenshtein distance. */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (const character of from) {
    const above = row;
    row = [above[0]! + 1];
    for (let column = 1; column <= to.length; column++) {
      const changed = above[column - 1]! + (character === to[column - 1] ? 0 : 1);
      row.push(Math.min(changed, above[column]! + 1, row[column - 1]! + 1));
    }
  }
  return row.at(-1)!;
}
