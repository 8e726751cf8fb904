// The script of the workers that decrypt (crew.ts): one of the page's other files. It gets chunks and their key, and
// sends nothing to anyone but the page.

import { type Chunks, decryptChunks } from "./chunks.ts";

/** Answers with the plaintext, or `null` if that failed: the page then tries itself, and finds the reason. */
addEventListener("message", ({ data }: MessageEvent<Chunks>) => {
  void decryptChunks(data).then(
    (plain) => postMessage(plain, { transfer: [plain.buffer] }),
    () => postMessage(null),
  );
});
