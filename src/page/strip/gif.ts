// GIF (version 89a): blocks, and pictures in pieces of at most 255 bytes.

import { latin1 } from "./bytes.ts";
import { Damaged, type Scan } from "./scan.ts";

const PICTURE = 0x2c;
const EXTENSION = 0x21;
const END = 0x3b;

/** Labels of extensions. */
const COMMENT = 0xfe;
const CONTROL = 0xf9;
const APPLICATION = 0xff;

/** Keeps pictures, how they move, and their color profile; comments and what applications have added go. */
export async function scanGif(scan: Scan): Promise<void> {
  let at = 13 + table((await scan.exactly(0, 13))[10]!);
  let isPictured = false;
  for (;;) {
    const [block, label] = await scan.peek(at, 2);
    // Cut off in its picture: there is nothing behind that.
    if (block === undefined && isPictured) return;
    if (block === END) {
      if (latin1(await scan.peek(at + 1, 4)) === "GIF8") throw new Damaged("another picture follows the first one");
      return scan.cut(at + 1);
    }
    if (label === undefined) throw new Damaged("the file is incomplete");
    let end;
    if (block === PICTURE) {
      const flags = (await scan.exactly(at, 10))[9]!;
      isPictured = true;
      // A byte between the colors and the pieces has the size of their codes.
      end = await pieces(scan, at + 10 + table(flags) + 1);
    } else if (block === EXTENSION) {
      end = await pieces(scan, at + 2);
      if (label === COMMENT) {
        scan.removed.field("comment");
        scan.edits.remove(at, end - at);
      } else if (!(await isNeeded(scan, label, at))) {
        await scan.dropPiece(at, end - at, at + 2);
      }
    } else {
      throw new Damaged("a block has an unknown type");
    }
    at = end;
  }
}

/** Bytes of a table of colors. */
function table(flags: number): number {
  return flags & 0x80 ? 3 << ((flags & 7) + 1) : 0;
}

/** The end of the pieces that begin at `at`. */
async function pieces(scan: Scan, at: number): Promise<number> {
  for (;;) {
    const window = await scan.window(at);
    if (window.length === 0) throw new Damaged("the file is incomplete");
    let index = 0;
    while (index < window.length) {
      const length = window[index]!;
      index += 1 + length;
      if (length === 0) return at + index;
    }
    at += index;
  }
}

async function isNeeded(scan: Scan, label: number, at: number): Promise<boolean> {
  // How a picture is shown. (Text that is part of it, 0x01, no decoder has ever drawn.)
  if (label === CONTROL) return true;
  if (label !== APPLICATION) return false;
  return ["NETSCAPE2.0", "ANIMEXTS1.0", "ICCRGBG1012"].includes(latin1(await scan.exactly(at + 3, 11)));
}
