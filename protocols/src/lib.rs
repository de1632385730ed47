//! Everything that crosses a process, as bytes in and bytes out: no sockets, no clocks, no threads.
//!
//! `protocols/stream.md` specifies the stream's wire format; a change of one is a change of both.

pub mod control;
pub mod cursor;
pub mod frame;
pub mod input;
