//! Hotkeys: chords that are ours and that the game does not see. Pure; what an action does is `State::hotkey`.
//!
//! The modifiers of a chord reach the game, its last key does not. Keys are places on a US keyboard, whatever the layout.
//! While the keyboard is grabbed (`-g`, Super+G), or a client asked for every key, the game gets all chords but the one that
//! begins or ends the grab.

use std::str::FromStr;

/// What a hotkey does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Makes every main window fill the output, or leaves it to them.
    Fullscreen,
    /// Nearest or linear.
    Nearest,
    /// FSR or linear.
    Fsr,
    /// NIS or linear.
    Nis,
    /// FSR or NIS sharpens more.
    Sharper,
    /// FSR or NIS sharpens less.
    Softer,
    /// A screenshot.
    Screenshot,
    /// The game gets our hotkeys, or we do.
    Grab,
    /// Players are asked for relative motion always, or when the game locks the pointer.
    GrabPointer,
}

/// Their names, and gamescope's chords for them.
const ACTIONS: [(&str, Action, &str); 9] = [
    ("fullscreen", Action::Fullscreen, "super+f"),
    ("nearest", Action::Nearest, "super+n"),
    ("fsr", Action::Fsr, "super+u"),
    ("nis", Action::Nis, "super+y"),
    ("sharper", Action::Sharper, "super+o"),
    ("softer", Action::Softer, "super+i"),
    ("screenshot", Action::Screenshot, "super+s"),
    ("grab", Action::Grab, "super+g"),
    // Ours: gamescope has none.
    ("grab-pointer", Action::GrabPointer, "super+p"),
];

const CTRL: u8 = 1;
const SHIFT: u8 = 2;
const ALT: u8 = 4;
const SUPER: u8 = 8;

/// The modifier that a key is (evdev's codes).
fn modifier(code: u16) -> Option<u8> {
    Some(match code {
        29 | 97 => CTRL,
        42 | 54 => SHIFT,
        56 | 100 => ALT,
        125 | 126 => SUPER,
        _ => return None,
    })
}

/// Modifiers and a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Chord {
    modifiers: u8,
    code: u16,
}

impl FromStr for Chord {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let mut modifiers = 0;
        let mut parts: Vec<&str> = text.split('+').map(str::trim).collect();
        let key = parts.pop().unwrap_or_default();
        for part in parts {
            modifiers |= match part {
                "ctrl" => CTRL,
                "shift" => SHIFT,
                "alt" => ALT,
                "super" => SUPER,
                _ => return Err(format!("{part:?} is none of ctrl, shift, alt, super")),
            };
        }
        if modifiers == 0 {
            return Err(format!("{text:?} lacks a modifier, such as super+{key}"));
        }
        let code = code(key).ok_or_else(|| format!("{key:?} is none of a to z, 0 to 9, f1 to f12"))?;
        Ok(Self { modifiers, code })
    }
}

/// evdev's code of a key by its US label.
fn code(key: &str) -> Option<u16> {
    let rows: [(&str, u16); 4] = [
        ("1234567890", 2),
        ("qwertyuiop", 16),
        ("asdfghjkl", 30),
        ("zxcvbnm", 44),
    ];
    if let Some(number) = key.strip_prefix('f').and_then(|n| n.parse::<u16>().ok()) {
        return match number {
            1..=10 => Some(58 + number),
            11 | 12 => Some(76 + number),
            _ => None,
        };
    }
    let mut chars = key.chars();
    let (c, None) = (chars.next()?, chars.next()) else {
        return None;
    };
    rows.iter().find_map(|(row, first)| Some(first + row.find(c)? as u16))
}

/// Which chord does what: `--hotkeys`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bindings(Vec<(Chord, Action)>);

impl Default for Bindings {
    fn default() -> Self {
        let all = ACTIONS
            .iter()
            .filter_map(|(_, action, chord)| Some((chord.parse().ok()?, *action)));
        Self(all.collect())
    }
}

impl FromStr for Bindings {
    type Err = String;
    /// `none`, or changes to the default: `screenshot=ctrl+alt+s,fsr=none`.
    fn from_str(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(Self(Vec::new()));
        }
        let mut bindings = Self::default();
        for part in text.split(',').map(str::trim).filter(|p| !p.is_empty()) {
            let wanted = || "ACTION=CHORD is wanted, such as screenshot=ctrl+alt+s or fsr=none".to_owned();
            let (name, chord) = part.split_once('=').ok_or_else(wanted)?;
            let (name, chord) = (name.trim(), chord.trim());
            let names = || ACTIONS.map(|(n, ..)| n).join(", ");
            let found = ACTIONS.iter().find(|(n, ..)| *n == name);
            let (_, action, _) = found.ok_or_else(|| format!("{name:?} is none of {}", names()))?;
            bindings.0.retain(|(_, a)| a != action);
            if chord != "none" {
                bindings.0.push((chord.parse()?, *action));
            }
        }
        Ok(bindings)
    }
}

