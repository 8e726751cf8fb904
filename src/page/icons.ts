// Icons, drawn as lines on a field of 24 by 24.

const PATHS = {
  close: "M6 6l12 12M18 6L6 18",
  previous: "M15 5l-7 7 7 7",
  next: "M9 5l7 7-7 7",
  save: "M12 4v11M7 10l5 5 5-5M5 20h14",
  saveAll: "M12 3v8M8 7l4 4 4-4M5 15.5h14M5 20h14",
  share: "M12 15V3.5M8 7l4-4 4 4M8 11H5.5v9.5h13V11H16",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  report: "M6 21V4h12.5l-3 4.5 3 4.5H6",
  play: "M8 5l11 7-11 7z",
  pause: "M8.5 5v14M15.5 5v14",
  seen: "M5 12.5l4.5 4.5L19 7.5",
  photo: "M4 5h16v14H4zM4 16l5-5 4.5 4.5L16 13l4 4",
  video: "M3.5 6.5h11v11h-11zM14.5 10.5l6-3v9l-6-3z",
  sound: "M9 18V6l10-2v12M9 18a2.5 2 0 1 1-5 0 2.5 2 0 0 1 5 0zM19 16a2.5 2 0 1 1-5 0 2.5 2 0 0 1 5 0z",
  text: "M6 4h12v16H6zM9 9h6M9 12.5h6M9 16h3",
  file: "M6.5 3.5H14l4 4v13H6.5zM14 3.5v4h4",
};

/** The name of an icon. */
export type Icon = keyof typeof PATHS;

const SVG = "http://www.w3.org/2000/svg";

/** An icon. Its meaning is in the words beside it, so screen readers skip it. */
export const icon = (name: Icon) => drawing(name, PATHS[name]);

/** Lines on the field of icons, with a class. */
export function drawing(name: string, lines: string): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", `icon ${name}`);
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", lines);
  svg.append(path);
  return svg;
}
