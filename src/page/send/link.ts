// A link that was made: its field, and the ways to the recipient.

import encodeQR from "qr";
import { button, h, theirs } from "../dom.ts";
import { icon as shared } from "../icons.ts";
import { icon } from "./icons.ts";
import { words } from "./texts.ts";

const SVG = "http://www.w3.org/2000/svg";
/** Light modules around a QR code, as its standard demands. */
const QUIET = 4;

/** Copies the link in a field. Returns whether that was possible. */
async function copied(field: HTMLInputElement): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(field.value);
    return true;
  } catch {
    // Without TLS there is no clipboard interface: this copies the selection instead.
    field.focus({ preventScroll: true });
    field.setSelectionRange(0, field.value.length);
    return document.execCommand("copy");
  }
}

/** The link as a QR code, drawn once it is shown. */
function code(link: string, isOpen: boolean, shown: () => void): HTMLElement {
  const place = h("div", { className: "code" });
  const summary = h("summary", {}, words("sent.code"));
  const details: HTMLDetailsElement = h(
    "details",
    {
      open: isOpen,
      ontoggle: () => {
        if (!details.open || place.childElementCount > 0) return;
        place.append(drawn(link));
        shown();
      },
    },
    summary,
    place,
  );
  if (isOpen) place.append(drawn(link));
  return details;
}

function drawn(link: string): SVGSVGElement {
  const rows = encodeQR(link, "raw", { ecc: "medium", border: QUIET });
  const lines = rows.flatMap((row, y) => row.map((is, x) => (is ? `M${x} ${y}h1v1h-1z` : "")));
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${rows.length} ${rows.length}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", words("sent.code"));
  svg.setAttribute("shape-rendering", "crispEdges");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", lines.join(""));
  svg.append(path);
  return svg;
}

/**
 * The link for a recipient, with its buttons. `isOnly`: no other link is shown. `say` shows words about what was done;
 * `passed` is called when the link was copied or shared.
 */
export function linkCard(
  link: string,
  recipient: string | null,
  isOnly: boolean,
  say: (text: string) => void,
  passed: () => void,
): HTMLElement[] {
  const field = h("input", {
    ...{ className: "link", value: link, readOnly: true },
    onfocus: () => field.select(),
    oncopy: passed,
  });
  // Firefox stores the content of other fields for its next session.
  field.autocomplete = "off";
  const label = recipient === null ? words("sent.link") : words("sent.link_for", { name: recipient });
  field.setAttribute("aria-label", label);
  field.dir = "ltr";
  const copy = button(words("sent.copy"), () => {
    void copied(field).then((is) => {
      say(words(is ? "showing.copied" : "showing.not_copied"));
      if (is) passed();
    });
  }, "main");
  copy.prepend(shared("copy"));
  const share = button(words("showing.share"), () => {
    // Only the address: a title or a text would become part of what some apps send.
    navigator.share({ url: link }).then(
      () => {
        say(words("showing.shared"));
        passed();
      },
      (error: unknown) => {
        // A changed mind, or a sheet that is open already.
        const isHarmless = error instanceof DOMException && ["AbortError", "InvalidStateError"].includes(error.name);
        say(isHarmless ? "" : words("sent.not_shared"));
      },
    );
  });
  share.prepend(shared("share"));
  const canShare = "share" in navigator && navigator.canShare?.({ url: link }) !== false;
  const qr = code(link, isOnly && matchMedia("(min-width: 40em)").matches, passed);
  qr.querySelector("summary")!.prepend(icon("qr"));
  return [
    ...(recipient === null ? [] : [h("h2", {}, theirs(recipient))]),
    field,
    h("div", { className: "row ways-out" }, copy, canShare ? share : null),
    qr,
  ];
}
