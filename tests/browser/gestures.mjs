// Gestures of fingers, as paths of points in pixels of the viewport. An engine provides `draw({ strokes })`. A stroke
// is { fingers: [[[x, y], ...], ...], milliseconds, pause }: every finger goes down at its first point, passes the
// others in equal times, and goes up at its last; then comes the pause.

/** Milliseconds that a finger of a tap rests, and between the two taps of a double tap. */
const TAP_MS = 40;
const BETWEEN_MS = 60;

const tap = (x, y, pause = 0) => ({ fingers: [[[x, y], [x, y]]], milliseconds: TAP_MS, pause });

/** Points at equal distances, `steps` + 1 of them. */
function line([fromX, fromY], [toX, toY], steps) {
  return Array.from({ length: steps + 1 }, (_, step) => [
    fromX + ((toX - fromX) * step) / steps,
    fromY + ((toY - fromY) * step) / steps,
  ]);
}

export const gestures = {
  tapAt: (tab, { x, y }) => tab.draw({ strokes: [tap(x, y)] }),
  doubleTap: (tab, { x, y }) => tab.draw({ strokes: [tap(x, y, BETWEEN_MS), tap(x, y)] }),
  swipe: (tab, { from, to, milliseconds = 150, steps = 8 }) =>
    tab.draw({ strokes: [{ fingers: [line(from, to, steps)], milliseconds, pause: 0 }] }),
  /** Two fingers left and right of the point, whose distance changes. `from`, `to`: distances in pixels. */
  pinch: (tab, { x, y, from, to, milliseconds = 300, steps = 10 }) => {
    const finger = (side) => line([x + (side * from) / 2, y], [x + (side * to) / 2, y], steps);
    return tab.draw({ strokes: [{ fingers: [finger(-1), finger(1)], milliseconds, pause: 0 }] });
  },
};
