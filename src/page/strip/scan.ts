// Looks through a file in slices, so that memory stays constant whatever its size, and notes what goes.

import { type Bytes, areAll, latin1, u16, u32 } from "./bytes.ts";
import { Edits } from "./edits.ts";
import { Findings } from "./removed.ts";

/** The longest piece of metadata that is looked into, in bytes, before it goes. */
export const LOOKED_INTO = 1 << 20;

/** Bytes of a slice: few while the scan jumps from box to box, and more with each slice that follows another. */
const LEAST = 16 * 1024;
const MOST = 256 * 1024;

const NOTHING: Bytes = new Uint8Array(0);

/** The container is one that is known, and this one is not built as it should be. The message is the reason. */
export class Damaged extends Error {}

/** A file that is looked through, and what was found. All offsets and lengths are in bytes. */
export class Scan {
  readonly edits = new Edits();
  readonly removed = new Findings();
  readonly length: number;
  /** The slice that was read last, and its offset. It is replaced, never overwritten: parts of it stay valid. */
  private slice = NOTHING;
  private start = 0;
  private ahead = LEAST;

  constructor(
    private readonly file: Blob,
    private readonly signal: AbortSignal | undefined,
  ) {
    this.length = file.size;
  }

  /** Up to `length` bytes from `at` on: fewer only where the file ends. */
  peek(at: number, length: number): Bytes | Promise<Bytes> {
    const end = Math.min(at + length, this.length);
    if (at >= end) return NOTHING;
    if (at >= this.start && end <= this.start + this.slice.length)
      return this.slice.subarray(at - this.start, end - this.start);
    return this.read(at, end - at);
  }

  /** Some bytes from `at` on; none: the file ends. */
  window(at: number): Bytes | Promise<Bytes> {
    const inside = at - this.start;
    if (inside >= 0 && inside < this.slice.length) return this.slice.subarray(inside);
    return at >= this.length ? NOTHING : this.read(at, 1).then(() => this.slice);
  }

  private async read(at: number, length: number): Promise<Bytes> {
    this.signal?.throwIfAborted();
    const isNear = at >= this.start && at <= this.start + this.slice.length + this.ahead;
    this.ahead = isNear ? Math.min(this.ahead * 2, MOST) : LEAST;
    const end = Math.min(at + Math.max(length, this.ahead), this.length);
    const slice = new Uint8Array(await this.file.slice(at, end).arrayBuffer());
    this.signal?.throwIfAborted();
    if (slice.length !== end - at) throw new DOMException("the file became shorter", "NotReadableError");
    this.slice = slice;
    this.start = at;
    return slice.subarray(0, length);
  }

  /** Exactly `length` bytes from `at` on. */
  async exactly(at: number, length: number): Promise<Bytes> {
    const bytes = await this.peek(at, length);
    if (bytes.length < length) throw new Damaged("the file is incomplete");
    return bytes;
  }

  async u8(at: number): Promise<number> {
    return (await this.exactly(at, 1))[0]!;
  }

  async u16(at: number): Promise<number> {
    return u16(await this.exactly(at, 2), 0);
  }

  async u32(at: number): Promise<number> {
    return u32(await this.exactly(at, 4), 0);
  }

  async u64(at: number): Promise<bigint> {
    const bytes = await this.exactly(at, 8);
    return (BigInt(u32(bytes, 0)) << 32n) | BigInt(u32(bytes, 4));
  }

  /** Four letters, such as the name of a box. */
  async name(at: number): Promise<string> {
    return latin1(await this.exactly(at, 4));
  }

  /** Removes everything from `at` on: it is behind the picture's end. Zeros there are padding, and not reported. */
  async cut(at: number): Promise<void> {
    if (at >= this.length) return;
    const isPadding = areAll(await this.peek(at, LOOKED_INTO), 0);
    if (!isPadding || this.length - at > LOOKED_INTO) this.removed.hidden = true;
    this.edits.remove(at, this.length - at);
  }

  /** Removes a piece of `length` bytes. Its metadata, from the offset `content` in the file on, is reported. */
  async dropPiece(at: number, length: number, content: number): Promise<void> {
    this.removed.piece(await this.peek(content, Math.min(Math.max(at + length - content, 0), LOOKED_INTO)));
    this.edits.remove(at, length);
  }
}
