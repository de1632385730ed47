//! What is on the output: windows, their order, focus and place, the cursor. No GPU, no clock.

pub mod cursor;
mod cursor_scale;
pub mod layers;
pub mod layout;
pub mod marks;
pub mod policy;
pub mod stack;
pub mod window;
