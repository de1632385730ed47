//! A keymap with more characters than its layout has, on keys that it gives no symbol to; and its way to the clients.

use super::inject::XKB_OFFSET;
use crate::state::State;
use smithay::input::keyboard::{KeyboardTarget, Keycode, Keysym, xkb};
use smithay::utils::SERIAL_COUNTER;
use std::fmt::Write;

/// X11 has keycodes up to 255.
const LAST: u32 = 255;

/// Evdev codes of the keys without a symbol that X11 has, too. Key 0 is none.
pub fn spare(keymap: &xkb::Keymap) -> Vec<u16> {
    let symbol = |code: Keycode, layout| {
        let levels = 0..keymap.num_levels_for_key(code, layout);
        levels.into_iter().any(|level| {
            let symbols = keymap.key_get_syms_by_level(code, layout, level);
            symbols.iter().any(|s| *s != Keysym::NoSymbol)
        })
    };
    let is_spare = |code: &u32| {
        let code = Keycode::new(*code);
        !(0..keymap.num_layouts_for_key(code)).any(|layout| symbol(code, layout))
    };
    let codes = (XKB_OFFSET + 1..=LAST).filter(is_spare);
    codes.filter_map(|code| u16::try_from(code - XKB_OFFSET).ok()).collect()
}

/// The keymap's text with these characters on these keys (evdev codes). `None`: the text is not what libxkbcommon writes.
pub fn with_characters(base: &str, bound: impl Iterator<Item = (u16, char)>) -> Option<String> {
    let names_end = section_end(base, "xkb_keycodes")?;
    let (mut names, mut symbols) = (String::new(), String::new());
    for (code, c) in bound {
        let code = u32::from(code) + XKB_OFFSET;
        let sym = xkb::keysym_get_name(keysym(c)?);
        let known = key_name(base.get(..names_end)?, code);
        // xkbcomp, and so the X server, has names of four letters at most.
        let name = known.map_or_else(|| format!("Z{code:02X}"), str::to_owned);
        if known.is_none() {
            writeln!(names, "\t<{name}> = {code};").ok()?;
        }
        // Both levels, and a type that minds Shift and Caps Lock: held, they change nothing.
        writeln!(symbols, "\tkey <{name}> {{ type= \"ALPHABETIC\", [ {sym}, {sym} ] }};").ok()?;
    }
    let symbols_end = section_end(base, "xkb_symbols")?;
    let parts = [
        base.get(..names_end)?,
        &names,
        base.get(names_end..symbols_end)?,
        &symbols,
        base.get(symbols_end..)?,
    ];
    Some(parts.concat())
}

/// The symbol of a character, if it has one and is none that controls.
pub fn keysym(c: char) -> Option<Keysym> {
    let sym = xkb::utf32_to_keysym(u32::from(c));
    (sym != Keysym::NoSymbol && !c.is_control()).then_some(sym)
}

/// The name that the layout has for a keycode: in libxkbcommon's text, a line for each.
fn key_name(names: &str, code: u32) -> Option<&str> {
    let end = format!("= {code};");
    names
        .lines()
        .find_map(|line| line.strip_suffix(&end)?.trim().strip_prefix('<')?.strip_suffix('>'))
}

/// Where the section's closing brace is: in libxkbcommon's text, at the start of a line.
fn section_end(text: &str, section: &str) -> Option<usize> {
    let begin = text.find(section)?;
    Some(begin + text.get(begin..)?.find("\n};")? + 1)
}

impl State {
    /// The keyboard's present keymap, as libxkbcommon writes it.
    pub(super) fn keymap_text(&mut self) -> Option<String> {
        let keyboard = self.scope.seat.get_keyboard()?;
        keyboard.with_xkb_state(self, |context| {
            let xkb = context.xkb().lock().ok()?;
            // SAFETY: the keymap is only read while the lock that guards it is held, and is not kept.
            let keymap = unsafe { xkb.keymap() };
            Some(keymap.get_as_string(xkb::KEYMAP_FORMAT_TEXT_V1))
        })
    }

