// The metadata of files, in words: what is removed, and what stays.

import type { Removed } from "../strip/look.ts";
import type { Added } from "./draft.ts";
import { listed, type TextKey, words } from "./texts.ts";

/** The removed metadata, as an enumeration; `null`: none. */
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
  const { fields: count } = removed;
  if (count > 0) parts.push(words("metadata.fields", { count }));
  return parts.length === 0 ? null : listed(parts);
}

/** The fate of the metadata of a file: the words, and whether they are a warning. */
export function verdictWords(file: Added): { text: string; isWarning: boolean } {
  const { looked } = file;
  if (looked === null) return { text: words("review.looking"), isWarning: false };
  if (looked === "unreadable") return { text: words("review.unreadable"), isWarning: true };
  switch (looked.verdict.kind) {
    case "innocent":
      return { text: "", isWarning: false };
    case "unclean": {
      const isDocument = looked.verdict.format === "document";
      return { text: words(isDocument ? "review.stays_document" : "review.stays"), isWarning: true };
    }
    case "cleaned": {
      const what = removedWords(looked.verdict.removed);
      return { text: what === null ? words("review.clean") : words("review.removes", { what }), isWarning: false };
    }
  }
}
