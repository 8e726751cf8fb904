// State that several screens of the page that sends share.

import type { About, Allowance } from "../upload/requests.ts";
import type { Draft } from "./draft.ts";

export const HOST = location.host;

interface Page {
  /** The relay's description of itself. */
  about: About | null;
  /** The limits of the token; `null`: no token, or none are known. */
  allowance: Allowance | null;
  /** The chosen files, and their options. */
  draft: Draft | null;
  /** Whether the browser asks before it leaves the page. */
  isBusy: () => boolean;
}

export const page: Page = { about: null, allowance: null, draft: null, isBusy: () => false };

addEventListener("beforeunload", (event) => {
  if (!page.isBusy()) return;
  event.preventDefault();
  // Older browsers ask only if this is set.
  event.returnValue = true;
});
