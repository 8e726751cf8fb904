// The words about the end of a share in the viewer.

import { wasReported } from "./reporting.ts";
import { words } from "./texts.ts";
import type { Content } from "./viewer.ts";

/** The words about what closing does. `isAsked`: and that the sender asks not to keep a copy. */
export function ending({ id, isHeld, manifest }: Pick<Content, "id" | "isHeld" | "manifest">, isAsked = false): string {
  const count = manifest.entries.length;
  if (!isHeld) return words(isAsked ? "showing.view_only" : "showing.gone", { count });
  if (wasReported(id)) return words(isAsked ? "showing.reported_view_only" : "showing.reported");
  return words(isAsked ? "showing.held_view_only" : "showing.held", { count });
}
