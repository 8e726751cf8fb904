// Pictures, videos and sounds on the page, and when one was seen: when it was visible, or audible where there is
// nothing to see. A browser that lacks a codec may load and play a file all the same, without a word and without a
// picture.

import type { Showable } from "./media.ts";
import { h } from "./dom.ts";

/** How long a video may play without a picture, in seconds. */
const BLACK_S = 1.5;
/** Width and height of the sample of a picture, in pixels. */
const SAMPLE = 16;

/**
 * An element that shows `what`. `saw` is called when it could be seen; `failed` when it turns out that this browser
 * cannot show it, even if some of it was seen before.
 */
export function media(what: Showable, url: string, label: string, saw: () => void, failed: () => void): HTMLElement {
  if (what.kind === "photo") return photo(url, label, saw, failed);
  const element = h(what.kind === "video" ? "video" : "audio", { src: url, controls: true, onerror: failed });
  element.setAttribute("controlslist", "nodownload noremoteplayback");
  element.setAttribute("aria-label", label);
  if (!(element instanceof HTMLVideoElement)) {
    element.onplaying = saw;
    return element;
  }
  element.playsInline = true;
  element.disablePictureInPicture = true;
  watch(element, saw, failed);
  return element;
}

function photo(url: string, alt: string, saw: () => void, failed: () => void): HTMLImageElement {
  const image = h("img", { src: url, alt, draggable: false, onerror: failed });
  // A header that makes sense is enough for `load`; the pixels behind it are not decoded yet.
  image.onload = () => {
    isVisible(image).then((visible) => (visible ? saw() : failed()), failed);
  };
  return image;
}

/** Whether there is anything of a picture to be seen. Chromium also takes pictures without a pixel for decoded. */
async function isVisible(image: HTMLImageElement): Promise<boolean> {
  await image.decode();
  if (image.naturalWidth === 0) return false;
  const canvas = h("canvas", { width: SAMPLE, height: SAMPLE });
  const context = canvas.getContext("2d");
  context?.drawImage(image, 0, 0, SAMPLE, SAMPLE);
  const pixels = context?.getImageData(0, 0, SAMPLE, SAMPLE).data;
  if (pixels === undefined || pixels.some((value) => value > 0)) return true;
  // Blank, either because it is or because it could not be decoded.
  return createImageBitmap(image).then(
    () => true,
    () => false,
  );
}

/** A video was seen when it plays and has a picture. */
function watch(video: HTMLVideoElement, saw: () => void, failed: () => void): void {
  let playing = false;
  let drawn = false;
  // Older browsers do not report single frames: frames that were decoded and not dropped count as drawn.
  const isDrawn = () => {
    const { totalVideoFrames, droppedVideoFrames } = video.getVideoPlaybackQuality();
    return video.videoWidth > 0 && (drawn || totalVideoFrames > droppedVideoFrames);
  };
  const judge = () => {
    if (playing && isDrawn()) return saw();
    const late = video.ended || video.currentTime > BLACK_S;
    // Nothing is drawn for nobody.
    if (playing && late && !document.hidden) failed();
  };
  if ("requestVideoFrameCallback" in video) {
    video.requestVideoFrameCallback(() => {
      drawn = true;
      if (playing) judge();
    });
  }
  video.onloadedmetadata = () => {
    if (video.videoWidth === 0) failed();
  };
  video.onplaying = () => {
    playing = true;
    if (isDrawn()) saw();
  };
  video.ontimeupdate = judge;
  video.onended = judge;
}