    /// Gives the keyboard another keymap, and its clients before the next key. Locks and the chosen layout stay. `false`:
    /// it is none.
    pub(super) fn change_keymap(&mut self, text: String) -> bool {
        let Some(keyboard) = self.scope.seat.get_keyboard() else {
            return false;
        };
        let before = keyboard.modifier_state();
        let layout = keyboard.with_xkb_state(self, |context| context.xkb().lock().ok().map(|xkb| xkb.active_layout()));
        if keyboard.set_keymap_from_string(self, text).is_err() {
            return false;
        }
        // smithay keeps what is held alone, and tells clients so.
        keyboard.set_modifier_state(before);
        if let Some(layout) = layout {
            keyboard.with_xkb_state(self, |mut context| context.set_layout(layout));
        }
        if let Some(focus) = keyboard.current_focus() {
            let (seat, modifiers) = (self.scope.seat.clone(), keyboard.modifier_state());
            KeyboardTarget::modifiers(&focus, &seat, self, modifiers, SERIAL_COUNTER.next_serial());
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn us() -> xkb::Keymap {
        let context = xkb::Context::new(xkb::CONTEXT_NO_FLAGS);
        xkb::Keymap::new_from_names(&context, "", "", "us", "", None, xkb::KEYMAP_COMPILE_NO_FLAGS).expect("a layout")
    }

    fn compiled(text: String) -> xkb::Keymap {
        let context = xkb::Context::new(xkb::CONTEXT_NO_FLAGS);
        xkb::Keymap::new_from_string(&context, text, xkb::KEYMAP_FORMAT_TEXT_V1, xkb::KEYMAP_COMPILE_NO_FLAGS)
            .expect("a keymap")
    }

    #[test]
    fn spare_keys_yield_the_characters_whatever_is_locked_and_the_others_stay() {
        let us = us();
        let base = us.get_as_string(xkb::KEYMAP_FORMAT_TEXT_V1);
        assert_eq!((key_name(&base, 38), key_name(&base, 93)), (Some("AC01"), None));
        let spare = spare(&us);
        assert!(spare.len() >= 8, "{spare:?}");
        let text = with_characters(&base, spare.iter().copied().zip("éß😀жÉ¿".chars())).expect("a keymap's text");
        let keymap = compiled(text);
        let caps = 1 << keymap.mod_get_index(xkb::MOD_NAME_CAPS);
        for (code, c) in spare.iter().zip("éß😀жÉ¿".chars()) {
            for locked in [0, caps] {
                let mut state = xkb::State::new(&keymap);
                state.update_mask(0, 0, locked, 0, 0, 0);
                assert_eq!(
                    state.key_get_utf8(Keycode::new(u32::from(*code) + 8)),
                    c.to_string(),
                    "{locked}"
                );
            }
        }
        for code in us.min_keycode().raw()..=us.max_keycode().raw() {
            if !spare.iter().any(|s| u32::from(*s) + 8 == code) {
                let code = Keycode::new(code);
                let was = us.key_get_syms_by_level(code, 0, 1);
                assert_eq!(keymap.key_get_syms_by_level(code, 0, 1), was, "{code:?}");
            }
        }
        // And from that, the next.
        let again = with_characters(&base, [(spare[0], 'ж')].into_iter()).expect("a keymap's text");
        let sym = xkb::utf32_to_keysym('ж'.into());
        assert_eq!(
            compiled(again).key_get_syms_by_level(Keycode::new(u32::from(spare[0]) + 8), 0, 0),
            [sym]
        );
    }

    #[test]
    fn what_has_no_symbol_is_not_bound() {
        assert_eq!((keysym('\u{1}'), keysym('\u{7f}')), (None, None));
        assert!(keysym('😀').is_some());
        assert_eq!(with_characters("xkb_keymap {\n};", [(85, 'é')].into_iter()), None);
    }
}
