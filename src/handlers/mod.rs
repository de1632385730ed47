//! One file per Wayland protocol; small ones that only need their delegation share `plain`.

mod color;
mod compositor;
mod constraints;
mod dmabuf;
mod extras;
mod gamma_control;
mod hints;
mod idle;
mod layer_shell;
mod output_configuration;
mod output_management;
pub mod outputs;
mod plain;
mod screencopy;
mod seat;
mod security_context;
mod selection;
mod session_lock;
mod shortcuts;
mod surface_output;
mod tearing;
mod text_input;
mod timing;
mod toplevel_list;
mod virtual_keyboard;
mod virtual_pointer;
mod xdg_activation;
mod xdg_foreign;
mod xdg_requests;
mod xdg_shell;

pub use color::Color;
pub use compositor::ClientState;
pub use extras::Extras;
pub use hints::{Content, Hints, unmodified};
pub use seat::KeyboardFocus;
pub use security_context::trusted;
