// The create token of this relay's sender: from a link (`/send#token=…`) or typed once. It is kept for the tab, or in
// the browser if the sender asks for that and the page cannot have been changed on the way.

const NAME = "share.token";
const FRAGMENT = "#token=";

/** For browsers that store nothing. */
let here: string | null = null;

function each(act: (store: Storage) => void): void {
  for (const store of [() => sessionStorage, () => localStorage]) {
    try {
      act(store());
    } catch {
      // Some settings disable storage: the token is here.
    }
  }
}

/** Takes the token from the address, and removes it there first. Returns whether there was one. */
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
  if (token.trim() === "") return false;
  useToken(token, false);
  return true;
}

/** The token to send with; `null`: none is known. */
export function currentToken(): string | null {
  let found = here;
  each((store) => (found ??= store.getItem(NAME)));
  return found;
}

/** Whether this browser may keep a token for longer than the tab: not from a page that came over plain http. */
export const canKeep = () => isSecureContext;

/** Uses a token from now on. `keep`: also after this tab is closed. */
export function useToken(text: string, keep: boolean): void {
  // A link that is visited again does not end what the sender asked for.
  if (!keep && text.trim() === currentToken()) return;
  forgetToken();
  here = text.trim();
  try {
    (keep && canKeep() ? localStorage : sessionStorage).setItem(NAME, here);
  } catch {
    // It is here.
  }
}

/** Forgets the token, in the browser too. */
export function forgetToken(): void {
  here = null;
  each((store) => store.removeItem(NAME));
}
