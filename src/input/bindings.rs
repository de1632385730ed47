//! Which characters the spare keys of a keymap yield: those used last.

use crate::time::Mono;
use std::time::Duration;

/// How long a key keeps its character after it was pressed: an X11 program asks for the keymap when it comes to look at the
/// press, and must still find the character that was meant.
pub const REST: Duration = Duration::from_millis(200);

/// Spare keys, and what is bound to them.
#[derive(Debug, Default)]
pub struct Bindings {
    slots: Vec<Slot>,
}

#[derive(Debug)]
struct Slot {
    code: u16,
    /// What it yields, and when it was pressed last.
    bound: Option<(char, Mono)>,
}

impl Bindings {
    /// Nothing is bound to these keys (evdev codes) yet.
    pub fn new(codes: impl IntoIterator<Item = u16>) -> Self {
        let slots = codes.into_iter().map(|code| Slot { code, bound: None }).collect();
        Self { slots }
    }

    /// There is no key that could be bound.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The key that yields `c`, which is going to be pressed.
    pub fn press(&mut self, c: char, now: Mono) -> Option<u16> {
        let of = |slot: &&mut Slot| slot.bound.is_some_and(|(bound, _)| bound == c);
        let slot = self.slots.iter_mut().find(of)?;
        slot.bound = Some((c, now));
        Some(slot.code)
    }

    /// Binds `c` to a free key, or to the one that was pressed the longest ago. `false`: all were pressed only just now.
    pub fn bind(&mut self, c: char, now: Mono) -> bool {
        let last = |slot: &&mut Slot| slot.bound.map(|(_, pressed)| pressed);
        let Some(slot) = self.slots.iter_mut().min_by_key(last) else {
            return false;
        };
        let rested = slot.bound.is_none_or(|(_, pressed)| now.since(pressed) >= REST);
        if rested {
            slot.bound = Some((c, now));
        }
        rested
    }

    /// When a key can be bound anew.
    pub fn free_at(&self) -> Option<Mono> {
        let free = |slot: &Slot| slot.bound.map_or(Mono::default(), |(_, pressed)| pressed + REST);
        self.slots.iter().map(free).min()
    }

    /// The keys that yield something, and what.
    pub fn bound(&self) -> impl Iterator<Item = (u16, char)> {
        self.slots
            .iter()
            .filter_map(|slot| Some((slot.code, slot.bound.map(|(c, _)| c)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Mono = Mono(1_000_000_000);

    #[test]
    fn the_key_pressed_the_longest_ago_is_bound_anew() {
        let mut b = Bindings::new([85, 89]);
        let later = |ms| START + Duration::from_millis(ms);
        assert!(b.bind('é', START) && b.bind('ß', later(1)));
        assert_eq!((b.press('é', later(2)), b.press('ß', later(3))), (Some(85), Some(89)));
        assert_eq!(b.press('é', later(4)), Some(85));
        assert_eq!(b.press('я', later(4)), None);
        let rested = later(3) + REST;
        assert_eq!(b.free_at(), Some(rested));
        assert!(!b.bind('я', later(4)) && !b.bind('я', Mono(rested.0 - 1)));
        assert_eq!(b.bound().collect::<Vec<_>>(), [(85, 'é'), (89, 'ß')]);
        assert!(b.bind('я', rested));
        assert_eq!(b.bound().collect::<Vec<_>>(), [(85, 'é'), (89, 'я')]);
    }

    #[test]
    fn without_keys_nothing_is_bound() {
        let mut b = Bindings::default();
        assert!(!b.bind('é', START) && b.free_at().is_none() && b.is_empty());
    }
}
