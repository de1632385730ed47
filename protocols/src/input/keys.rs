//! Which keys and buttons are down.

/// The first button's evdev code (`BTN_LEFT`); the last is 15 later.
pub const BUTTON_FIRST: u16 = 0x110;
const BUTTON_LAST: u16 = BUTTON_FIRST + 15;
const KEY_LAST: u16 = 255;

/// Whether `code` is a pointer button (0x110 to 0x11f).
pub fn is_button(code: u16) -> bool {
    (BUTTON_FIRST..=BUTTON_LAST).contains(&code)
}

/// Whether the wire can carry `code`: a key (0 to 255) or a button.
pub fn is_code(code: u16) -> bool {
    code <= KEY_LAST || is_button(code)
}

/// A set of keys and buttons, by evdev code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    /// Bit `code % 8` of byte `code / 8`: key `code`.
    pub keys: [u8; 32],
    /// Bit n: button 0x110 + n.
    pub buttons: u16,
}

impl Keys {
    /// Whether `code` is in the set; a code the wire can't carry never is.
    pub fn contains(&self, code: u16) -> bool {
        if is_button(code) {
            self.buttons & (1 << (code - BUTTON_FIRST)) != 0
        } else {
            code <= KEY_LAST && self.keys[usize::from(code / 8)] & (1 << (code % 8)) != 0
        }
    }

    /// Puts `code` in or takes it out. Whether that changed anything; a code the wire can't carry never does.
    pub fn set(&mut self, code: u16, pressed: bool) -> bool {
        if !is_code(code) || self.contains(code) == pressed {
            return false;
        }
        if is_button(code) {
            self.buttons ^= 1 << (code - BUTTON_FIRST);
        } else {
            self.keys[usize::from(code / 8)] ^= 1 << (code % 8);
        }
        true
    }

    /// Whether nothing is down.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What is down, keys first, in the codes' order.
    pub fn iter(&self) -> impl Iterator<Item = u16> + use<> {
        let set = *self;
        (0..=KEY_LAST)
            .chain(BUTTON_FIRST..=BUTTON_LAST)
            .filter(move |code| set.contains(*code))
    }

    /// What is in this set and not in `other`.
    pub fn minus(&self, other: &Self) -> Self {
        let mut rest = *self;
        rest.buttons &= !other.buttons;
        for (mine, theirs) in rest.keys.iter_mut().zip(other.keys) {
            *mine &= !theirs;
        }
        rest
    }
}
