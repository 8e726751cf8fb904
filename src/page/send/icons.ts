// Icons of the page that sends, beside those of the page that opens.

import { drawing } from "../icons.ts";

const PATHS = {
  camera: "M4 8h3.5l1.5-2.5h6L16.5 8H20v11H4zM15.5 13.2a3.5 3.5 0 1 1-7 0 3.5 3.5 0 0 1 7 0z",
  add: "M12 5v14M5 12h14",
  remove: "M7 7l10 10M17 7L7 17",
  qr: "M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM14 14h2.5v2.5M20 14v2.5M17 20h3v-3.5M14 18v2",
  alert: "M12 4.5l8.5 15h-17zM12 10v4.5M12 16.8v.4",
};

/** An icon of the page that sends. Its meaning is in the words beside it, so screen readers skip it. */
export const icon = (name: keyof typeof PATHS) => drawing(name, PATHS[name]);