/// What becomes of a key event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is the game's.
    Forward,
    /// It is ours, and nothing is to be done.
    Swallow,
    /// It is ours.
    Do(Action),
}

/// The keys that are down.
#[derive(Debug, Default)]
pub struct Hotkeys {
    bindings: Bindings,
    /// The game gets our chords.
    pub grabbed: bool,
    /// A client asked for them (keyboard-shortcuts-inhibit, `XGrabKeyboard`).
    pub inhibited: bool,
    /// Modifier keys that are down.
    held: Vec<u16>,
    /// Keys whose press was ours, so that their release is, too.
    ours: Vec<u16>,
}

impl Hotkeys {
    /// With these chords; `grabbed`: the game gets them.
    pub fn new(bindings: Bindings, grabbed: bool) -> Self {
        Self {
            bindings,
            grabbed,
            ..Self::default()
        }
    }

    /// A key went down or up.
    pub fn key(&mut self, code: u16, pressed: bool) -> Verdict {
        if modifier(code).is_some() {
            self.held.retain(|c| *c != code);
            if pressed {
                self.held.push(code);
            }
            return Verdict::Forward;
        }
        if !pressed {
            let before = self.ours.len();
            self.ours.retain(|c| *c != code);
            return if self.ours.len() < before {
                Verdict::Swallow
            } else {
                Verdict::Forward
            };
        }
        let modifiers = self.held.iter().filter_map(|c| modifier(*c)).fold(0, |a, b| a | b);
        let chord = Chord { modifiers, code };
        let bound = self.bindings.0.iter().find(|(c, _)| *c == chord).map(|(_, a)| *a);
        let all = !(self.grabbed || self.inhibited);
        match bound.filter(|a| all || *a == Action::Grab) {
            Some(action) => {
                self.ours.push(code);
                Verdict::Do(action)
            }
            None => Verdict::Forward,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUPER_KEY: u16 = 125;
    const S: u16 = 31;
    const G: u16 = 34;

    #[test]
    fn a_chord_is_ours_from_its_press_to_its_release() {
        let mut h = Hotkeys::default();
        assert_eq!(h.key(S, true), Verdict::Forward);
        assert_eq!(h.key(S, false), Verdict::Forward);
        assert_eq!(h.key(SUPER_KEY, true), Verdict::Forward);
        assert_eq!(h.key(S, true), Verdict::Do(Action::Screenshot));
        assert_eq!(h.key(SUPER_KEY, false), Verdict::Forward);
        assert_eq!(h.key(S, false), Verdict::Swallow);
        assert_eq!(h.key(S, true), Verdict::Forward);
        h.key(SUPER_KEY, true);
        assert_eq!(h.key(S, false), Verdict::Forward, "its press was the game's");
        h.key(42, true);
        assert_eq!(h.key(S, true), Verdict::Forward, "another chord");
    }

    #[test]
    fn a_grab_leaves_only_its_own_chord() {
        let mut h = Hotkeys::new(Bindings::default(), true);
        h.key(SUPER_KEY, true);
        assert_eq!(h.key(S, true), Verdict::Forward);
        assert_eq!(h.key(G, true), Verdict::Do(Action::Grab));
    }

    #[test]
    fn what_was_ours_before_a_client_asked_for_every_key_ends_as_ours() {
        let mut h = Hotkeys::default();
        h.key(SUPER_KEY, true);
        assert_eq!(h.key(S, true), Verdict::Do(Action::Screenshot));
        h.inhibited = true;
        assert_eq!(h.key(S, false), Verdict::Swallow, "the client has not seen its press");
        assert_eq!(h.key(S, true), Verdict::Forward);
        h.inhibited = false;
        assert_eq!(h.key(S, false), Verdict::Forward, "the client has seen its press");
        assert_eq!(h.key(S, true), Verdict::Do(Action::Screenshot));
    }

    #[test]
    fn chords_can_be_chosen() {
        let mut h = Hotkeys::new("screenshot=ctrl+alt+f12, grab=none".parse().unwrap(), false);
        h.key(SUPER_KEY, true);
        assert_eq!((h.key(S, true), h.key(G, true)), (Verdict::Forward, Verdict::Forward));
        assert_eq!(h.key(22, true), Verdict::Do(Action::Fsr));
        h.key(SUPER_KEY, false);
        h.key(29, true);
        h.key(100, true);
        assert_eq!(h.key(88, true), Verdict::Do(Action::Screenshot));
        let mut none = Hotkeys::new("none".parse().unwrap(), false);
        none.key(SUPER_KEY, true);
        assert_eq!(none.key(S, true), Verdict::Forward);
        for bad in [
            "s",
            "screenshot=s",
            "screenshot=super+",
            "screenshot=super+ab",
            "x=super+s",
            "grab=meta+g",
        ] {
            assert!(bad.parse::<Bindings>().is_err(), "{bad}");
        }
        assert_eq!(Bindings::default().0.len(), ACTIONS.len());
        assert_eq!(
            (code("z"), code("0"), code("f1"), code("f11")),
            (Some(44), Some(11), Some(59), Some(87))
        );
    }
}
