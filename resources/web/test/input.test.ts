/** The tables and the pure parts of the input. */

import assert from "node:assert/strict";
import test from "node:test";
import { EVDEV, EVDEV_BUTTONS, evdevKey } from "../src/input/keymap";
import { contentRect, toFraction } from "../src/input/letterbox";
import { wheelDetents } from "../src/input/wheel";
import { isCode } from "../src/wire/input";

test("keys by place, checked against linux/input-event-codes.h", () => {
  const known: [string, number][] = [
    ["Escape", 1],
    ["Digit0", 11],
    ["KeyQ", 16],
    ["Enter", 28],
    ["ControlLeft", 29],
    ["KeyA", 30],
    ["Backquote", 41],
    ["ShiftLeft", 42],
    ["KeyZ", 44],
    ["ShiftRight", 54],
    ["Space", 57],
    ["F10", 68],
    ["Numpad7", 71],
    ["NumpadDecimal", 83],
    ["IntlBackslash", 86],
    ["F12", 88],
    ["IntlRo", 89],
    ["KanaMode", 93],
    ["NumpadEnter", 96],
    ["AltRight", 100],
    ["Home", 102],
    ["Delete", 111],
    ["AudioVolumeMute", 113],
    ["Pause", 119],
    ["IntlYen", 124],
    ["MetaLeft", 125],
    ["ContextMenu", 127],
    ["MediaTrackNext", 163],
    ["MediaPlayPause", 164],
    ["F13", 183],
    ["F24", 194],
  ];
  for (const [name, code] of known) assert.equal(evdevKey(name), code, name);
  assert.equal(evdevKey("Unidentified"), undefined);
});

test("every code can be carried by the wire, and only old names share one", () => {
  for (const [name, code] of EVDEV) assert.ok(isCode(code), name);
  for (const code of EVDEV_BUTTONS) assert.ok(isCode(code));
  const OLD = ["OSLeft", "OSRight", "VolumeMute", "VolumeDown", "VolumeUp"];
  const codes = [...EVDEV].filter(([name]) => !OLD.includes(name)).map(([, code]) => code);
  assert.equal(new Set(codes).size, codes.length);
});

test("a picture is fitted into its box", () => {
  const wide = contentRect({ x: 10, y: 20, width: 1000, height: 500 }, { width: 1280, height: 720 });
  assert.deepEqual(wide, { x: 10 + (1000 - (500 * 16) / 9) / 2, y: 20, width: (500 * 16) / 9, height: 500 });
  const high = contentRect({ x: 0, y: 0, width: 320, height: 640 }, { width: 1280, height: 720 });
  assert.deepEqual(high, { x: 0, y: 230, width: 320, height: 180 });
  const none = contentRect({ x: 0, y: 0, width: 0, height: 0 }, { width: 1280, height: 720 });
  assert.deepEqual(none, { x: 0, y: 0, width: 0, height: 0 });
});

test("points are fractions of the picture; the bars count as its edge", () => {
  const content = { x: 100, y: 50, width: 200, height: 100 };
  assert.deepEqual(toFraction(content, 200, 100), { x: 0.5, y: 0.5 });
  assert.deepEqual(toFraction(content, 100, 150), { x: 0, y: 1 });
  assert.deepEqual(toFraction(content, 0, 1000), { x: 0, y: 1 });
  assert.deepEqual(toFraction({ x: 0, y: 0, width: 0, height: 0 }, 5, 5), { x: 0, y: 0 });
});

test("the wheel in 120ths of a detent", () => {
  const still = { deltaX: 0, deltaY: 0, deltaMode: 0, shiftKey: false };
  // A mouse in Chromium: some pixels, and whole detents.
  assert.deepEqual(wheelDetents({ ...still, deltaY: 53, wheelDeltaY: -120 }), { dx: 0, dy: 120 });
  assert.deepEqual(wheelDetents({ ...still, deltaY: -200, wheelDeltaY: 240 }), { dx: 0, dy: -240 });
  // A touch pad: three times the pixels.
  assert.deepEqual(wheelDetents({ ...still, deltaY: 5, wheelDeltaY: -15 }), { dx: 0, dy: 6 });
  // Firefox: lines; a page is a detent.
  assert.deepEqual(wheelDetents({ ...still, deltaY: 3, deltaMode: 1 }), { dx: 0, dy: 120 });
  assert.deepEqual(wheelDetents({ ...still, deltaX: -1, deltaMode: 2 }), { dx: -120, dy: 0 });
  // Shift turns the wheel in the browser; the game is told what the wheel did.
  assert.deepEqual(wheelDetents({ ...still, deltaX: 100, shiftKey: true, wheelDeltaX: -120 }), { dx: 0, dy: 120 });
});
