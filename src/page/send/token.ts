// The question for the token that a relay wants from senders.

import { h, live, redrawable, screen } from "../dom.ts";
import { printable } from "../safe_text.ts";
import { canKeep } from "../upload/token.ts";
import { HOST, page } from "./state.ts";
import { message, words } from "./texts.ts";

/** Asks for the token. `entered` checks it, and throws nothing: it resolves to an error in words, or to "". */
export function askToken(entered: (token: string, keep: boolean) => Promise<string>, before = () => ""): void {
  let [typed, isKept, isTrying, outcome] = ["", false, false, before];
  redrawable(() => {
    const { title, lines } = message("token.ask", { host: HOST });
    const field: HTMLInputElement = h("input", {
      ...{ id: "token", type: "password", autocomplete: "off", spellcheck: false, required: true, value: typed },
      oninput: () => (typed = field.value),
    });
    field.setAttribute("autocapitalize", "none");
    field.setAttribute("autocorrect", "off");
    const shown = h("input", {
      id: "show",
      type: "checkbox",
      onchange: () => (field.type = shown.checked ? "text" : "password"),
    });
    const keep = h("input", {
      ...{ id: "keep", type: "checkbox", checked: isKept },
      onchange: () => (isKept = keep.checked),
    });
    const status = live();
    const go = h("button", { type: "submit", className: "main" }, words("passphrase.go"));
    const onsubmit = async (event: SubmitEvent) => {
      event.preventDefault();
      if (isTrying || typed.trim() === "") return;
      isTrying = go.disabled = true;
      status.textContent = words("token.checking");
      const error = await entered(typed.trim(), isKept);
      isTrying = go.disabled = false;
      status.textContent = error;
      if (error !== "") field.select();
    };
    const contact = page.about?.contact ?? null;
    const where =
      contact === null
        ? words("token.no_contact", { host: HOST })
        : words("token.contact", { contact: printable(contact) });
    screen(
      title,
      ...lines.map((line) => h("p", {}, line)),
      h(
        "form",
        { onsubmit: (event: SubmitEvent) => void onsubmit(event) },
        h("label", { htmlFor: "token" }, words("token.label")),
        h("div", { className: "row" }, field, go),
        h("div", { className: "check" }, shown, h("label", { htmlFor: "show" }, words("token.show"))),
        canKeep() ? h("div", { className: "check" }, keep, h("label", { htmlFor: "keep" }, words("token.keep"))) : null,
      ),
      status,
      h("p", { className: "note" }, where),
    );
    go.disabled = isTrying;
    status.textContent = isTrying ? words("token.checking") : outcome();
    outcome = () => "";
  });
}
