// The manifest of a share. Only its canonical form is accepted.

/** One file of a share. */
export interface Entry {
  readonly name: string | null;
  /** The media type that the sender found, without parameters. One that breaks this rule is read as `UNKNOWN_TYPE`. */
  readonly type: string;
  /** Bytes. */
  readonly size: number;
}

/** The manifest of a share. */
export interface Manifest {
  readonly name: string | null;
  readonly entries: readonly Entry[];
  /** Bytes of the age file at the beginning of the blob. */
  readonly ageLen: number;
  readonly viewOnly: boolean;
  /** Bytes of all files together. */
  readonly total: number;
}

/** The type of a file of no known type. */
const UNKNOWN_TYPE = "application/octet-stream";
const PADDING = 2048;
const MAX_LEN = 64 * 1024;

/** The manifest is of a newer version. */
export class TooNew extends Error {}

/**
 * Reads a decrypted manifest. Throws if it is not canonical, contradicts itself, or contradicts `blobLen`, the relay's
 * length of the blob in bytes.
 */
export function readManifest(bytes: Uint8Array, blobLen: number): Manifest {
  expect(bytes.length <= MAX_LEN);
  const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  const read = JSON.parse(text) as Record<string, unknown>;
  if (typeof read.v === "number" && read.v > 1) throw new TooNew();
  // Missing, repeated, additional and otherwise spelled members are found by writing it again.
  const entries = (read.entries as Record<string, unknown>[]).map((entry) => {
    const { name, type, size } = entry;
    expect(isName(name) && isText(type) && isLength(size));
    return { name, type, size } as Entry;
  });
  const { v, name, age_len, blob_len, view_only, created } = read;
  const again = JSON.stringify({ v, name, entries, age_len, blob_len, view_only, created });
  const length = Math.ceil(new TextEncoder().encode(again).length / PADDING) * PADDING;
  expect(bytes.length === length && text.trimEnd() === again && /^ *$/.test(text.slice(again.length)));
  expect(v === 1 && isName(name) && typeof view_only === "boolean");
  expect(typeof created === "string" && /^\d{4}-\d{2}-\d{2}$/.test(created));
  expect(isLength(age_len) && isLength(blob_len));
  const total = entries.reduce((sum, entry) => sum + entry.size, 0);
  // The file can still be saved: a type must not make a share that nobody can open.
  const isType = (type: string) => /^[0-9a-zA-Z/+\-._]{0,127}$/.test(type);
  const known = entries.map((entry) => (isType(entry.type) ? entry : { ...entry, type: UNKNOWN_TYPE }));
  const ageLen = age_len as number;
  expect(entries.length > 0 && total <= ageLen && ageLen <= (blob_len as number) && blob_len === blobLen);
  return { name: name as string | null, entries: known, ageLen, viewOnly: view_only as boolean, total };
}

const isText = (value: unknown) => typeof value === "string" && !/\p{Cs}/u.test(value);
const isName = (value: unknown) => value === null || isText(value);
const isLength = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;

function expect(holds: boolean): void {
  if (!holds) throw new Error("the manifest is invalid");
}
