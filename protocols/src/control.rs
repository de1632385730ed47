//! The control stream's messages. (Skeleton.)

/// The longest text a client may send at once, in bytes.
pub const MAX_TEXT: usize = 4096;
