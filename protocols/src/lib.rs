//! Everything that crosses a process, as bytes in and bytes out: no sockets, no clocks, no threads.
//!
//! `protocols/stream.md` specifies the stream's wire format; a change of one is a change of both. Every decoder
//! is length-exact, bounded in what it allocates, and never panics; times are µs and arguments.

pub mod audio;
pub mod auth;
pub mod clock;
pub mod control;
pub mod cursor;
pub mod datagram;
pub mod frame;
pub mod input;
mod wire;

/// Why bytes are not a message. The peer is at fault in every case.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The message ends before its layout does.
    #[error("truncated message")]
    Truncated,
    /// The message goes on after its layout's end.
    #[error("{0} trailing bytes")]
    Trailing(usize),
    /// No message has this kind byte here.
    #[error("unknown kind {0:#04x}")]
    Kind(u8),
    /// A length or count is above its cap.
    #[error("{what}: {len} exceeds {cap}")]
    TooLong {
        /// Which field.
        what: &'static str,
        /// What the message says.
        len: usize,
        /// What is allowed.
        cap: usize,
    },
    /// A field has a value that means nothing.
    #[error("{what}: bad value {value:#x}")]
    Value {
        /// Which field.
        what: &'static str,
        /// What the message says.
        value: u64,
    },
    /// A field isn't UTF-8.
    #[error("{0}: not UTF-8")]
    Utf8(&'static str),
    /// A query string isn't of one of the forms of [`auth::Credentials`].
    #[error("query: {0}")]
    Query(&'static str),
}
