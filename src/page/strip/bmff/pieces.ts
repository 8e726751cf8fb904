// Pieces of a file.

/** An offset and a length, in bytes. */
export type Piece = readonly [at: number, length: number];

/** In their order, and none over another. */
export function sideBySide(pieces: readonly Piece[]): Piece[] {
  const merged: [at: number, length: number][] = [];
  for (const [at, length] of [...pieces].sort(([one], [other]) => one - other)) {
    const last = merged.at(-1);
    if (last !== undefined && at <= last[0] + last[1]) last[1] = Math.max(last[1], at + length - last[0]);
    else merged.push([at, length]);
  }
  return merged;
}

/** The number of the first of `pieces`, which are side by side, that ends behind `at`. */
export function firstBehind(pieces: readonly Piece[], at: number): number {
  let [low, high] = [0, pieces.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const [start, length] = pieces[middle]!;
    if (start + length <= at) low = middle + 1;
    else high = middle;
  }
  return low;
}
