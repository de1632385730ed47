//! Text from a viewer (pasted, or composed by an input method) typed as keys: those of the present layout, and for the other
//! characters spare keys that are given them.

use super::bindings::Bindings;
use super::keymap::{self, keysym};
use crate::link::ViewerId;
use crate::state::State;
use crate::time::Mono;
use smithay::input::keyboard::{Keycode, Keysym, xkb};
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

/// So many characters may wait to be typed: more than any message has.
const MOST: usize = 1 << 16;

/// So many characters are typed at once, and then not before [`PAUSE`] has passed: each is several events to the game, and the
/// picture goes on meanwhile.
const PORTION: usize = 128;
const PAUSE: Duration = Duration::from_millis(8);

/// What is still to be typed, and what the spare keys yield.
#[derive(Debug, Default)]
pub struct Typing {
    text: VecDeque<char>,
    /// When the rest can be typed.
    due: Option<Mono>,
    keys: Option<Keys>,
    found: Found,
}

/// Where characters were found, by the layout: to look through all keys takes time.
type Found = HashMap<(u32, char), Stroke>;

/// The layout's keymap and what was added to it.
#[derive(Debug)]
struct Keys {
    /// The keymap without additions, as libxkbcommon writes it.
    base: String,
    bindings: Bindings,
}

impl Typing {
    /// When the rest of the text can be typed.
    pub fn deadline(&self) -> Option<Mono> {
        self.due.filter(|_| !self.text.is_empty())
    }

    /// The rest is not typed.
    pub fn stop(&mut self) {
        self.text.clear();
    }

    /// There is another keymap, without our additions.
    pub fn forget_keys(&mut self) {
        self.keys = None;
        self.found.clear();
    }
}

/// A key of the layout that yields a character, and whether Shift or AltGr must be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stroke {
    code: u16,
    shift: bool,
    altgr: bool,
    /// It is one of the keys that are given characters.
    spare: bool,
}

const KEY_LEFTSHIFT: u16 = 42;
const KEY_RIGHTALT: u16 = 100;

impl State {
    /// Types what the holder of the input role sent. It may take several turns, where there are many, or many that are not the
    /// layout's; those that no keyboard has (control characters) are counted and told in the log.
    pub fn type_text(&mut self, viewer: ViewerId, text: &str) {
        if self.scope.remote.holder() != Some(viewer) {
            return;
        }
        let typing = &mut self.scope.typing;
        let room = MOST - typing.text.len();
        typing.text.extend(text.chars().take(room));
        if text.chars().nth(room).is_some() {
            tracing::warn!("more text than can be typed: the rest of it is dropped");
        }
        if self.scope.typing.deadline().is_none_or(|due| due <= self.scope.now) {
            self.type_on();
        }
    }

    /// Goes on typing, when it is time.
    pub fn typing_turn(&mut self) {
        let due = self.scope.typing.deadline();
        if due.is_some_and(|due| due <= self.scope.now) {
            self.type_on();
        }
    }

    /// Types a portion, as much of it as there are keys for now.
    fn type_on(&mut self) {
        let Some(keyboard) = self.scope.seat.get_keyboard() else {
            return;
        };
        let mut typing = std::mem::take(&mut self.scope.typing);
        let now = self.scope.now;
        typing.text.make_contiguous();
        let (text, _) = typing.text.as_slices();
        let text = &text[..text.len().min(PORTION)];
        let (portion, keys, found) = (text.len(), &mut typing.keys, &mut typing.found);
        let plan = keyboard.with_xkb_state(self, |context| {
            let xkb = context.xkb().lock().ok()?;
            // SAFETY: the keymap is only read while the lock that guards it is held, and is not kept.
            let keymap = unsafe { xkb.keymap() };
            let mut layout = Layout {
                keymap,
                number: xkb.active_layout().0,
                found,
            };
            Some(plan(keys, &mut layout, text, now))
        });
        let mut plan = plan.unwrap_or_default();
        typing.text.drain(..plan.strokes.len());
        typing.due = match &typing.keys {
            Some(keys) if plan.strokes.len() < portion => keys.bindings.free_at(),
            _ if typing.text.is_empty() => None,
            _ => Some(now + PAUSE),
        };
        if plan.bound && !self.bind(&typing) {
            tracing::error!("a keymap with more characters is none");
            typing.forget_keys();
            plan.strokes.retain(|s| s.is_some_and(|s| !s.spare));
        }
        self.scope.typing = typing;
        let missing = plan.strokes.iter().filter(|s| s.is_none()).count();
        for stroke in plan.strokes.into_iter().flatten() {
            self.stroke(stroke);
        }
        if missing > 0 {
            tracing::warn!(missing, "characters that no key can have were not typed");
        }
    }

    /// Gives the keyboard, and by that all clients, a keymap with what is bound now.
    fn bind(&mut self, typing: &Typing) -> bool {
        let text = typing.keys.as_ref();
        let text = text.and_then(|keys| keymap::with_characters(&keys.base, keys.bindings.bound()));
        text.is_some_and(|text| self.change_keymap(text))
    }

    /// No hotkey looks at what is typed.
    fn stroke(&mut self, stroke: Stroke) {
        self.player_is_active();
        self.scope.pacer.input_edge();
        let held = [(stroke.shift, KEY_LEFTSHIFT), (stroke.altgr, KEY_RIGHTALT)];
        let modifiers = || held.into_iter().filter(|(on, _)| *on).map(|(_, code)| code);
        for code in modifiers().chain([stroke.code]) {
            self.seat_key(code, true);
        }
        for code in std::iter::once(stroke.code).chain(modifiers()) {
            self.seat_key(code, false);
        }
    }
}

