//! libei's other side (EIS): programs of the session, such as Steam Input or a remote desktop, emulate a keyboard, mice and
//! fingers at a socket that the program is told of as `LIBEI_SOCKET`.
//!
//! | file | what |
//! |---|---|
//! | [`listener`] | the socket, and reading from who connects |
//! | [`client`] | one connection: the handshake, its seat and its devices |
//! | [`device`] | one device: what is done with it, what is held down |

mod client;
mod device;
mod listener;

pub use listener::Eis;
