/**
 * The game's cursor, drawn here: as the browser's own cursor while our pointer is the game's (so that it doesn't wait
 * for the network), as an element over the picture when somebody else moves it or the pointer is locked.
 */

import type { Rect, Size } from "./input/letterbox";
import type { CursorImage, Update } from "./wire/cursor";

/** Chromium ignores larger cursors. */
const MAX_CSS_SIDE = 128;

export class Cursor {
  readonly #stage: HTMLElement;
  readonly #element: HTMLCanvasElement;
  #image: CursorImage | undefined;
  #position = { x: 0, y: 0 };
  #hidden = false;
  #mode: "own" | "remote" = "remote";
  #picture: Rect = { x: 0, y: 0, width: 0, height: 0 };
  #output: Size = { width: 0, height: 0 };
  /** What the CSS cursor was made of. */
  #made: { image: CursorImage; scale: number; ratio: number; css: string } | undefined;

  constructor(stage: HTMLElement, element: HTMLCanvasElement) {
    this.#stage = stage;
    this.#element = element;
    this.#show();
  }

  apply(updates: readonly Update[]): void {
    for (const update of updates) {
      switch (update.kind) {
        case "image":
          this.#setImage(update);
          break;
        case "position":
          this.#position = { x: update.x, y: update.y };
          break;
        case "hidden":
        case "visible":
          this.#hidden = update.kind === "hidden";
          break;
      }
    }
    this.#show();
  }

  /** Who moves it: our pointer, or what the server tells. */
  setMode(mode: "own" | "remote"): void {
    this.#mode = mode;
    this.#show();
  }

  /** Where the picture is (CSS pixels of the viewport) and what it shows (output pixels). */
  setPlace(picture: Rect, output: Size): void {
    this.#picture = picture;
    this.#output = output;
    this.#show();
  }

  #setImage(image: CursorImage): void {
    this.#image = image;
    this.#hidden = false;
    this.#element.width = image.width;
    this.#element.height = image.height;
    this.#element.getContext("2d")?.putImageData(pixels(image), 0, 0);
  }

  #show(): void {
    const own = this.#mode === "own";
    const image = this.#image;
    this.#stage.style.cursor = !own ? "default" : this.#hidden ? "none" : image ? this.#css(image) : "default";
    const visible = !own && !this.#hidden && image !== undefined && this.#output.width > 0;
    this.#element.hidden = !visible;
    if (!visible) return;
    const scale = this.#picture.width / this.#output.width;
    const x = this.#picture.x + (this.#position.x - image.hotX) * scale;
    const y = this.#picture.y + (this.#position.y - image.hotY) * scale;
    this.#element.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
  }

  /** The image as a CSS cursor, as large as it would be in the picture. */
  #css(image: CursorImage): string {
    const ratio = devicePixelRatio;
    const wish = this.#output.width > 0 ? this.#picture.width / this.#output.width : 1;
    const scale = Math.min(wish, MAX_CSS_SIDE / image.width, MAX_CSS_SIDE / image.height);
    const made = this.#made;
    if (made && made.image === image && made.scale === scale && made.ratio === ratio) return made.css;
    const [width, height] = [image.width, image.height].map((side) => Math.max(1, Math.round(side * scale * ratio)));
    const canvas = document.createElement("canvas");
    canvas.width = width ?? 1;
    canvas.height = height ?? 1;
    const context = canvas.getContext("2d");
    if (!context) return "default";
    context.imageSmoothingQuality = "high";
    context.drawImage(this.#element, 0, 0, canvas.width, canvas.height);
    const [hotX, hotY] = [image.hotX, image.hotY].map((at) => Math.floor(at * scale));
    const css = `image-set(url("${canvas.toDataURL()}") ${ratio}x) ${hotX} ${hotY}, default`;
    this.#made = { image, scale, ratio, css };
    return css;
  }
}

function pixels(image: CursorImage): ImageData {
  return new ImageData(new Uint8ClampedArray(image.rgba.buffer), image.width, image.height);
}
