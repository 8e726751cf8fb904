// Photos, videos and sounds on the page, and when they count as seen: a photo once it is decoded, a video once a frame
// was drawn, a sound once it plays. A browser that lacks a codec may play a video without an error and without a
// picture.

import type { Showable } from "./media.ts";
import { h } from "./dom.ts";
import { soundPlayer } from "./sound.ts";

/** The time after which a video without a picture counts as failed, in seconds. */
const BLACK_S = 1.5;
/** Width and height of the sample of a photo, in pixels. */
const SAMPLE = 16;

/**
 * An element that shows `what`. `saw` is called when it counts as seen, and `failed` when this browser cannot show it,
 * even after `saw`.
 */
export function media(what: Showable, url: string, label: string, saw: () => void, failed: () => void): HTMLElement {
  if (what.kind === "photo") return photo(url, label, saw, failed);
  if (what.kind !== "video")
    return soundPlayer(h("audio", { src: url, onerror: failed, onplaying: saw }), label);
  const element = h("video", { src: url, controls: true, playsInline: true, onerror: failed });
  element.setAttribute("controlslist", "nodownload noremoteplayback");
  element.setAttribute("aria-label", label);
  element.disablePictureInPicture = true;
  watch(element, saw, failed);
  return element;
}

function photo(url: string, alt: string, saw: () => void, failed: () => void): HTMLImageElement {
  const image = h("img", { src: url, alt, draggable: false, onerror: failed });
  // `load` only needs a valid header: the pixels are not decoded yet.
  image.onload = () => {
    isVisible(image).then((visible) => (visible ? saw() : failed()), failed);
  };
  return image;
}

/** Whether a photo has visible pixels. Chromium reports photos without any pixel data as decoded. */
async function isVisible(image: HTMLImageElement): Promise<boolean> {
  await image.decode();
  if (image.naturalWidth === 0) return false;
  const canvas = h("canvas", { width: SAMPLE, height: SAMPLE });
  const context = canvas.getContext("2d");
  context?.drawImage(image, 0, 0, SAMPLE, SAMPLE);
  const pixels = context?.getImageData(0, 0, SAMPLE, SAMPLE).data;
  if (pixels === undefined || pixels.some((value) => value > 0)) return true;
  // Fully transparent: either the photo is, or it could not be decoded.
  return createImageBitmap(image).then(
    () => true,
    () => false,
  );
}

/** Calls `saw` when a video plays and has drawn a frame. */
function watch(video: HTMLVideoElement, saw: () => void, failed: () => void): void {
  let playing = false;
  let drawn = false;
  // Older browsers do not report single frames: decoded frames that were not dropped count as drawn.
  const isDrawn = () => {
    const { totalVideoFrames, droppedVideoFrames } = video.getVideoPlaybackQuality();
    return video.videoWidth > 0 && (drawn || totalVideoFrames > droppedVideoFrames);
  };
  const judge = () => {
    if (playing && isDrawn()) return saw();
    const late = video.ended || video.currentTime > BLACK_S;
    // Browsers draw no frames in a hidden page.
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
