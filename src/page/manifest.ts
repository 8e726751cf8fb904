// The manifest of a share. Only its canonical form is accepted.

import { isBlank } from "./safe_text.ts";

/** One file of a share. */
export interface Entry {
  /** Its directories and its name. Empty: it has no name. */
  readonly path: readonly string[];
  /** Its name: the last component of its path. */
  readonly name: string | null;
  /** The media type that the sender found, without parameters, in lower case; else `UNKNOWN_TYPE`. */
  readonly type: string;
  /** Bytes. */
  readonly size: number;
  /** Whether the sender's file is a program. */
  readonly executable: boolean;
}

/** The manifest of a share. */
export interface Manifest {
  readonly name: string | null;
  /** The sender, in their own words: at most `MAX_FROM` characters, not blank. */
  readonly from: string | null;
  /** A word with it from the sender: at most `MAX_NOTE` characters, not blank. */
  readonly note: string | null;
  /** The files, at least one. */
  readonly entries: readonly Entry[];
  /** The empty directories, as paths. */
  readonly directories: readonly (readonly string[])[];
  /** Bytes of the age file at the beginning of the blob. */
  readonly ageLen: number;
  readonly viewOnly: boolean;
  /** Bytes of all files together. */
  readonly total: number;
}

/** The type of a file of no known type. */
const UNKNOWN_TYPE = "application/octet-stream";
/** Manifests of at most `MAX_LEN_V1` bytes are padded to a multiple of this many bytes. */
const PADDING = 2048;
/** The longest manifest, padded, in bytes. */
export const MAX_LEN = 1024 * 1024;
/** The longest manifest of version 1, padded, in bytes. */
export const MAX_LEN_V1 = 64 * 1024;
/** The longest name of a sender, in characters. */
export const MAX_FROM = 80;
/** The longest note, in characters. */
export const MAX_NOTE = 280;
/** The most components of a path. */
export const MAX_COMPONENTS = 64;
/** The longest component of a path with directories, in characters. */
export const MAX_COMPONENT = 255;

/** The manifest is of a newer version. */
export class TooNew extends Error {}

/** A parsed object, before it was checked. */
type Members = Record<string, unknown>;

/**
 * Reads a decrypted manifest. Throws if it is not canonical, contradicts itself, or contradicts `blobLen`, the relay's
 * length of the blob in bytes.
 */
export function readManifest(bytes: Uint8Array, blobLen: number): Manifest {
  expect(bytes.length <= MAX_LEN);
  const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  const read = JSON.parse(text) as Members;
  const { v, name, age_len, blob_len, view_only, created } = read;
  if (Number.isInteger(v) && (v as number) > 2) throw new TooNew();
  expect(v === 1 || v === 2);
  const [from, note] = v === 1 ? [null, null] : [read.from, read.note];
  // Missing, repeated, additional and otherwise spelled members are found by writing it again.
  const end = { age_len, blob_len, view_only, created };
  const again = JSON.stringify(
    v === 1
      ? { v, name, entries: list(read.entries).map(({ name, type, size }) => ({ name, type, size })), ...end }
      : {
          ...{ v, name, from, note },
          entries: list(read.entries).map(({ path, type, size, executable }) => ({ path, type, size, executable })),
          ...{ directories: read.directories, ...end },
        },
  );
  const length = padded(new TextEncoder().encode(again).length);
  expect(length <= (v === 1 ? MAX_LEN_V1 : MAX_LEN) && bytes.length === length);
  expect(text.trimEnd() === again && /^ *$/.test(text.slice(again.length)));

  const entries = list(read.entries).map(v === 1 ? named : entry);
  const directories = v === 1 ? [] : list(read.directories).map(path);
  expect(isTree(entries, directories));
  expect([name, from, note].every(isName) && typeof view_only === "boolean");
  expect(typeof created === "string" && /^\d{4}-\d{2}-\d{2}$/.test(created));
  expect(isLength(age_len) && isLength(blob_len));
  const total = entries.reduce((sum, entry) => sum + entry.size, 0);
  const ageLen = age_len as number;
  expect(entries.length > 0 && total <= ageLen && ageLen <= (blob_len as number) && blob_len === blobLen);
  return {
    name: name as string | null,
    from: words(from, MAX_FROM),
    note: words(note, MAX_NOTE),
    entries,
    directories,
    ageLen,
    viewOnly: view_only as boolean,
    total,
  };
}

