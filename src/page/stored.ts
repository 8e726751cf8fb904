// The parts of a share that have arrived, in the browser's private file system (OPFS), so that they are not downloaded
// again after a reload. They are stored as the relay sent them: ciphertext, whose key is elsewhere. Each share has a
// directory with the name of its journal, and in it a file for each part, with the part or its beginning.

import * as journal from "./journal.ts";

/** Writes that may wait for the disk. More are dropped, so that a slow disk costs neither time nor memory. */
const WAITING = 4;
/** Free space that must be there for each byte of a blob. */
const SPARE = 2;
/** The longest time for the browser to open its file system, in milliseconds. */
const OPEN_MS = 2000;
/** The file that tests whether the browser can write. */
const TRIAL = "trial";

/** Stores that this page has opened, by their names. */
const opened = new Map<string, Store>();

/** The private file system; `null` without one: over plain http, in older browsers, in some private windows. */
async function filesystem(): Promise<FileSystemDirectoryHandle | null> {
  try {
    if (!("createWritable" in FileSystemFileHandle.prototype)) return null;
    return await navigator.storage.getDirectory();
  } catch {
    return null;
  }
}

/**
 * Opens the store of a share with a blob of `length` bytes; `null` if this browser has no place for it. `failed` is
 * called if it turns out that the browser cannot write: what was stored is removed, and the store ignores what follows.
 */
export async function open(id: Uint8Array, length: number, failed: () => void): Promise<Store | null> {
  const name = journal.nameOf(id);
  await stop(name);
  const late = new Promise<null>((resolve) => setTimeout(() => resolve(null), OPEN_MS));
  const gone = () => {
    void remove(id);
    failed();
  };
  // Without an entry in the journal, the next visit would remove what is stored.
  const making = journal.begun(id) === null ? Promise.resolve(null) : made(name, length, gone).catch(() => null);
  const store = await Promise.race([making, late]);
  if (store !== null) opened.set(name, store);
  else void making.then((slow) => slow?.stop()).then(() => remove(id));
  return store;
}

async function made(name: string, length: number, failed: () => void): Promise<Store | null> {
  const root = await filesystem();
  if (root === null) return null;
  const directory = await root.getDirectoryHandle(name, { create: true });
  const lengths = new Map<number, number>();
  let used = 0;
  for await (const [file, handle] of directory.entries()) {
    if (!/^\d+$/.test(file) || handle.kind !== "file") continue;
    const { size } = await (handle as FileSystemFileHandle).getFile();
    lengths.set(Number(file), size);
    used += size;
  }
  const { quota = 0, usage = 0 } = await navigator.storage.estimate();
  return quota - usage + used < SPARE * length ? null : new Store(directory, lengths, failed);
}

/** Removes what is stored of a share. */
export async function remove(id: Uint8Array): Promise<void> {
  const name = journal.nameOf(id);
  // A file that is being written cannot be removed.
  await stop(name);
  await removeFrom(await filesystem(), name);
}

/** Removes what earlier openings left that have ended or can no longer resume. */
export async function sweep(): Promise<void> {
  const root = await filesystem();
  const names: string[] = [];
  try {
    for await (const name of root?.keys() ?? []) names.push(name);
  } catch {
    // The next visit lists them.
  }
  for (const name of names) if (journal.isStale(name)) await removeFrom(root, name);
}

/** Directories that are in use are removed by the next visit. */
async function removeFrom(root: FileSystemDirectoryHandle | null, name: string): Promise<void> {
  await root?.removeEntry(name, { recursive: true }).catch(() => {});
}

async function stop(name: string): Promise<void> {
  const store = opened.get(name);
  opened.delete(name);
  await store?.stop();
}

/** The parts of one share. */
export class Store {
  #writes: Promise<void>;
  #waiting = 0;
  #stopped = false;

  /** `lengths`: the bytes that were stored of each part when the store was opened. */
  constructor(
    private readonly directory: FileSystemDirectoryHandle,
    readonly lengths: ReadonlyMap<number, number>,
    private readonly failed: () => void,
  ) {
    this.#writes = this.#put(TRIAL, new Uint8Array(1));
  }

  /** The stored bytes of a part, which the caller verifies; none if they cannot be read. */
  async read(number: number): Promise<Uint8Array> {
    try {
      const file = await (await this.directory.getFileHandle(String(number))).getFile();
      return new Uint8Array(await file.arrayBuffer());
    } catch {
      return new Uint8Array();
    }
  }

  /** Stores a part or its beginning in the background. `bytes` must not change until then. */
  write(number: number, bytes: Uint8Array): void {
    if (this.#waiting >= WAITING) return;
    this.#waiting += 1;
    this.#writes = this.#writes.then(async () => {
      await this.#put(String(number), bytes);
      this.#waiting -= 1;
    });
  }

  /** Ends writing. Resolves when no file is in use any more. */
  stop(): Promise<void> {
    this.#stopped = true;
    return this.#writes;
  }

  /** Replaces a file: another tab or a crash never sees half of it. */
  async #put(name: string, bytes: Uint8Array): Promise<void> {
    if (this.#stopped) return;
    try {
      const file = await (await this.directory.getFileHandle(name, { create: true })).createWritable();
      await file.write(bytes as BufferSource);
      await file.close();
    } catch {
      if (this.#stopped) return;
      this.#stopped = true;
      this.failed();
    }
  }
}
