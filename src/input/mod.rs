//! One way in for every device and for the network.

mod bindings;
pub(crate) mod confine;
pub mod eis;
pub mod gesture;
pub mod hotkeys;
pub mod inject;
mod keymap;
pub mod pen;
pub mod remote;
pub mod text;
pub mod touch;
