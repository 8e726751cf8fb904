// The place of a picture on the stage: fitted, zoomed at a point, and never beyond its edges. Lengths are CSS pixels of
// the stage, except sizes of pictures, which are pixels of the picture.

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** The place of a picture. `x` and `y`: its top left corner. `scale`: CSS pixels per pixel of the picture. */
export interface Place extends Point {
  readonly scale: number;
}

/** The most by which a picture that is smaller than the stage is enlarged to fill it. */
const MAX_ENLARGED = 8;
/** The closest look: this many times the size of a tap's zoom. */
const MAX_CLOSER = 4;
/** A tap on a picture whose own pixels are not this much larger than the fitted ones zooms by `TAP` instead. */
const WORTHWHILE = 1.25;
const TAP = 2;

/** The whole picture in the middle of the stage. */
export function fitted(picture: Size, stage: Size): Place {
  const scale = Math.min(stage.width / picture.width, stage.height / picture.height, MAX_ENLARGED);
  return bounded({ scale, x: 0, y: 0 }, picture, stage);
}

/**
 * The scale of a tap: one pixel of the picture per pixel of the screen, or twice the fitted size if that is not larger.
 * `density`: pixels of the screen per CSS pixel.
 */
export function closeUp(picture: Size, stage: Size, density: number): number {
  const fit = fitted(picture, stage).scale;
  return 1 / density >= fit * WORTHWHILE ? 1 / density : fit * TAP;
}

/** The closest that a picture can be zoomed. */
export function closest(picture: Size, stage: Size, density: number): number {
  return closeUp(picture, stage, density) * MAX_CLOSER;
}

/** Zooms to a scale, so that the pixel at `from` moves to `to`, as far as the edges allow. */
export function zoomed(place: Place, scale: number, from: Point, to: Point, picture: Size, stage: Size): Place {
  const by = scale / place.scale;
  const [x, y] = [to.x - (from.x - place.x) * by, to.y - (from.y - place.y) * by];
  return bounded({ scale, x, y }, picture, stage);
}

/** Keeps the middle of the stage on the same pixel when the stage changes its size. */
export function resized(place: Place, picture: Size, before: Size, stage: Size): Place {
  const [x, y] = [(stage.width - before.width) / 2, (stage.height - before.height) / 2];
  return bounded({ ...place, x: place.x + x, y: place.y + y }, picture, stage);
}

/** Moves a picture so that it leaves no avoidable gap: what is smaller than the stage is centered. */
export function bounded(place: Place, picture: Size, stage: Size): Place {
  const along = (at: number, length: number, room: number) =>
    length <= room ? (room - length) / 2 : Math.min(0, Math.max(room - length, at));
  return {
    scale: place.scale,
    x: along(place.x, picture.width * place.scale, stage.width),
    y: along(place.y, picture.height * place.scale, stage.height),
  };
}
