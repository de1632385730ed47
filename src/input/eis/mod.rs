//! libei's other side (EIS): programs of the session, such as Steam Input or a remote desktop, emulate a keyboard, mice and
//! fingers at a socket that the program is told of as `LIBEI_SOCKET`.
//!
//! | file | what |
//! |---|---|
//! | [`listener`] | the socket, and reading from who connects |
//! | [`client`] | one connection: its seat, its devices, what it holds down |

mod client;
mod listener;

pub use listener::Eis;
