//! Text from a viewer (pasted, or composed by an input method) typed as keys of the present layout.

use crate::link::ViewerId;
use crate::state::State;
use goggles_protocols::input::Event;
use smithay::input::keyboard::{Keycode, Keysym, xkb};

/// A key of the layout that yields a character, and whether Shift or AltGr must be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stroke {
    code: u16,
    shift: bool,
    altgr: bool,
}

const KEY_LEFTSHIFT: u16 = 42;
const KEY_RIGHTALT: u16 = 100;

impl State {
    /// Types the characters that the layout has; the others are counted and told in the log.
    pub fn type_text(&mut self, viewer: ViewerId, text: &str) {
        if self.scope.remote.holder() != Some(viewer) {
            return;
        }
        let Some(keyboard) = self.scope.seat.get_keyboard() else {
            return;
        };
        let strokes: Vec<Option<Stroke>> = keyboard.with_xkb_state(self, |context| {
            let xkb = context.xkb().lock().ok();
            text.chars()
                .map(|c| {
                    let xkb = xkb.as_ref()?;
                    // SAFETY: the keymap is only read while the lock that guards it is held, and is not kept.
                    let keymap = unsafe { xkb.keymap() };
                    find(keymap, xkb.active_layout().0, c)
                })
                .collect()
        });
        let missing = strokes.iter().filter(|s| s.is_none()).count();
        for stroke in strokes.into_iter().flatten() {
            self.stroke(stroke);
        }
        if missing > 0 {
            tracing::warn!(
                missing,
                "characters that the keyboard layout does not have were not typed"
            );
        }
    }

    fn stroke(&mut self, stroke: Stroke) {
        let held = [(stroke.shift, KEY_LEFTSHIFT), (stroke.altgr, KEY_RIGHTALT)];
        let modifiers = || held.into_iter().filter(|(on, _)| *on).map(|(_, code)| code);
        for code in modifiers().chain([stroke.code]) {
            self.inject(Event::Key { code, pressed: true });
        }
        for code in std::iter::once(stroke.code).chain(modifiers()) {
            self.inject(Event::Key { code, pressed: false });
        }
    }
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
    fn characters_are_found_at_their_level() {
        let us = keymap("us");
        assert_eq!(
            find(&us, 0, 'a'),
            Some(Stroke {
                code: 30,
                shift: false,
                altgr: false
            })
        );
        assert_eq!(
            find(&us, 0, 'A'),
            Some(Stroke {
                code: 30,
                shift: true,
                altgr: false
            })
        );
        assert_eq!(
            find(&us, 0, '\n'),
            Some(Stroke {
                code: 28,
                shift: false,
                altgr: false
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
                altgr: true
            })
        );
    }
}
