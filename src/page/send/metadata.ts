// What is removed from files, and what stays in them, in words.

import { kindOf } from "../media.ts";
import { printable } from "../safe_text.ts";
import type { Removed } from "../strip/look.ts";
import type { Added } from "./draft.ts";
import { listed, type TextKey, words } from "./texts.ts";

/** What is removed, as an enumeration; `null`: nothing. */
export function removedWords(removed: Removed): string | null {
  const named: [boolean, TextKey][] = [
    [removed.location, "metadata.location"],
    [removed.camera, "metadata.camera"],
    [removed.time, "metadata.time"],
    [removed.thumbnail, "metadata.thumbnail"],
    [removed.hidden, "metadata.hidden"],
    [removed.track, "metadata.track"],
  ];
  const parts = named.filter(([is]) => is).map(([, key]) => words(key));
  if (removed.onlyField !== null) parts.push(printable(removed.onlyField));
  else if (removed.fields > 0) parts.push(words("metadata.fields", { count: removed.fields }));
  return parts.length === 0 ? null : listed(parts);
}

/** All that is removed from several files. Fields are not added up: files share their names. */
export function removedFrom(files: readonly Added[]): string | null {
  const all = files.map(({ removed }) => removed).filter((removed) => removed !== null);
  if (all.length === 0) return null;
  const any = (is: (removed: Removed) => boolean) => all.some(is);
  return removedWords({
    location: any(({ location }) => location),
    camera: any(({ camera }) => camera),
    time: any(({ time }) => time),
    thumbnail: any(({ thumbnail }) => thumbnail),
    hidden: any(({ hidden }) => hidden),
    track: any(({ track }) => track),
    fields: Math.max(...all.map(({ fields }) => fields)),
    onlyField: all.length === 1 ? all[0]!.onlyField : null,
  });
}

/** What becomes of the metadata of a file: the words, and whether they are a warning. */
export function verdictWords(file: Added): { text: string; isWarning: boolean } {
  const { looked } = file;
  if (looked === null) return { text: words("review.looking"), isWarning: false };
  if (looked === "unreadable") return { text: words("review.unreadable"), isWarning: true };
  switch (looked.verdict.kind) {
    case "innocent":
      return { text: "", isWarning: false };
    case "unclean": {
      const isDocument = kindOf(looked.type) === "file";
      return { text: words(isDocument ? "review.stays_document" : "review.stays"), isWarning: true };
    }
    case "cleaned": {
      const what = removedWords(looked.verdict.removed);
      return { text: what === null ? words("review.clean") : words("review.removes", { what }), isWarning: false };
    }
  }
}
