//! Wakes the audio thread from any other: an eventfd, which a data thread may write to as well.

use rustix::event::{EventfdFlags, eventfd};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct Wake(Arc<OwnedFd>);

impl Wake {
    /// A new one.
    ///
    /// # Errors
    /// There are no descriptors left.
    pub fn new() -> std::io::Result<Self> {
        let fd = eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?;
        Ok(Self(Arc::new(fd)))
    }

    /// Wakes; neither blocks nor allocates.
    pub fn wake(&self) {
        // Full means that it is awake.
        let _ = rustix::io::write(&self.0, &1u64.to_ne_bytes());
    }

    /// From here on it must be woken anew.
    pub fn clear(&self) {
        let _ = rustix::io::read(&self.0, &mut [0u8; 8]);
    }
}

impl AsFd for Wake {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
