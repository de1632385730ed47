//! Text as the keys of a US keyboard.

use crate::viewer::Viewer;
use anyhow::{Context, Result};
use goggles_protocols::input::Event;

/// `KEY_LEFTSHIFT`.
const SHIFT: u16 = 42;
/// `KEY_ENTER`.
pub const ENTER: u16 = 28;
/// `BTN_LEFT`.
pub const LEFT: u16 = 0x110;

/// The rows of the keyboard: the code of the first key, the characters without and with shift.
const ROWS: [(u16, &str, &str); 5] = [
    (2, "1234567890-=", "!@#$%^&*()_+"),
    (16, "qwertyuiop[]\n", "QWERTYUIOP{}"),
    (30, "asdfghjkl;'`", "ASDFGHJKL:\"~"),
    (43, "\\zxcvbnm,./", "|ZXCVBNM<>?"),
    (57, " ", ""),
];

/// The key's evdev code, and whether shift is held.
fn key(c: char) -> Option<(u16, bool)> {
    ROWS.iter().find_map(|(first, plain, shifted)| {
        let at = |row: &str| row.chars().position(|k| k == c).and_then(|i| u16::try_from(i).ok());
        at(plain)
            .map(|i| (first + i, false))
            .or_else(|| at(shifted).map(|i| (first + i, true)))
    })
}

/// Types `text`; `\n` is Enter.
pub fn type_text(viewer: &Viewer, text: &str) -> Result<()> {
    for c in text.chars() {
        let (code, shift) = key(c).with_context(|| format!("no key for {c:?}"))?;
        if shift {
            viewer.input(Event::Key {
                code: SHIFT,
                pressed: true,
            });
        }
        viewer.tap(code);
        if shift {
            viewer.input(Event::Key {
                code: SHIFT,
                pressed: false,
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against linux/input-event-codes.h.
    #[test]
    fn codes() {
        for (c, code, shift) in [
            ('1', 2, false),
            ('=', 13, false),
            ('q', 16, false),
            ('\n', ENTER, false),
            ('A', 30, true),
            ('`', 41, false),
            ('\\', 43, false),
            ('z', 44, false),
            ('?', 53, true),
            (' ', 57, false),
            ('\'', 40, false),
        ] {
            assert_eq!(key(c), Some((code, shift)), "{c:?}");
        }
        assert_eq!(key('é'), None);
    }
}
