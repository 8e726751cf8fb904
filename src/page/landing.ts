// The relay's bare address: what this is, and how to send something.

import { h, redrawable, screen, showMessage } from "./dom.ts";
import * as relay from "./relay.ts";
import { message, words } from "./texts.ts";

/** Shows what this address is. */
export function land(): void {
  redrawable(draw);
}

function draw(): void {
  const [navigation] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
  // The relay sends this page for paths that it does not know, too. Some browsers hide the status.
  const status = navigation?.responseStatus || (location.pathname.endsWith("/") ? 200 : 404);
  if (status === 404) return showMessage(message("link.no-key"));
  const what = message("landing.what");
  const lost = message("landing.message");
  const sending = message("landing.send");
  const commands = h("pre", { className: "commands" }, "share send photo.jpg");
  const token = h("p", { hidden: true }, words("landing.token"));
  const here = h("p", { hidden: true }, h("a", { href: "send" }, words("landing.browser")));
  screen(
    what.title,
    ...what.lines.map((line) => h("p", {}, line)),
    h("section", { className: "bubble" }, h("h2", {}, lost.title), ...lost.lines.map((line) => h("p", {}, line))),
    h("h2", {}, sending.title),
    here,
    ...sending.lines.map((line) => h("p", {}, line)),
    token,
    commands,
  );
  void relay.about().then(
    ({ create, public_url, send }) => {
      // A sender's own computer takes no shares of others.
      if (!send) return;
      here.hidden = false;
      token.hidden = create === "open";
      commands.prepend(`share relay use ${public_url ?? new URL(".", location.href).href}\n`);
    },
    () => {},
  );
}
