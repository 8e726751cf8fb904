// The browser's private file system (OPFS), in which each share has a directory with the name of its journal. A
// directory in it holds the parts that have arrived, so that they are not downloaded again after a reload: a file for
// each part, with the part or its beginning, as the relay sent it. That is ciphertext, whose key is elsewhere. If the
// share is too large for memory, a file beside that directory holds its content until the share is closed.

import { soon } from "./files.ts";
import * as journal from "./journal.ts";

/** Writes that may wait for the disk. More are dropped, so that a slow disk costs neither time nor memory. */
const WAITING = 4;
/** Free space that must be there for each byte that is kept. */
const SPARE = 2;
/** The longest time for the browser to open its file system, in milliseconds. */
const OPEN_MS = 2000;
/** The file that tests whether the browser can write. */
const TRIAL = "trial";
/** The directory with the parts. */
const PARTS = "parts";
/** The file with the content. */
const CONTENT = "content";

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
 * Opens the store of a share for `length` bytes; `null` if this browser has no place for them. `failed` is
 * called if it turns out that the browser cannot write: what was stored is removed, and the store ignores what follows.
 */
export async function open(id: Uint8Array, length: number, failed: () => void): Promise<Store | null> {
  const name = journal.nameOf(id);
  await stop(name);
  const late = new Promise<null>((resolve) => setTimeout(() => resolve(null), OPEN_MS));
  const gone = () => {
    void removeParts(id);
    failed();
  };
  // Without an entry in the journal, the next visit would remove what is stored.
  const making = journal.begun(id) === null ? Promise.resolve(null) : made(name, length, gone).catch(() => null);
  const store = await Promise.race([making, late]);
  if (store !== null) opened.set(name, store);
  else void making.then((slow) => slow?.stop()).then(() => removeParts(id));
  return store;
}

async function made(name: string, length: number, failed: () => void): Promise<Store | null> {
  const root = await filesystem();
  if (root === null) return null;
  const share = await root.getDirectoryHandle(name, { create: true });
  const directory = await share.getDirectoryHandle(PARTS, { create: true });
  const lengths = new Map<number, number>();
  let used = 0;
  for await (const [file, handle] of directory.entries()) {
    if (!/^\d+$/.test(file) || handle.kind !== "file") continue;
    const { size } = await (handle as FileSystemFileHandle).getFile();
    lengths.set(Number(file), size);
    used += size;
  }
  return (await free()) + used < SPARE * length ? null : new Store(directory, lengths, failed);
}

/** Bytes that this browser still allows the relay's origin to store. */
async function free(): Promise<number> {
  const { quota = 0, usage = 0 } = await navigator.storage.estimate();
  return quota - usage;
}

/** Whether this browser can keep `length` bytes of content, until the share is closed. */
export async function hasRoom(id: Uint8Array, length: number): Promise<boolean> {
  const name = `${journal.nameOf(id)}.${TRIAL}`;
  const tried = async () => {
    const root = await filesystem();
    if (root === null || !journal.works()) return false;
    await put(root, name, new Uint8Array(1));
    await removeFrom(root, name);
    return (await free()) >= SPARE * length;
  };
  return (await soon(tried())) ?? false;
}

/** An empty file for the content of a share. */
export async function content(id: Uint8Array): Promise<FileSystemFileHandle> {
  const directory = await (await filesystem())!.getDirectoryHandle(journal.nameOf(id), { create: true });
  // A browser keeps the old content until the new one is complete.
  await removeFrom(directory, CONTENT);
  return directory.getFileHandle(CONTENT, { create: true });
}

/** Removes what is kept of a share. */
export async function remove(id: Uint8Array): Promise<void> {
  const name = journal.nameOf(id);
  // A file that is being written cannot be removed.
  await stop(name);
  await removeFrom(await filesystem(), name);
}

/** Removes the parts of a share, and not its content. */
async function removeParts(id: Uint8Array): Promise<void> {
  const [name, root] = [journal.nameOf(id), await filesystem()];
  await stop(name);
  const share = await root?.getDirectoryHandle(name).catch(() => null);
  await removeFrom(share ?? null, PARTS);
  // Unless it has content.
  await root?.removeEntry(name).catch(() => {});
}

/** Removes what earlier openings left that have ended or can no longer resume, unless a tab still shows it. */
export async function sweep(): Promise<void> {
  const root = await filesystem();
  const names: string[] = [];
  try {
    for await (const name of root?.keys() ?? []) names.push(name);
  } catch {
    // The next visit lists them.
  }
  for (const name of names.filter(journal.isStale)) {
    const swept = (lock: unknown) => lock !== null && removeFrom(root, name);
    await navigator.locks.request(name, { ifAvailable: true }, swept).catch(() => {});
  }
}

/** Directories that are in use are removed by the next visit. */
async function removeFrom(directory: FileSystemDirectoryHandle | null, name: string): Promise<void> {
  await directory?.removeEntry(name, { recursive: true }).catch(() => {});
}

/** Replaces a file: another tab or a crash never sees half of it. */
async function put(directory: FileSystemDirectoryHandle, name: string, bytes: Uint8Array): Promise<void> {
  const file = await (await directory.getFileHandle(name, { create: true })).createWritable();
  try {
    await file.write(bytes as BufferSource);
  } catch (error) {
    // A file that is being written cannot be removed.
    await file.abort();
    throw error;
  }
  await file.close();
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
  async read(number: number): Promise<Uint8Array<ArrayBuffer>> {
    try {
      const file = await (await this.directory.getFileHandle(String(number))).getFile();
      return new Uint8Array(await file.arrayBuffer());
    } catch {
      return new Uint8Array();
    }
  }

  /**
   * Stores a part or its beginning in the background. `bytes` must not change until the promise is fulfilled: that of
   * bytes that are dropped never is, so that nothing keeps them in memory.
   */
  write(number: number, bytes: Uint8Array): Promise<void> {
    if (this.#waiting >= WAITING) return new Promise(() => {});
    this.#waiting += 1;
    return (this.#writes = this.#writes.then(async () => {
      await this.#put(String(number), bytes);
      this.#waiting -= 1;
    }));
  }

  /** Ends writing. Resolves when no file is in use any more. */
  stop(): Promise<void> {
    this.#stopped = true;
    return this.#writes;
  }

  async #put(name: string, bytes: Uint8Array): Promise<void> {
    if (this.#stopped) return;
    try {
      await put(this.directory, name, bytes);
    } catch {
      if (this.#stopped) return;
      this.#stopped = true;
      this.failed();
    }
  }
}
