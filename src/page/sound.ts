// A sound on the stage: a large button, the time, and a slider.

import { button, h } from "./dom.ts";
import { icon } from "./icons.ts";
import { clock, words } from "./texts.ts";

/** A player for a sound. `label` names the sound for screen readers. */
export function soundPlayer(audio: HTMLAudioElement, label: string): HTMLElement {
  const play = button("", () => void (audio.paused ? audio.play().catch(() => {}) : audio.pause()), "play");
  const slider = h("input", { type: "range", min: "0", step: "any", value: "0" });
  const time = h("p", { className: "clock" });
  slider.setAttribute("aria-label", words("showing.position"));
  slider.oninput = () => {
    audio.currentTime = Number(slider.value);
  };
  const draw = () => {
    // Some sounds have no known end, such as recordings of browsers.
    const [at, length] = [audio.currentTime, Number.isFinite(audio.duration) ? audio.duration : null];
    slider.disabled = length === null;
    slider.max = String(length ?? 1);
    slider.value = String(at);
    const text = length === null ? clock(at) : words("showing.clock", { at: clock(at), length: clock(length) });
    time.textContent = text;
    slider.setAttribute("aria-valuetext", text);
  };
  const turn = () => {
    play.replaceChildren(icon(audio.paused ? "play" : "pause"));
    play.setAttribute("aria-label", audio.paused ? words("showing.play") : words("showing.pause"));
  };
  for (const event of ["timeupdate", "durationchange", "seeked"]) audio.addEventListener(event, draw);
  for (const event of ["play", "pause", "ended"]) audio.addEventListener(event, turn);
  draw();
  turn();
  const player = h("div", { className: "player" }, play, slider, time, audio);
  player.setAttribute("role", "group");
  player.setAttribute("aria-label", label);
  return player;
}
