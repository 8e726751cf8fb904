// Memory that is used again: browsers take longer for fresh memory than for decrypting into it, and free it late.

/** Buffers of one size. */
export class Spare {
  readonly #buffers: ArrayBuffer[] = [];

  /** `size`: the most bytes of a buffer. */
  constructor(private readonly size: number) {}

  /** A buffer of that many bytes, with any content. */
  take(length: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#buffers.pop() ?? new ArrayBuffer(this.size), 0, length);
  }

  /** Keeps a buffer that nobody uses any more. Those of other sizes are ignored. */
  give({ buffer }: Uint8Array<ArrayBuffer>): void {
    if (buffer.byteLength === this.size) this.#buffers.push(buffer);
  }
}
