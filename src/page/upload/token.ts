// The create token of this relay's sender: from a link (`/send#token=…`) or typed once. It is kept for the tab, or in
// the browser if the sender asks for that and the page cannot have been changed on the way.

const NAME = "share.token";
const FRAGMENT = "#token=";

/** For browsers that store nothing. */
let here: string | null = null;

/** The tab's storage, then the browser's, as far as this browser allows them. */
function stores(): Storage[] {
  return [() => sessionStorage, () => localStorage].flatMap((store) => {
    try {
      return [store()];
    } catch {
      return [];
    }
  });
}

/** Takes the token from the address for this tab, and removes it there first. Returns whether there was one. */
export function takeTokenFromAddress(): boolean {
  const { hash, origin, pathname, search } = location;
  if (!hash.startsWith(FRAGMENT)) return false;
  history.replaceState(history.state, "", origin + pathname + search);
  let token = hash.slice(FRAGMENT.length);
  try {
    token = decodeURIComponent(token);
  } catch {
    // Not percent-encoded: taken as it is.
  }
  // One that was kept for longer remains.
  if (token.trim() !== "") write(() => sessionStorage, token.trim());
  return token.trim() !== "";
}

/** The token to send with; `null`: none is known. */
export function currentToken(): string | null {
  return here ?? stores().reduce<string | null>((found, store) => found ?? store.getItem(NAME), null);
}

/** Whether this browser may keep a token for longer than the tab: not from a page that came over plain http. */
export const canKeep = () => isSecureContext;

/** Uses a token that was typed from now on. `keep`: also after this tab is closed. */
export function useToken(text: string, keep: boolean): void {
  forgetToken();
  write(() => (keep && canKeep() ? localStorage : sessionStorage), text.trim());
}

function write(store: () => Storage, token: string): void {
  here = token;
  try {
    store().setItem(NAME, token);
  } catch {
    // It is here.
  }
}

/** Forgets the token, in the browser too; if one is given, only where it is this one. */
export function forgetToken(only: string | null = null): void {
  if (only === null || here === only) here = null;
  for (const store of stores()) if (only === null || store.getItem(NAME) === only) store.removeItem(NAME);
}
