//! color-management and color-representation: what a surface's pixels mean.
//!
//! | file | what it does |
//! |---|---|
//! | `description` | image descriptions, and what a client may put together (pure) |
//! | `manager` | the global: what is offered, and how descriptions are made |
//! | `creator` | puts a description together from parameters |
//! | `image` | a description as an object, and what it tells of itself |
//! | `space` | what the renderer has to know of a description (pure) |
//! | `surface` | a surface's description, double-buffered |
//! | `preferred` | what clients had better draw, and who is told when that changes |
//! | `representation` | a surface's alpha mode and matrix, likewise |
//!
//! Descriptions are recorded, and viewers are told of the game's. What isn't sRGB is converted to it when it is drawn
//! (`render::color`): the stream is sRGB. That is what clients are told to prefer, unless the monitor is an HDR one and that
//! is not switched off.

mod creator;
mod description;
mod image;
mod manager;
mod preferred;
mod representation;
mod space;
mod surface;

pub use description::Color;
pub(super) use preferred::Preferred;
pub use surface::space;
pub(super) use surface::{color, identity};

use smithay::reexports::wayland_server::DisplayHandle;

/// Makes the globals, color-management's if it is `managed`.
pub(super) fn init(dh: &DisplayHandle, managed: bool) {
    if managed {
        manager::init(dh);
    }
    representation::init(dh);
}
