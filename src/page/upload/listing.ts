// The manifest of a share, written: canonical JSON and spaces (PROTOCOL.md). ../manifest.ts reads it, and
// src/manifest/wire.rs writes the same bytes.

import { utf8ToBytes } from "@noble/hashes/utils.js";
import { essence, isComponent, isTree, padded } from "../manifest.ts";
import { MAX_COMPONENT, MAX_COMPONENTS, MAX_FROM, MAX_LEN, MAX_LEN_V1, MAX_NOTE } from "../manifest.ts";
import { isBlank } from "../safe_text.ts";
import { Refused } from "./refused.ts";

/** One file to send. */
export interface File {
  readonly path: readonly string[];
  readonly type: string;
  /** Bytes. */
  readonly size: number;
}

/** The content of a manifest. */
export interface Listing {
  readonly name: string | null;
  readonly from: string | null;
  readonly note: string | null;
  readonly files: readonly File[];
  readonly ageLen: number;
  readonly blobLen: number;
  readonly viewOnly: boolean;
  /** Milliseconds of the Unix epoch. */
  readonly now: number;
}

/** Half of a surrogate pair, which is no character, cannot be written. */
const whole = (text: string) => text.replace(/\p{Cs}/gu, "\ufffd");
const nameOf = (text: string | null) => (text === null ? null : whole(text));

/** One line of the sender's words, without control characters; `null`: it shows nothing. */
function line(text: string | null, most: number): string | null {
  const cut = [...whole(text ?? "").replace(/\p{Cc}+/gu, " ").trim()].slice(0, most).join("");
  return isBlank(cut) ? null : cut;
}

/** A component of a path that describes a tree. */
function component(text: string): string {
  const cut = [...whole(text).replace(/[/\\\0]/g, "_")].slice(0, MAX_COMPONENT).join("");
  return isComponent(cut) ? cut : "_";
}

/** The paths that are written: those of the files, or their names alone if the paths make no tree. */
function pathsOf(files: readonly File[]): string[][] {
  const paths = files.map(({ path }) => path.map(path.length > 1 ? component : whole));
  const isSound = paths.every(({ length }) => length <= MAX_COMPONENTS);
  return isSound && isTree(paths.map((path) => ({ path })), []) ? paths : paths.map((path) => path.slice(-1));
}

/** The bytes that are encrypted, of version 1 if that is sufficient: older programs cannot open others. */
export function write({ name, from, note, files, ageLen, blobLen, viewOnly, now }: Listing): Uint8Array {
  const paths = pathsOf(files);
  // The name of a single file is in its entry.
  const head = { name: files.length === 1 ? null : nameOf(name) };
  const end = {
    ...{ age_len: ageLen, blob_len: blobLen, view_only: viewOnly },
    created: new Date(now).toISOString().slice(0, "YYYY-MM-DD".length),
  };
  const words = { from: line(from, MAX_FROM), note: line(note, MAX_NOTE) };
  const types = files.map(({ type }) => essence(type));
  const isPlain = words.from === null && words.note === null && paths.every(({ length }) => length <= 1);
  const first = files.map(({ size }, at) => ({ name: paths[at]![0] ?? null, type: types[at], size }));
  const bytes = isPlain ? spaced({ v: 1, ...head, entries: first, ...end }) : null;
  if (bytes !== null && bytes.length <= MAX_LEN_V1) return bytes;
  const second = files.map(({ size }, at) => ({ path: paths[at], type: types[at], size, executable: false }));
  const long = spaced({ v: 2, ...head, ...words, entries: second, directories: [], ...end });
  if (long.length > MAX_LEN) throw new Refused("too-many-files");
  return long;
}

/** Canonical JSON, which `JSON.stringify` writes, and spaces. */
function spaced(content: object): Uint8Array {
  const json = utf8ToBytes(JSON.stringify(content));
  const bytes = new Uint8Array(padded(json.length)).fill(0x20);
  bytes.set(json);
  return bytes;
}
