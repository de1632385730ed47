//! Input datagrams. (Skeleton: the receiver's and sender's state machines come here.)

/// One input datagram.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {}

/// What the server has applied.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Ack {}

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
