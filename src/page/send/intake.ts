// Ways in: what is chosen in the system's dialogs, dropped anywhere on the page, or pasted.

import { h } from "../dom.ts";
import type { Chosen } from "./draft.ts";
import { words } from "./texts.ts";

/** The most files that are taken from directories at once. */
const MOST_FILES = 10_000;

/** Takes chosen files and pasted texts. */
export interface Intake {
  /** `isAll`: nothing was left out. */
  readonly files: (chosen: readonly Chosen[], isAll: boolean) => void;
  readonly text: (text: string) => void;
}

let intake: Intake | null = null;

/** Sets where dropped and pasted things go; `null`: this screen takes none. */
export function takeIn(to: Intake | null): void {
  intake = to;
  cover(false);
}

/** A field for files, which a button opens. `capture`: with the camera. */
export function picker(id: string, accept: string, files: Intake["files"], capture = false): HTMLInputElement {
  const input: HTMLInputElement = h("input", {
    ...{ id, accept, type: "file", multiple: !capture, hidden: true },
    onchange: () => {
      const chosen = [...(input.files ?? [])].map((content) => ({ content, path: named(content) }));
      // The same file again must be a change, too.
      input.value = "";
      if (chosen.length > 0) files(chosen, true);
    },
  });
  if (capture) input.setAttribute("capture", "environment");
  return input;
}

function named(file: File): readonly string[] {
  return file.name === "" ? [] : [file.name];
}

const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
let target: HTMLElement | null = null;

/** Shows or hides the target for what is dragged over the page. */
function cover(is: boolean): void {
  target?.remove();
  target = is ? h("div", { className: "dropping" }, h("p", {}, words("choose.dropping"))) : null;
  if (target !== null) document.body.append(target);
}

/** Listens for things that are dropped and pasted. */
export function listen(): void {
  addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    // Without this the browser would open the file in place of the page.
    event.preventDefault();
    event.dataTransfer!.dropEffect = intake === null ? "none" : "copy";
    if (intake !== null && target === null) cover(true);
  });
  addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) cover(false);
  });
  addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    cover(false);
    // Another screen may be there when all directories are listed.
    if (intake !== null) void dropped(event.dataTransfer!).then(({ found, isAll }) => intake?.files(found, isAll));
  });
  addEventListener("paste", (event) => {
    const { clipboardData } = event;
    if (intake === null || clipboardData === null) return;
    const isField = (event.target as Element).matches("input, textarea");
    const files = [...clipboardData.files];
    const text = clipboardData.getData("text/plain");
    // Pictures that come with a formatted text, as from word processors, are drawings of it. With copied files, file
    // managers paste their names.
    const isText = text !== "" && (files.length === 0 || clipboardData.types.includes("text/html"));
    // A field takes texts by itself.
    if ((isText && isField) || (!isText && files.length === 0)) return;
    event.preventDefault();
    if (isText) return intake.text(text);
    // Browsers call every pasted picture image.png.
    const nameOf = (file: File) => (file.name === "image.png" ? [] : named(file));
    intake.files(files.map((content) => ({ content, path: nameOf(content) })), true);
  });
}

/** Files that were found, and whether they are all. */
interface Found {
  readonly found: Chosen[];
  isAll: boolean;
}

/** The dropped files, and those in dropped directories with their paths. */
async function dropped({ items, files }: DataTransfer): Promise<Found> {
  // The list of items is emptied when this event ends, so all entries are taken now.
  const entries = [...items].map((item) => item.webkitGetAsEntry?.() ?? null);
  const plain = [...files].map((content) => ({ content, path: named(content) }));
  if (!entries.some((entry) => entry?.isDirectory)) return { found: plain, isAll: true };
  const all: Found = { found: [], isAll: true };
  for (const entry of entries) {
    if (entry === null) continue;
    // A directory that cannot be read.
    await walk(entry, [], all).catch(() => (all.isAll = false));
  }
  return all;
}

async function walk(entry: FileSystemEntry, above: readonly string[], all: Found): Promise<void> {
  if (all.found.length >= MOST_FILES) {
    all.isAll = false;
    return;
  }
  const path = [...above, entry.name];
  if (entry.isFile) {
    const content = await new Promise<File>((...ends) => (entry as FileSystemFileEntry).file(...ends));
    all.found.push({ content, path });
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  // A reader lists a directory in pieces, and ends with an empty one.
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((...ends) => reader.readEntries(...ends));
    if (some.length === 0) return;
    for (const each of some) await walk(each, path, all).catch(() => (all.isAll = false));
  }
}
