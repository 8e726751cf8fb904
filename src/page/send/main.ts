// The page that sends.

import { h, redrawable, showMessage } from "../dom.ts";
import { settled } from "../language.ts";
import { message } from "../texts.ts";

// A page that waits, such as in a hidden tab, is no page that did not arrive.
document.querySelector(".late")!.remove();
void settled().then(() =>
  redrawable(() =>
    showMessage(message("landing.send"), h("pre", { className: "commands" }, "share send photo.jpg")),
  ),
);
