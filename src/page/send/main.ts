// The page that sends: from what the user chooses to links, and what became of those that were sent before.

import { redrawable, showMessage } from "../dom.ts";
import { settled } from "../language.ts";
import { readLink } from "../link.ts";
import { hold } from "../upload/outbox.ts";
import { sweep } from "../upload/status.ts";
import { takeTokenFromAddress } from "../upload/token.ts";
import { commandToSend } from "./choosing.ts";
import { begin } from "./flow.ts";
import { listen } from "./intake.ts";
import { message } from "./texts.ts";

/** Whether this browser has the interfaces that the page needs. */
function isSupported(): boolean {
  const needed = ["ReadableStream", "TransformStream", "TextDecoder", "BigInt", "AbortController", "Blob", "fetch"];
  return (
    needed.every((name) => name in globalThis) &&
    "timeout" in AbortSignal &&
    "getRandomValues" in (globalThis.crypto ?? {})
  );
}

function start(): void {
  // A link to open belongs to the other page. The fragment is in no request.
  if ("payload" in readLink(location.hash.slice(1))) return location.replace(`./${location.hash}`);
  takeTokenFromAddress();
  listen();
  void hold().then(sweep);
  void begin(settled());
}

// Another address in this tab, such as a link with a token, starts the page again.
addEventListener("hashchange", () => location.reload());
// A page that comes back from the browser's back/forward cache would show links that it has promised to forget.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

// A hidden page is covered: a phone's list of open apps shows a picture of each.
document.addEventListener("visibilitychange", () => document.body.classList.toggle("covered", document.hidden));

// A page that waits, such as in a hidden tab, is no page that did not arrive.
document.querySelector(".late")!.remove();
if (isSupported()) start();
else void settled().then(() => redrawable(() => showMessage(message("unsupported"), commandToSend())));