/** The length of a manifest with its padding: above `MAX_LEN_V1` by PADMÉ, as for blobs. */
export function padded(length: number): number {
  const exponent = Math.floor(Math.log2(length));
  const varying = Math.floor(Math.log2(exponent)) + 1;
  const step = length <= MAX_LEN_V1 ? PADDING : 2 ** (exponent - varying);
  return Math.ceil(length / step) * step;
}

function list(value: unknown): Members[] {
  expect(Array.isArray(value));
  return value as Members[];
}

/** A file of version 1. */
function named({ name, type, size }: Members): Entry {
  expect(isName(name));
  return entry({ path: name === null ? [] : [name], type, size, executable: false });
}

/** A file. */
function entry(file: Members): Entry {
  const { type, size, executable } = file;
  expect(isText(type) && isLength(size) && typeof executable === "boolean");
  const components = path(file.path);
  return {
    path: components,
    name: components.at(-1) ?? null,
    type: essence(type as string),
    size: size as number,
    executable: executable as boolean,
  };
}

function path(value: unknown): readonly string[] {
  expect(Array.isArray(value) && value.every(isText));
  return value as string[];
}

/** Whether no file is also a directory, and every directory that is listed is empty. */
export function isTree(entries: readonly Pick<Entry, "path">[], directories: Manifest["directories"]): boolean {
  const above = new Set<string>();
  for (const path of [...entries.map(({ path }) => path), ...directories]) {
    for (let end = 1; end < path.length; end++) above.add(JSON.stringify(path.slice(0, end)));
  }
  const files = new Set(entries.map(({ path }) => JSON.stringify(path)));
  const empty = new Set(directories.map((path) => JSON.stringify(path)));
  return (
    empty.size === directories.length &&
    entries.every(({ path }) => path.length <= 1 || areComponents(path)) &&
    directories.every((path) => path.length > 0 && areComponents(path)) &&
    [...files].every((path) => !above.has(path) && !empty.has(path)) &&
    [...empty].every((path) => !above.has(path))
  );
}

const areComponents = (path: readonly string[]) => path.length <= MAX_COMPONENTS && path.every(isComponent);
/** Whether a text can be a component of a path with directories. */
export const isComponent = (text: string) => !/^\.{0,2}$|[/\\\0]/.test(text) && [...text].length <= MAX_COMPONENT;

/**
 * A media type without parameters, in lower case. What is none is of the unknown type: the file can still be saved, and
 * a type must not make a share that nobody can open.
 */
export function essence(type: string): string {
  const bare = type.split(";")[0]!.replace(/^[ \t]+|[ \t]+$/g, "");
  const isType = bare.length <= 127 && /^[0-9a-zA-Z+\-._]+\/[0-9a-zA-Z+\-._]+$/.test(bare);
  return isType ? bare.toLowerCase() : UNKNOWN_TYPE;
}

/** The first `most` characters of the sender's words; `null`: they show nothing. */
function words(text: unknown, most: number): string | null {
  const cut = [...((text as string | null) ?? "")].slice(0, most).join("");
  return isBlank(cut) ? null : cut;
}

const isText = (value: unknown) => typeof value === "string" && !/\p{Cs}/u.test(value);
const isName = (value: unknown) => value === null || isText(value);
const isLength = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;

function expect(holds: boolean): void {
  if (!holds) throw new Error("the manifest is invalid");
}
