//! Input datagrams that survive loss: each [`Batch`] repeats the edges not yet acknowledged and carries the whole
//! state (keys held, motion summed since the epoch began), so any later batch makes up for a lost one.
//!
//! Owns the layout (datagrams 0x01 and 0x81 of `stream.md`) and both ends as pure state machines: the client's
//! [`Sender`] and the server's [`Receiver`]. Times are µs, of the client's and of the server's monotonic clock.

mod batch;
mod delay;
mod keys;
mod receiver;
mod sender;

pub use batch::{Absolute, Ack, Batch, Edge, MAX_EDGES, Place, Vector};
pub use keys::{BUTTON_FIRST, Keys, is_button, is_code};
pub use receiver::{Counters, Limits, Receiver};
pub use sender::{Sender, Timing};

/// What an input does to the seat.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event {
    /// A key, by its evdev code (`KEY_*`).
    Key {
        /// evdev code.
        code: u16,
        /// Down or up.
        pressed: bool,
    },
    /// A pointer button, by its evdev code (`BTN_LEFT` is 0x110).
    Button {
        /// evdev code.
        code: u16,
        /// Down or up.
        pressed: bool,
    },
    /// Relative motion in output pixels.
    Relative {
        /// To the right.
        dx: f64,
        /// Downwards.
        dy: f64,
    },
    /// Absolute place as a fraction of the output, 0 to 1.
    Absolute {
        /// From the left.
        x: f64,
        /// From the top.
        y: f64,
    },
    /// Scroll, in 120ths of a wheel's detent.
    Scroll {
        /// To the right.
        dx: f64,
        /// Downwards.
        dy: f64,
    },
}

impl Event {
    /// A key or a button, by which of the two `code` is.
    pub fn edge(code: u16, pressed: bool) -> Self {
        if is_button(code) {
            Self::Button { code, pressed }
        } else {
            Self::Key { code, pressed }
        }
    }
}

/// Whether `a` comes after `b` among numbers that wrap.
fn after(a: u32, b: u32) -> bool {
    a.wrapping_sub(b) as i32 > 0
}
