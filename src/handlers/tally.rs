//! How much objects have of what their clients give them piece by piece, where smithay takes any number of pieces.

use smithay::reexports::wayland_server::Resource;
use smithay::reexports::wayland_server::backend::ObjectId;
use std::collections::HashMap;

/// The sum of each object that has something.
#[derive(Debug, Default)]
pub struct Tally(HashMap<ObjectId, usize>);

impl Tally {
    /// The object gets so much more, unless it would have more than `most` then. Whether it gets it.
    pub(super) fn add(&mut self, object: &impl Resource, more: usize, most: usize) -> bool {
        let sum = self.0.entry(object.id()).or_default();
        let fits = sum.saturating_add(more) <= most;
        if fits {
            *sum += more;
        }
        fits
    }

    pub(super) fn of(&self, object: &impl Resource) -> usize {
        self.0.get(&object.id()).copied().unwrap_or_default()
    }

    /// The object is gone, or has nothing any more.
    pub(super) fn forget(&mut self, object: &impl Resource) {
        self.0.remove(&object.id());
    }
}
