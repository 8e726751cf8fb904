// Changes to a file. The result is made of slices of the file and a few bytes, so that nothing is copied.

import { resting } from "../rest.ts";
import type { Bytes } from "./bytes.ts";

/** The replacement of `length` bytes at `at`: by bytes, or by as many as there were, all of them one byte. */
interface Edit {
  readonly at: number;
  length: number;
  by: Bytes | number;
}

/** The most changes that one file may need: they are kept in memory. One more is kept, and no others. */
export const MAX_EDITS = 1 << 20;

const GONE: Bytes = new Uint8Array(0);

/** Bytes of a block that fillings repeat, and of the shortest filling that takes its bytes from one. */
const BLOCK_LEN = 1 << 20;
const SHORT_LEN = 1 << 10;

/** Changes, of which no two touch the same byte. */
export class Edits {
  private edits: Edit[] = [];

  /** Takes `length` bytes away. */
  remove(at: number, length: number): void {
    this.replace(at, length, GONE);
  }

  /** Puts `bytes` in the place of `length` bytes. */
  replace(at: number, length: number, bytes: Bytes): void {
    this.push({ at, length, by: bytes });
  }

  /** Puts `bytes` in the place of what is removed at `at`. */
  put(at: number, bytes: Bytes): void {
    const edit = this.edits.find((edit) => edit.at === at);
    if (edit !== undefined) edit.by = bytes;
  }

  /** Makes `length` bytes all the same, so that nothing moves. */
  fill(at: number, length: number, byte: number): void {
    this.push({ at, length, by: byte });
  }

  private push(edit: Edit): void {
    if (edit.length > 0 && this.edits.length <= MAX_EDITS) this.edits.push(edit);
  }

  get areTooMany(): boolean {
    return this.edits.length > MAX_EDITS;
  }

  /** Puts them into their order. `false`: two of them contradict each other. */
  settle(): boolean {
    const settled: Edit[] = [];
    for (const edit of this.edits.sort((one, other) => one.at - other.at)) {
      const last = settled.at(-1);
      const end = last === undefined ? 0 : last.at + last.length;
      if (last === undefined || edit.at > end) {
        settled.push(edit);
      } else if (typeof edit.by === "number" && last.by === edit.by) {
        last.length = Math.max(last.length, edit.at + edit.length - last.at);
      } else if (edit.at === end) {
        settled.push(edit);
      } else {
        return false;
      }
    }
    this.edits = settled;
    return true;
  }

  /** How long a source of `length` bytes becomes. */
  lengthOf(length: number): number {
    return this.edits.reduce(
      (sum, { length, by }) => (typeof by === "number" ? sum : sum - length + by.length),
      length,
    );
  }

  /** `file` with the changes. They must be settled. A file with many of them takes a while. */
  async made(file: Blob, signal?: AbortSignal): Promise<Blob> {
    if (this.edits.length === 0) return file;
    const rest = resting();
    const parts: BlobPart[] = [];
    const blocks = new Map<number, Blob>();
    let from = 0;
    for (const { at, length, by } of this.edits) {
      await rest();
      signal?.throwIfAborted();
      if (at > from) parts.push(file.slice(from, at));
      from = at + length;
      if (typeof by !== "number") {
        if (by.length > 0) parts.push(by);
        continue;
      }
      if (length < SHORT_LEN) {
        parts.push(new Uint8Array(length).fill(by));
        continue;
      }
      const block = blocks.get(by) ?? new Blob([new Uint8Array(BLOCK_LEN).fill(by)]);
      blocks.set(by, block);
      for (let left = Math.floor(length / BLOCK_LEN); left > 0; left--) parts.push(block);
      parts.push(block.slice(0, length % BLOCK_LEN));
    }
    if (from < file.size) parts.push(file.slice(from));
    return new Blob(parts);
  }
}