/// How to type the beginning of a text.
#[derive(Debug, Default)]
struct Plan {
    /// One for each character; `None`: it can't be typed.
    strokes: Vec<Option<Stroke>>,
    /// Keys were bound: clients must be told before the first stroke.
    bound: bool,
}

/// The keys of the layout that is in use.
struct Layout<'a> {
    keymap: &'a xkb::Keymap,
    number: u32,
    found: &'a mut Found,
}

impl Layout<'_> {
    fn stroke(&mut self, c: char) -> Option<Stroke> {
        if let Some(known) = self.found.get(&(self.number, c)) {
            return Some(*known);
        }
        let stroke = find(self.keymap, self.number, c)?;
        self.found.insert((self.number, c), stroke);
        Some(stroke)
    }
}

/// Plans all of `text`, if there are keys enough.
fn plan(keys: &mut Option<Keys>, layout: &mut Layout<'_>, text: &[char], now: Mono) -> Plan {
    let mut plan = Plan::default();
    let spare = |code| Stroke {
        code,
        shift: false,
        altgr: false,
        spare: true,
    };
    for &c in text {
        let known = keys.as_mut().and_then(|keys| keys.bindings.press(c, now)).map(spare);
        let stroke = known.or_else(|| layout.stroke(c));
        if stroke.is_some() || keysym(c).is_none() {
            plan.strokes.push(stroke);
            continue;
        }
        // The keymap has no additions yet, where none are known.
        let keys = keys.get_or_insert_with(|| Keys {
            base: layout.keymap.get_as_string(xkb::KEYMAP_FORMAT_TEXT_V1),
            bindings: Bindings::new(keymap::spare(layout.keymap)),
        });
        let bound = keys.bindings.bind(c, now);
        if !bound && !keys.bindings.is_empty() {
            break;
        }
        plan.bound |= bound;
        plan.strokes.push(keys.bindings.press(c, now).map(spare));
    }
    plan
}

/// Looks through the layout's four usual levels (plain, Shift, AltGr, both).
fn find(keymap: &xkb::Keymap, layout: u32, c: char) -> Option<Stroke> {
    let wanted = match c {
        '\n' => Keysym::Return,
        '\t' => Keysym::Tab,
        c => xkb::utf32_to_keysym(u32::from(c)),
    };
    for level in 0..4 {
        for code in keymap.min_keycode().raw()..=keymap.max_keycode().raw() {
            let syms = keymap.key_get_syms_by_level(Keycode::new(code), layout, level);
            if syms == [wanted] {
                let code = u16::try_from(code.checked_sub(8)?).ok()?;
                return Some(Stroke {
                    code,
                    shift: level & 1 == 1,
                    altgr: level & 2 == 2,
                    spare: false,
                });
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keymap(layout: &str) -> xkb::Keymap {
        let context = xkb::Context::new(xkb::CONTEXT_NO_FLAGS);
        xkb::Keymap::new_from_names(&context, "", "", layout, "", None, xkb::KEYMAP_COMPILE_NO_FLAGS).expect("a layout")
    }

    #[test]
    fn a_text_is_typed_as_far_as_keys_have_rested() {
        let us = keymap("us");
        let (mut keys, start) = (None, Mono(1_000_000_000));
        let spare = keymap::spare(&us).len();
        // A key more than there are, one of them twice, and some of the layout's between them.
        let wanted: Vec<char> = ('а'..)
            .take(spare)
            .chain("аab\u{1}".chars())
            .chain(['Ω', 'x'])
            .collect();
        let mut found = Found::new();
        let mut layout = Layout {
            keymap: &us,
            number: 0,
            found: &mut found,
        };
        let first = plan(&mut keys, &mut layout, &wanted, start);
        assert!(first.bound);
        assert_eq!(first.strokes.len(), spare + 4, "all but the last two");
        let missing: Vec<_> = first.strokes.iter().enumerate().filter(|(_, s)| s.is_none()).collect();
        assert_eq!(missing, [(spare + 3, &None)], "the control character alone");
        assert_eq!(first.strokes[0], first.strokes[spare]);
        let rest = &wanted[first.strokes.len()..];
        assert!(plan(&mut keys, &mut layout, rest, start).strokes.is_empty());
        let later = plan(&mut keys, &mut layout, rest, start + super::super::bindings::REST);
        assert!(later.bound);
        assert_eq!(later.strokes.len(), 2);
        let again = plan(&mut keys, &mut layout, rest, start + super::super::bindings::REST);
        assert_eq!(
            (again.bound, again.strokes),
            (false, later.strokes),
            "no other keymap for what is bound"
        );
    }

    #[test]
    fn characters_are_found_at_their_level() {
        let us = keymap("us");
        assert_eq!(
            find(&us, 0, 'a'),
            Some(Stroke {
                code: 30,
                shift: false,
                altgr: false,
                spare: false
            })
        );
        assert_eq!(
            find(&us, 0, 'A'),
            Some(Stroke {
                code: 30,
                shift: true,
                altgr: false,
                spare: false
            })
        );
        assert_eq!(
            find(&us, 0, '\n'),
            Some(Stroke {
                code: 28,
                shift: false,
                altgr: false,
                spare: false
            })
        );
        assert_eq!(find(&us, 0, 'ä'), None);
        let de = keymap("de");
        assert_eq!(find(&de, 0, 'z').map(|s| s.code), Some(21));
        assert_eq!(
            find(&de, 0, '@'),
            Some(Stroke {
                code: 16,
                shift: false,
                altgr: true,
                spare: false
            })
        );
    }
}
