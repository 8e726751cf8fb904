// Files and text that a person drags onto a page or pastes there, by synthetic events: no engine has a command for it.
// All engines can do both. `choose`, which fills in a file input as the browser's dialog does, is a command of each.
//
// {"do":"drop","selector":…,"paths":[…],"text":…}    drags files and a text over an element, and drops them there
// {"do":"paste","selector":…,"paths":[…],"text":…}   pastes them into an element
//
// Both answer whether the page took the data itself, which is whether it prevented the browser's own action. The files
// travel as text: some megabytes at most.

import { readFileSync } from "node:fs";
import { basename, extname } from "node:path";

/** Types that browsers find by the extension. */
const TYPES = {
  ".gif": "image/gif",
  ".jpeg": "image/jpeg",
  ".jpg": "image/jpeg",
  ".mov": "video/quicktime",
  ".mp4": "video/mp4",
  ".pdf": "application/pdf",
  ".png": "image/png",
  ".txt": "text/plain",
  ".webp": "image/webp",
};

const fileOf = (path) => ({
  name: basename(path),
  type: TYPES[extname(path).toLowerCase()] ?? "",
  content: readFileSync(path).toString("base64"),
});

/** Hands the data to `selector` by `events`, whose class and member for the data are given. */
const hand = (Event, member, events) => (tab, { selector = "body", paths = [], text = null }) =>
  tab.value({
    code: `((files, text, selector) => {
      const data = new DataTransfer();
      for (const { name, type, content } of files) {
        const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
        data.items.add(new File([bytes], name, { type }));
      }
      if (text !== null) data.setData("text/plain", text);
      const taken = ${JSON.stringify(events)}.map((name) => {
        const event = new ${Event}(name, { bubbles: true, cancelable: true, composed: true });
        // Firefox's constructor of ClipboardEvent takes no data.
        Object.defineProperty(event, "${member}", { value: data });
        return !document.querySelector(selector).dispatchEvent(event);
      });
      return taken.at(-1);
    })(${JSON.stringify(paths.map(fileOf))}, ${JSON.stringify(text)}, ${JSON.stringify(selector)})`,
  });

export const handing = {
  drop: hand("DragEvent", "dataTransfer", ["dragenter", "dragover", "drop"]),
  paste: hand("ClipboardEvent", "clipboardData", ["paste"]),
};
