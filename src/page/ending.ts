// The words about the end of a share in the viewer.

import { wasReported } from "./reporting.ts";
import { words } from "./texts.ts";
import type { Content } from "./viewer.ts";

/** What closing does. `isAsked`: and that the sender asks not to keep a copy. */
export function ending({ id, isHeld, manifest }: Content, isAsked = false): string {
  const count = manifest.entries.length;
  if (!isHeld) return words(isAsked ? "showing.view_only" : "showing.gone", { count });
  const stage = wasReported(id) ? "reported" : "held";
  return words(isAsked ? `showing.${stage}_view_only` : `showing.${stage}`, { count });
}
