//! One file per Wayland protocol; small ones that only need their delegation share `plain`.

mod compositor;
mod constraints;
mod plain;
mod seat;
mod selection;
mod xdg_activation;
mod xdg_shell;

pub use compositor::ClientState;
pub use seat::KeyboardFocus;
