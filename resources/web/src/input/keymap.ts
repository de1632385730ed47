/**
 * KeyboardEvent.code (W3C UI Events KeyboardEvent code Values) → evdev key code (linux/input-event-codes.h).
 *
 * Codes are places on the keyboard, not letters: the layout is the game machine's.
 */

/** Runs of neighbouring evdev codes: the first code, then the names in order. */
const RUNS: readonly (readonly [first: number, names: string])[] = [
  [1, "Escape Digit1 Digit2 Digit3 Digit4 Digit5 Digit6 Digit7 Digit8 Digit9 Digit0 Minus Equal Backspace"],
  [15, "Tab KeyQ KeyW KeyE KeyR KeyT KeyY KeyU KeyI KeyO KeyP BracketLeft BracketRight Enter"],
  [29, "ControlLeft KeyA KeyS KeyD KeyF KeyG KeyH KeyJ KeyK KeyL Semicolon Quote Backquote"],
  [42, "ShiftLeft Backslash KeyZ KeyX KeyC KeyV KeyB KeyN KeyM Comma Period Slash ShiftRight"],
  [55, "NumpadMultiply AltLeft Space CapsLock F1 F2 F3 F4 F5 F6 F7 F8 F9 F10 NumLock ScrollLock"],
  [71, "Numpad7 Numpad8 Numpad9 NumpadSubtract Numpad4 Numpad5 Numpad6 NumpadAdd"],
  [79, "Numpad1 Numpad2 Numpad3 Numpad0 NumpadDecimal"],
  // Zenkaku/hankaku, the key beside the left shift (ISO), F11, F12, ro, katakana, hiragana, henkan, kana, muhenkan.
  [85, "Lang5 IntlBackslash F11 F12 IntlRo Lang3 Lang4 Convert KanaMode NonConvert"],
  [96, "NumpadEnter ControlRight NumpadDivide PrintScreen AltRight"],
  [102, "Home ArrowUp PageUp ArrowLeft ArrowRight End ArrowDown PageDown Insert Delete"],
  [113, "AudioVolumeMute AudioVolumeDown AudioVolumeUp Power NumpadEqual NumpadChangeSign Pause"],
  // Hangul, hanja, yen; the menu key is KEY_COMPOSE.
  [121, "NumpadComma Lang1 Lang2 IntlYen MetaLeft MetaRight ContextMenu BrowserStop Again Props Undo"],
  [133, "Copy Open Paste Find Cut Help"],
  [142, "Sleep WakeUp LaunchApp1"],
  [155, "LaunchMail BrowserFavorites"],
  [158, "BrowserBack BrowserForward"],
  [163, "MediaTrackNext MediaPlayPause MediaTrackPrevious MediaStop MediaRecord MediaRewind"],
  [171, "MediaSelect BrowserHome BrowserRefresh"],
  [179, "NumpadParenLeft NumpadParenRight"],
  [183, "F13 F14 F15 F16 F17 F18 F19 F20 F21 F22 F23 F24"],
  [207, "MediaPlay MediaFastForward"],
  [224, "BrightnessDown BrightnessUp"],
  [231, "MailSend MailReply MailForward"],
];

/** Single codes, and older names of keys that are in the runs. */
const SINGLES: readonly (readonly [code: number, name: string])[] = [
  [125, "OSLeft"],
  [126, "OSRight"],
  [113, "VolumeMute"],
  [114, "VolumeDown"],
  [115, "VolumeUp"],
  [140, "LaunchApp2"],
  [161, "Eject"],
  [201, "MediaPause"],
  [217, "BrowserSearch"],
  [227, "DisplayToggleIntExt"],
  [248, "MicrophoneMuteToggle"],
];

/** The table itself. */
export const EVDEV: ReadonlyMap<string, number> = new Map([
  ...RUNS.flatMap(([first, names]) => names.split(" ").map((name, i) => [name, first + i] as const)),
  ...SINGLES.map(([code, name]) => [name, code] as const),
]);

/** The evdev code of a key, or undefined for a key that the table doesn't know. */
export function evdevKey(code: string): number | undefined {
  return EVDEV.get(code);
}

/** The evdev code of a key of which only the name (KeyboardEvent.key) is known: those that make no character are called as their places are. */
export function evdevNamed(key: string): number | undefined {
  return key.length > 1 ? EVDEV.get(key) : undefined;
}

/** BTN_LEFT, and the buttons of MouseEvent.buttons in the order of its bits: left, right, middle, back, forward. */
export const EVDEV_BUTTONS: readonly number[] = [0x110, 0x111, 0x112, 0x113, 0x114];
