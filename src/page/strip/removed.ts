// The metadata that is found in a file and removed.

import { latin1 } from "./bytes.ts";

/** The names of fields, as the program prints them. */
export const FIELDS = [
  "application data", "author", "bytes between segments", "camera settings", "comment", "computer", "copyright",
  "description", "EXIF version", "image ID", "IPTC data", "keywords", "maker note", "owner", "picture format", "rating",
  "resolution", "software", "title", "XMP data",
] as const;

export type Field = (typeof FIELDS)[number];

/** The metadata that was found and is removed: the kinds that people ask about by name, and the rest as a count. */
export interface Removed {
  /** GPS coordinates or the name of a location. */
  readonly location: boolean;
  /** Maker, model, serial number or lens of the camera. */
  readonly camera: boolean;
  /** Date or time of recording, digitizing or editing. */
  readonly time: boolean;
  /** A small copy of the picture, which may show an earlier state of it. */
  readonly thumbnail: boolean;
  /** Data behind the end of the picture, such as the video of a motion photo or a second picture. */
  readonly hidden: boolean;
  /** A track of data beside picture and sound: GPS coordinates, sensors, times of day. */
  readonly track: boolean;
  /** The number of all other fields: exposure, software, owners, comments. */
  readonly fields: number;
  /** The name of the only other field. `null`: there are none or several, or it has no name that is known here. */
  readonly onlyField: Field | null;
}

/** The findings in several files together. */
export function together(all: readonly Removed[]): Removed {
  const some = (has: (removed: Removed) => boolean) => all.some(has);
  const fields = all.reduce((sum, removed) => sum + removed.fields, 0);
  return {
    location: some(({ location }) => location),
    camera: some(({ camera }) => camera),
    time: some(({ time }) => time),
    thumbnail: some(({ thumbnail }) => thumbnail),
    hidden: some(({ hidden }) => hidden),
    track: some(({ track }) => track),
    fields,
    onlyField: fields === 1 ? (all.find((removed) => removed.fields === 1)?.onlyField ?? null) : null,
  };
}

/** Words in metadata of the kinds that are reported by name. */
const LOCATION = ["GPSL", "GPSPos", "ISO6709", "\xa9xyz", "loci\0\0\0\0"];
const CAMERA = ["tiff:Model", "tiff:Make", "\xa9mod", "\xa9mak", ".model", ".make", "aux:Lens"];
const TIME = [
  "CreateDate", "ModifyDate", "DateTimeOriginal", ":DateCreated", "creationdate", "Creation Time", "\xa9day",
];
const THUMBNAIL = ["xmpGImg", "covr"];

/** Bytes at the beginning of a piece of metadata in which its name stands. */
const NAMED_WITHIN = 128;
/** The name of XMP (ISO 16684-1). */
const XMP = "XMP data";
const NAMES: readonly (readonly [words: readonly string[], name: Field])[] = [
  [["http://ns.adobe.com/xap/", "<x:xmpmeta", "XML:com.adobe.xmp", "XMP DataXMP"], XMP],
  [["Photoshop 3.0"], "IPTC data"],
  [["opyright", "cprt"], "copyright"],
  [["omment", "\xa9cmt"], "comment"],
  [["oftware", "ncoder", "\xa9too", "\xa9swr", "\xa9enc"], "software"],
  [["uthor", "rtist", "\xa9ART", "\xa9aut"], "author"],
  [["escription", "\xa9des", "desc", "dscp"], "description"],
  [["itle", "\xa9nam", "titl"], "title"],
];

/**
 * The name of a piece of metadata, from the first known word at its beginning: keywords of PNG, names of atoms, keys of
 * QuickTime. Of two words at one place the one listed first counts.
 */
function nameOf(text: string): Field | null {
  const start = text.slice(0, NAMED_WITHIN);
  let [first, found]: [number, Field | null] = [NAMED_WITHIN, null];
  for (const [words, name] of NAMES) {
    for (const word of words) {
      const at = start.indexOf(word);
      if (at >= 0 && at < first) [first, found] = [at, name];
    }
  }
  return found;
}

/** The findings so far. */
export class Findings implements Removed {
  location = false;
  camera = false;
  time = false;
  thumbnail = false;
  hidden = false;
  track = false;
  fields = 0;
  /** The name of the first of the fields. */
  private first: Field | null = null;

  get onlyField(): Field | null {
    return this.fields === 1 ? this.first : null;
  }

  /** Counts `count` other fields. `name` is that of the first. */
  field(name: Field | null, count = 1): void {
    if (this.fields === 0) this.first = name;
    this.fields += count;
  }

  /** Does `work` without counting the other fields that it finds. */
  async withoutFields(work: () => Promise<void>): Promise<void> {
    const { fields, first } = this;
    await work();
    [this.fields, this.first] = [fields, first];
  }

  /** Searches text such as XMP for the kinds of metadata that are reported by name. Returns whether there are any. */
  read(text: string): boolean {
    const has = (words: readonly string[]) => words.some((word) => text.includes(word));
    const [location, camera, time, thumbnail] = [has(LOCATION), has(CAMERA), has(TIME), has(THUMBNAIL)];
    this.location ||= location;
    this.camera ||= camera;
    this.time ||= time;
    this.thumbnail ||= thumbnail;
    return location || camera || time || thumbnail;
  }

  /** Notes a piece of metadata by its content: as a kind that is reported by name, or as another field. */
  piece(content: Uint8Array): void {
    const text = latin1(content);
    const [isNamed, name] = [this.read(text), nameOf(text)];
    // XMP has other fields beside those.
    if (!isNamed || name === XMP) this.field(name);
  }

  /** The findings, which change no more. */
  get settled(): Removed {
    return together([this]);
  }
}
