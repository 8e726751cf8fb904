// Tests what this browser can show, before anything is claimed.

import { MAX_TEXT } from "./media.ts";

/** Whether a file can be shown. `perhaps`: depends on its codec, which is known only after the opening. */
export type Capability = "yes" | "perhaps" | "no";

/** A gray square of 8 by 8 pixels. */
const AVIF =
  "AAAAIGZ0eXBhdmlmAAAAAGF2aWZtaWYxbWlhZk1BMUIAAAD5bWV0YQAAAAAAAAAvaGRscgAAAAAAAAAAcGljdAAAAAAAAAAAAAAAAFBpY3R1cmVI" +
  "YW5kbGVyAAAAAA5waXRtAAAAAAABAAAAHmlsb2MAAAAARAAAAQABAAAAAQAAASEAAAATAAAAKGlpbmYAAAAAAAEAAAAaaW5mZQIAAAAAAQAAYXYw" +
  "MUNvbG9yAAAAAGppcHJwAAAAS2lwY28AAAAUaXNwZQAAAAAAAAAIAAAACAAAABBwaXhpAAAAAAMICAgAAAAMYXYxQ4EADAAAAAATY29scm5jbHgA" +
  "AgACAAIAAAAAF2lwbWEAAAAAAAAAAQABBAECgwQAAAAbbWRhdAoFGAi/bAIyCh8AAABYAABABMA=";

/** A gray square of 64 by 64 pixels. */
const HEIC =
  "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAUJtZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAAA5waXRtAAAA" +
  "AAABAAAAImlsb2MAAAAAREAAAQABAAAAAAFmAAEAAAAAAAAADgAAACNpaW5mAAAAAAABAAAAFWluZmUCAAAAAAEAAGh2YzEAAAAAwmlwcnAAAACk" +
  "aXBjbwAAAHhodmNDAQNwAAAAAAAAAAAAHvAA/P34+AAADwMgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQCEAAQArQgEBA3AAAAMAkAAAAwAA" +
  "AwAeoCCBBZbqSSmubgQEDAgAAAMACAAAAwAIQCIAAQAHRAHBcrAiQAAAABRpc3BlAAAAAAAAAEAAAABAAAAAEHBpeGkAAAAAAwgICAAAABZpcG1h" +
  "AAAAAAAAAAEAAQOBAoMAAAAWbWRhdAAAAAooAa8EGPxK15vA";

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
  if (type === "image/avif") return decodes("image/avif", AVIF);
  if (/^image\/hei[cf]$/.test(type)) return decodes("image/heic", HEIC);
  // Browsers play a MOV like an MP4 with the same codecs.
  if (/^video\/(mp4|quicktime|x-m4v|3gpp)$/.test(type)) return plays("video/mp4", MP4);
  if (type === "video/webm") return plays("video/webm", WEBM);
  if (/^audio\/(mpeg|mp4|m4a|x-m4a|ogg|wav|x-wav|flac|x-flac)$/.test(type)) return canPlay(type) ? "yes" : "no";
  return "no";
}

/** Whether this browser decodes a small picture of that type. */
async function decodes(type: string, picture: string): Promise<Capability> {
  const image = new Image();
  image.src = `data:${type};base64,${picture}`;
  try {
    await image.decode();
    return image.naturalWidth > 0 ? "yes" : "no";
  } catch {
    return "no";
  }
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
