// Tests what this browser can show, before anything is claimed.

import { h } from "./dom.ts";
import { MAX_TEXT } from "./media.ts";

/** Whether a file can be shown. `perhaps`: depends on its codec, which is known only after the opening. */
export type Capability = "yes" | "perhaps" | "no";

/** Types that every supported browser can show. */
const PHOTOS = /^image\/(jpeg|png|gif|webp)$/;
/** Codecs of the videos that phones, cameras and programs make. */
const MP4 = ["avc1.42E01E", "hvc1.1.6.L93.B0", "av01.0.04M.08", "vp09.00.10.08"];
const WEBM = ["vp8", "vp9", "av01.0.04M.08"];

/** Results by type: an album has many files of few types. */
const known = new Map<string, Promise<Capability>>();

/** Whether this browser can show a file of the sender's type. `size` in bytes. */
export async function capability(type: string, size: number): Promise<Capability> {
  if (type === "text/plain") return size <= MAX_TEXT ? "yes" : "no";
  if (!known.has(type)) known.set(type, tested(type));
  return known.get(type)!;
}

async function tested(type: string): Promise<Capability> {
  if (PHOTOS.test(type)) return "yes";
  if (type === "image/avif") return shows(type);
  if (/^image\/hei[cf]$/.test(type)) return shows("image/heic");
  // Browsers play a MOV like an MP4 with the same codecs.
  if (/^video\/(mp4|quicktime|x-m4v|3gpp)$/.test(type)) return plays("video/mp4", MP4);
  if (type === "video/webm") return plays("video/webm", WEBM);
  if (/^audio\/(mpeg|mp4|m4a|x-m4a|ogg|wav|x-wav|flac|x-flac)$/.test(type)) return canPlay(type) ? "yes" : "no";
  return "no";
}

/** Whether this browser can show pictures of that type: it then chooses the first of two sources. */
async function shows(type: string): Promise<Capability> {
  const image = h("img", {});
  h("picture", {}, h("source", { type, srcset: "data:,yes" }), image);
  image.src = "data:,no";
  await image.decode().catch(() => {});
  return image.currentSrc.endsWith("yes") ? "yes" : "no";
}

const tester = () => document.createElement("video");

function plays(container: string, codecs: readonly string[]): Capability {
  const element = tester();
  const some = codecs.filter((codec) => element.canPlayType(`${container}; codecs="${codec}"`) !== "");
  if (some.length === 0) return "no";
  return some.length === codecs.length ? "yes" : "perhaps";
}

function canPlay(type: string): boolean {
  const plain = type.replace("/x-", "/").replace("/m4a", "/mp4");
  return tester().canPlayType(plain) !== "";
}
