/** Where the picture lies in its box, and which part of it a point of the page is. Pure. */

/** A rectangle in CSS pixels. */
export interface Rect {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** A size in any unit. */
export interface Size {
  width: number;
  height: number;
}

/** The largest rectangle of the picture's aspect centred in `box` (CSS `object-fit: contain`). */
export function contentRect(box: Rect, picture: Size): Rect {
  if (picture.width <= 0 || picture.height <= 0 || box.width <= 0 || box.height <= 0) return { ...box };
  const scale = Math.min(box.width / picture.width, box.height / picture.height);
  const width = picture.width * scale;
  const height = picture.height * scale;
  return { x: box.x + (box.width - width) / 2, y: box.y + (box.height - height) / 2, width, height };
}

/** A point of the page as a fraction of the picture, 0 to 1; points in the bars are moved to the picture's edge. */
export function toFraction(content: Rect, x: number, y: number): { x: number; y: number } {
  const part = (at: number, from: number, length: number): number =>
    length > 0 ? Math.min(1, Math.max(0, (at - from) / length)) : 0;
  return { x: part(x, content.x, content.width), y: part(y, content.y, content.height) };
}
