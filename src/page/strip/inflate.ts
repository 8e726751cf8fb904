// Decompression of zlib's format (RFC 1950), by the browser.

import { type Bytes, joined, u32 } from "./bytes.ts";

/** Bytes that are decompressed at a time: they become a thousand times as many at most. */
const AT_ONCE = 4096;

/**
 * `packed`, decompressed; `null`: it is damaged, becomes longer than `limit` bytes, or other bytes follow it, which
 * some engines ignore.
 */
export async function inflated(packed: Bytes, limit: number): Promise<Bytes | null> {
  let at = 0;
  const source = new ReadableStream<Bytes>(
    {
      pull(controller) {
        if (at >= packed.length) return controller.close();
        controller.enqueue(packed.slice(at, at + AT_ONCE));
        at += AT_ONCE;
      },
    },
    { highWaterMark: 0 },
  );
  const reader = source.pipeThrough(new DecompressionStream("deflate")).getReader();
  const parts: Uint8Array[] = [];
  try {
    for (let length = 0; length <= limit; ) {
      const { done, value } = await reader.read();
      if (done) {
        const bytes = joined(...parts);
        return packed.length >= 4 && u32(packed, packed.length - 4) === adler32(bytes) ? bytes : null;
      }
      parts.push(value);
      length += value.length;
    }
    return null;
  } catch {
    return null;
  } finally {
    void reader.cancel().catch(() => {});
  }
}

/** The checksum that stands at the end. */
function adler32(bytes: Uint8Array): number {
  let [one, other] = [1, 0];
  for (const byte of bytes) {
    one = (one + byte) % 65521;
    other = (other + one) % 65521;
  }
  return ((other << 16) | one) >>> 0;
}
