// Boxes and their content.

import { bytesOf, latin1, u32 } from "../bytes.ts";
import { Damaged, LOOKED_INTO, type Scan } from "../scan.ts";

/** The most boxes side by side. */
export const MAX_BOXES = 1 << 20;

/** Something where a box should be. */
export const NO_BOX = "a box of the file is malformed";

/** Longest length of 64 bits. */
const MAX_U64 = 2n ** 64n - 1n;

/** A box: its name, where it begins, where its content does, and where it ends. */
export interface Box {
  readonly kind: string;
  readonly at: number;
  readonly content: number;
  readonly end: number;
}

/** The box at `at`, which lies in something that ends at `end`. `null`: there is none any more. */
export async function boxAt(scan: Scan, at: number, end: number): Promise<Box | null> {
  if (at + 8 > end) return null;
  const head = await scan.exactly(at, 8);
  const kind = latin1(head.subarray(4));
  const stated = u32(head, 0);
  if (stated !== 1) {
    // Nought: to the end of the file.
    const length = stated === 0 ? end - at : stated;
    if (length < 8) throw new Damaged(NO_BOX);
    return { kind, at, content: at + 8, end: at + length };
  }
  const last = BigInt(at) + (await scan.u64(at + 8));
  if (last > MAX_U64 || last < BigInt(at + 16)) throw new Damaged(NO_BOX);
  // No file is longer than the largest of these numbers.
  return { kind, at, content: at + 16, end: Math.min(Number(last), Number.MAX_SAFE_INTEGER) };
}

/** The boxes in `within`, of which `skip` bytes are something else. */
export async function children(scan: Scan, within: Box, skip: number): Promise<Box[]> {
  const found: Box[] = [];
  let next = await boxAt(scan, within.content + skip, within.end);
  while (next !== null) {
    if (next.end > within.end || found.length >= MAX_BOXES) throw new Damaged(NO_BOX);
    found.push(next);
    next = await boxAt(scan, next.end, within.end);
  }
  return found;
}

/** Only the child of a kind. */
export async function child(scan: Scan, within: Box, kind: string): Promise<Box | undefined> {
  return (await children(scan, within, 0)).find((child) => child.kind === kind);
}

/** Makes a box one that nobody reads, with nothing in it. */
export async function free(scan: Scan, gone: Box): Promise<void> {
  if (!["free", "skip", "wide"].includes(gone.kind)) {
    const content = await scan.peek(gone.content, Math.min(gone.end - gone.content, LOOKED_INTO));
    if (gone.kind === "mpvd") scan.removed.hidden = true;
    const facts = await count(scan, gone);
    if (facts === 1) {
      scan.removed.piece(content);
    } else {
      scan.removed.read(latin1(content));
      scan.removed.field(null, facts);
    }
    scan.edits.replace(gone.at + 4, 4, bytesOf("free"));
  }
  scan.edits.fill(gone.content, Math.min(gone.end, scan.length) - gone.content, 0);
}

/** The number of facts in a box of metadata: its boxes, or itself. */
async function count(scan: Scan, gone: Box): Promise<number> {
  // `meta` has four bytes before its boxes, but not in QuickTime files; its list of values is one of the boxes.
  for (const skip of [0, 4]) {
    const inner = await ifBoxes(children(scan, gone, skip));
    if (inner === null) continue;
    const list = inner.find(({ kind }) => kind === "ilst");
    if (list !== undefined) return (await ifBoxes(children(scan, list, 0)))?.length ?? 1;
    if (inner.length > 0 && gone.kind === "udta") return inner.length;
  }
  return 1;
}

/** `null`: there is something else where boxes should be. */
export async function ifBoxes<T>(found: Promise<T>): Promise<T | null> {
  try {
    return await found;
  } catch (error) {
    if (error instanceof Damaged) return null;
    throw error;
  }
}
