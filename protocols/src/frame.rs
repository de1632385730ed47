//! Per-frame time lines. (Skeleton.)

/// What a viewer saw of some frames.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// One entry a frame.
    pub frames: Vec<Seen>,
}

/// What a viewer saw of one frame; µs of one clock; zero: not (yet).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Seen {
    /// The frame.
    pub frame: u64,
    /// Its last byte arrived.
    pub received: u64,
    /// The decoder gave it out.
    pub decoded: u64,
    /// It was painted.
    pub painted: u64,
}
