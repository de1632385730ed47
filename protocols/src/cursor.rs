//! The cursor as metadata. (Skeleton.)

/// A change of the cursor.
#[derive(Clone, Debug, PartialEq)]
pub enum Update {
    /// A new image.
    Image {
        /// Width in pixels.
        width: u16,
        /// Height in pixels.
        height: u16,
        /// Hotspot from the left, in pixels.
        hot_x: u16,
        /// Hotspot from the top, in pixels.
        hot_y: u16,
        /// `width * height` pixels, R G B A in memory, not premultiplied.
        rgba: Vec<u8>,
    },
    /// A new place, in output pixels.
    Position {
        /// From the left.
        x: i32,
        /// From the top.
        y: i32,
    },
    /// The game hides its cursor.
    Hidden,
}
