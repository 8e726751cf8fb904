// The draft: chosen files, a text, and the options of the share.

import { kindOf } from "../media.ts";
import { type Looked, look, type Removed } from "../strip/look.ts";
import type { Item } from "../upload/sending.ts";

/** Files that are looked at at a time. */
const LOOKS = 3;

/** Something that was chosen: a file, or a picture from the clipboard. */
export interface Chosen {
  readonly content: Blob;
  /** Its directories and its name; empty: it has no name. */
  readonly path: readonly string[];
}

/** A chosen file. */
export class Added implements Chosen {
  /** The findings; `null` while the page looks at the file; "unreadable": the browser cannot read it. */
  looked: Looked | "unreadable" | null = null;
  readonly stop = new AbortController();

  constructor(
    readonly content: Blob,
    readonly path: readonly string[],
  ) {}

  get name(): string | null {
    return this.path.at(-1) ?? null;
  }

  /** Its media type. */
  get type(): string {
    return this.looked === null || this.looked === "unreadable" ? this.content.type : this.looked.type;
  }

  /** The bytes that are sent. */
  get size(): number {
    const verdict = this.looked === null || this.looked === "unreadable" ? null : this.looked.verdict;
    return verdict?.kind === "cleaned" ? verdict.content.size : this.content.size;
  }

  /** The metadata that is removed; `null`: it is sent as it is, or the page still looks at it. */
  get removed(): Removed | null {
    if (this.looked === null || this.looked === "unreadable") return null;
    return this.looked.verdict.kind === "cleaned" ? this.looked.verdict.removed : null;
  }

  /** Whether metadata may stay in it. */
  get isUnclean(): boolean {
    return this.looked !== null && this.looked !== "unreadable" && this.looked.verdict.kind === "unclean";
  }
}

/** The options of the share, as the page shows them. */
export interface Options {
  /** Seconds. */
  ttl: number;
  passphrase: string;
  viewOnly: boolean;
  from: string;
  note: string;
  recipients: string[];
  /** A recipient that was typed and not added. */
  recipient: string;
}

/** A part of the draft, as the recipient's page lists it. */
export interface Part {
  readonly path: readonly string[];
  readonly type: string;
  readonly size: number;
}

export class Draft {
  readonly files: Added[] = [];
  text = "";
  readonly options: Options;
  /** The parts of the options that are unfolded, by their headings. */
  readonly unfolded = new Set<string>();
  /** Called when the page has looked at a file. */
  looked = (_file: Added) => {};
  #looking = 0;
  /** The files that the page will look at. */
  readonly #queue: Added[] = [];

  constructor(ttl: number) {
    this.options = { ttl, passphrase: "", viewOnly: false, from: "", note: "", recipients: [], recipient: "" };
  }

  get isEmpty(): boolean {
    return this.files.length === 0 && this.text === "";
  }

  /** Whether the page still looks at a file. */
  get isLooking(): boolean {
    return this.files.some(({ looked }) => looked === null);
  }

  /** The text and the files, in this order. */
  get parts(): Part[] {
    const text = { path: [], type: "text/plain", size: this.#text.size };
    return [...(this.text === "" ? [] : [text]), ...this.files];
  }

  /** The passphrase without spaces around it; `null`: none. */
  get passphrase(): string | null {
    return this.options.passphrase.trim() || null;
  }

  /** Whether recipients are asked not to keep a copy. */
  get isViewOnly(): boolean {
    return this.options.viewOnly && !this.hasSavedOnly;
  }

  /** Whether recipients can only save one of the files, which a view-only share forbids. */
  get hasSavedOnly(): boolean {
    return this.parts.some(({ type }) => kindOf(type) === "file");
  }

  add(chosen: readonly Chosen[]): void {
    const added = chosen.map(({ content, path }) => new Added(content, path));
    this.files.push(...added);
    this.#queue.push(...added);
    for (let idle = this.#looking; idle < LOOKS; idle++) void this.#look();
  }

  remove(file: Added): void {
    file.stop.abort();
    this.files.splice(this.files.indexOf(file), 1);
  }

  /** The files to send. */
  items(): Item[] {
    const text = { path: [], type: "text/plain", content: this.#text };
    const files = this.files.map(({ path, type, looked, content }) => {
      const verdict = looked === null || looked === "unreadable" ? null : looked.verdict;
      return { path, type, content: verdict?.kind === "cleaned" ? verdict.content : content };
    });
    return [...(this.text === "" ? [] : [text]), ...files];
  }

  get #text(): Blob {
    return new Blob([this.text], { type: "text/plain" });
  }

  /** Looks at files until none is left. */
  async #look(): Promise<void> {
    this.#looking += 1;
    for (let file; (file = this.#queue.shift()) !== undefined; ) {
      const { content, name, stop } = file;
      if (stop.signal.aborted) continue;
      file.looked = await look(content, name, stop.signal).catch((error: unknown) => {
        if (!(error instanceof DOMException)) console.error(error);
        return "unreadable" as const;
      });
      if (!stop.signal.aborted) this.looked(file);
    }
    this.#looking -= 1;
  }
}
