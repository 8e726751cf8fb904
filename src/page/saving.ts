// Saving files: as downloads, in another app, or all of them at once.

import { APP, IS_PHONE } from "./app.ts";
import { h } from "./dom.ts";
import type { Manifest } from "./manifest.ts";
import { defaultName } from "./media.ts";
import { safeName } from "./safe_text.ts";
import type { Tally } from "./tally.ts";
import { percent, words } from "./texts.ts";
import { MOST_ENTRIES, type Packed, safePaths, zip } from "./zip.ts";

/** The most announcements of progress. */
const ANNOUNCEMENTS = 10;
/** Chromium's share sheets take no more files and bytes. They report a success once an app was chosen. */
const MOST_SHARED = 10;
const MOST_SHARED_BYTES = 50 * 1024 * 1024;
/** Apple's sheets take any number, and report a success once the app has the files. */
const IS_APPLE = /iPhone|iPad|Macintosh/.test(navigator.userAgent);

/** The largest share that a browser is expected to hold, in bytes. */
export const MOST_HELD = IS_PHONE ? 256 << 20 : 512 << 20;

/** The most bytes of files in an archive: its own headers need the rest of 4 GiB. */
const MOST_ARCHIVED = 4e9;

/** A file that the user chose. */
export type Chosen = FileSystemFileHandle;

/** A dialog of the browser that returns a file to write to. Chromium has it in secure contexts. */
type Picker = (options: { suggestedName: string; types: Types }) => Promise<Chosen>;
type Types = { accept: Record<string, string[]> }[];

const picker = () => (globalThis as { showSaveFilePicker?: Picker }).showSaveFilePicker;

const isAlone = ({ entries, directories }: Manifest) => entries.length === 1 && directories.length === 0;

/** Whether a share that is too large for memory can be written to a file while it arrives. */
export const canStream = (manifest: Manifest) => canPick() && isAlone(manifest) && !manifest.viewOnly;
export const canPick = () => picker() !== undefined;
/** Whether the files of a share can be saved, unless the sender asks not to: archives (zip.ts) hold less than 4 GiB. */
export const canSave = (manifest: Manifest) =>
  manifest.viewOnly || isAlone(manifest) || manifest.total < MOST_ARCHIVED;

/** Saves files, and keeps the tally of what was saved. */
export class Saving {
  /** Addresses of blobs that the browser may still be saving. */
  readonly #urls = new Set<string>();
  /** Words about the archive that is being written; `null`: there is none. */
  packing: string | null = null;
  #isOver = false;

  /** `say` shows words to the user, and is called after every change of the tally. */
  constructor(
    private readonly manifest: Manifest,
    private readonly blobs: readonly Blob[],
    private readonly tally: Tally,
    private readonly say: (text: string) => void,
  ) {}

  /** Asks the browser to save a blob, which holds these files. */
  download(blob: Blob, type: string, name: string, numbers: readonly number[]): void {
    const source = URL.createObjectURL(blob.slice(0, blob.size, type));
    h("a", { href: source, download: name }).click();
    // The browser reads the blob at some time after the click, so it is kept until the end.
    this.#urls.add(source);
    this.tally.download(numbers);
    this.say(savedWords());
  }

  /** Passes files to an app that the user chooses. Returns whether that was possible. */
  async share(files: File[], numbers: readonly number[], isSure = true): Promise<boolean> {
    try {
      await navigator.share({ files });
    } catch (error) {
      if (!isChangedMind(error)) return false;
      this.say("");
      return true;
    }
    this.tally[isSure ? "keep" : "download"](numbers);
    this.say(words("showing.shared"));
    return true;
  }

  /** Saves all files: in another app on a phone, which handles archives badly, or else as one archive. */
  async all(): Promise<void> {
    if (this.packing !== null) return;
    const { entries, name, total } = this.manifest;
    const numbers = entries.map((_, number) => number);
    const packed = this.#packed();
    const isFew = IS_APPLE || (entries.length <= MOST_SHARED && total <= MOST_SHARED_BYTES);
    const files = (APP !== null || IS_PHONE) && isFew
      ? shareable(numbers.map((at) => fileOf(this.blobs[at]!, packed[at]!.path.split("/").pop()!, entries[at]!.type)))
      : null;
    // Some browsers refuse files only now. A sheet that never answers must not prevent an archive.
    if ((files !== null && (await this.share(files, numbers, IS_APPLE))) || this.packing !== null) return;
    try {
      await this.#archive(packed, safeName(name && `${name}.zip`, "files.zip"), numbers);
    } finally {
      this.packing = null;
    }
  }

  end(): void {
    this.#isOver = true;
    for (const source of this.#urls) URL.revokeObjectURL(source);
  }

  /** The files and the empty directories of an archive; the files come first. */
  #packed(): Packed[] {
    const { entries, directories } = this.manifest;
    const names = entries.map(({ type }) => defaultName(type));
    const paths = safePaths([...entries.map(({ path }) => path), ...directories], names);
    return paths.slice(0, MOST_ENTRIES).map((path, at) => ({
      path,
      blob: this.blobs[at] ?? null,
      isExecutable: entries[at]?.executable ?? false,
    }));
  }

  /** Writes an archive to a file that the user chooses, or downloads it. */
  async #archive(packed: readonly Packed[], name: string, numbers: readonly number[]): Promise<void> {
    const { total } = this.manifest;
    let [read, announced] = [0, -Infinity];
    const moved = (bytes: number) => {
      read += bytes;
      if (read - announced < total / ANNOUNCEMENTS || read === total) return;
      announced = read;
      this.packing = words("showing.packing", { percent: percent(read, total) });
      this.say(this.packing);
    };
    moved(0);
    try {
      const handle = await picked(name, [{ accept: { "application/zip": [".zip"] } }]);
      if (handle === null) {
        const parts: BlobPart[] = [];
        for await (const part of zip(packed, moved)) parts.push(part);
        if (!this.#isOver) this.download(new Blob(parts), "application/zip", name, numbers);
        return;
      }
      const file = await handle.createWritable();
      try {
        for await (const part of zip(packed, moved)) await file.write(part);
        await file.close();
      } catch (error) {
        await file.abort().catch(() => {});
        throw error;
      }
      // The browser has written it to disk: nothing is left to ask.
      this.tally.keep(numbers);
      this.say(words("showing.saved_as", { name: handle.name }));
    } catch (error) {
      this.say(isChangedMind(error) ? "" : words("showing.not_saved"));
    }
  }
}

/** A file that the user chose to write to; `null`: this browser has no such dialog, or refuses it. */
export async function picked(suggestedName: string, types: Types = []): Promise<Chosen | null> {
  return (
    picker()?.({ suggestedName, types }).catch((error: unknown) => {
      // Refused, as in a frame, by a policy, or long after the press.
      return isChangedMind(error) ? Promise.reject(error as Error) : null;
    }) ?? null
  );
}

function isChangedMind(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

function fileOf(blob: Blob, name: string, type: string): File {
  return new File([blob], name, { type });
}

/** Files for the device's share sheet; `null` if the browser has none or refuses these. */
function shareable(files: File[]): File[] | null {
  return "canShare" in navigator && navigator.canShare({ files }) ? files : null;
}

/** A file for the device's share sheet; `null` if the browser has none or refuses it. */
export function handable(blob: Blob, name: string, type: string): File | null {
  return shareable([fileOf(blob, name, type)])?.[0] ?? null;
}

function savedWords(): string {
  if (APP === null) return words("showing.saved");
  return APP === "" ? words("showing.saved_in_other_app") : words("showing.saved_in_app", { app: APP });
}
