//! Timelines of the kernel's (DRM syncobjs): points at which a buffer is drawn, or no longer read.
//!
//! They belong to no device in particular; any whose driver knows them makes, imports and signals them.

use crate::preflight::devices::render_nodes;
use rustix::event::{EventfdFlags, eventfd};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::ioctl::{Opcode, opcode};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// `DRM_CAP_SYNCOBJ_TIMELINE` of drm/drm.h.
const CAP_TIMELINE: u64 = 0x14;

/// `struct drm_syncobj_handle` of drm/drm.h.
#[repr(C)]
#[derive(Default)]
struct Handle {
    handle: u32,
    flags: u32,
    fd: i32,
    pad: u32,
}

/// `struct drm_syncobj_create` and `drm_syncobj_destroy`, whose second field must be 0, too.
#[repr(C)]
#[derive(Default)]
struct Own {
    handle: u32,
    flags: u32,
}

/// `struct drm_syncobj_eventfd` of drm/drm.h.
#[repr(C)]
#[derive(Default)]
struct Eventfd {
    handle: u32,
    flags: u32,
    point: u64,
    fd: i32,
    pad: u32,
}

/// `struct drm_syncobj_timeline_array` of drm/drm.h.
#[repr(C)]
struct Array {
    handles: u64,
    points: u64,
    count: u32,
    flags: u32,
}

/// A device whose driver knows timelines.
#[derive(Clone, Debug)]
pub struct Device {
    /// Its node.
    pub path: PathBuf,
    file: Arc<OwnedFd>,
}

impl Device {
    /// The first render node whose driver knows timelines and tells of their points by eventfd (Linux 6.6 on). The error
    /// says why there is none.
    pub fn find() -> Result<Self, String> {
        let mut why = Vec::new();
        for path in render_nodes(Path::new("/dev/dri")) {
            match Self::open(&path) {
                Ok(device) => return Ok(device),
                Err(e) => why.push(format!("{}: {e}", path.display())),
            }
        }
        if why.is_empty() {
            return Err("no render node in /dev/dri".into());
        }
        Err(why.join("; "))
    }

    fn open(path: &Path) -> io::Result<Self> {
        /// `struct drm_get_cap` of drm/drm.h.
        #[repr(C)]
        struct Cap {
            capability: u64,
            value: u64,
        }
        let file = rustix::fs::open(path, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
        let mut cap = Cap {
            capability: CAP_TIMELINE,
            value: 0,
        };
        // SAFETY: the request reads and fills in a `Cap`.
        unsafe { request(file.as_fd(), opcode::read_write::<Cap>(b'd', 0x0c), &mut cap) }?;
        if cap.value == 0 {
            return Err(io::Error::other("its driver has no timelines"));
        }
        // There is no handle 0: a kernel that knows the request says so.
        let mut none = Eventfd {
            fd: file.as_raw_fd(),
            ..Eventfd::default()
        };
        // SAFETY: the request reads an `Eventfd`.
        let asked = unsafe { request(file.as_fd(), opcode::read_write::<Eventfd>(b'd', 0xcf), &mut none) };
        match asked.err().and_then(|e| Errno::from_io_error(&e)) {
            Some(Errno::NOENT) => Ok(Self {
                path: path.into(),
                file: Arc::new(file),
            }),
            _ => Err(io::Error::other(
                "the kernel does not tell of their points (Linux 6.6 does)",
            )),
        }
    }

    /// A new timeline: nothing of it is signalled.
    pub fn create(&self) -> io::Result<Timeline> {
        let mut own = Own::default();
        // SAFETY: the request reads and fills in an `Own`.
        unsafe { request(self.file.as_fd(), opcode::read_write::<Own>(b'd', 0xbf), &mut own) }?;
        Ok(self.timeline(own.handle))
    }

    /// The timeline behind a file, as [`Timeline::export`] makes them.
    pub fn import(&self, fd: BorrowedFd) -> io::Result<Timeline> {
        let mut handle = Handle {
            fd: fd.as_raw_fd(),
            ..Handle::default()
        };
        // SAFETY: the request reads and fills in a `Handle`.
        unsafe { request(self.file.as_fd(), opcode::read_write::<Handle>(b'd', 0xc2), &mut handle) }?;
        Ok(self.timeline(handle.handle))
    }

    fn timeline(&self, handle: u32) -> Timeline {
        Timeline {
            device: Arc::clone(&self.file),
            handle,
        }
    }
}

/// A timeline; its points are signalled in order.
#[derive(Debug)]
pub struct Timeline {
    device: Arc<OwnedFd>,
    /// This device's name for it, which goes with this.
    handle: u32,
}

impl Timeline {
    /// A file that stands for it.
    pub fn export(&self) -> io::Result<OwnedFd> {
        let mut handle = Handle {
            handle: self.handle,
            fd: -1,
            ..Handle::default()
        };
        // SAFETY: the request reads and fills in a `Handle`.
        unsafe {
            request(
                self.device.as_fd(),
                opcode::read_write::<Handle>(b'd', 0xc1),
                &mut handle,
            )
        }?;
        // SAFETY: it is new and nobody else's.
        Ok(unsafe { OwnedFd::from_raw_fd(handle.fd) })
    }

    /// Signals the point, and with it all before it.
    pub fn signal(&self, point: u64) -> io::Result<()> {
        let (handle, points) = ([self.handle], [point]);
        let mut array = Array {
            handles: handle.as_ptr() as u64,
            points: points.as_ptr() as u64,
            count: 1,
            flags: 0,
        };
        // SAFETY: the request reads an `Array` and what it points to, one of each.
        unsafe { request(self.device.as_fd(), opcode::read_write::<Array>(b'd', 0xcd), &mut array) }
    }

    /// An eventfd that can be read once the point is signalled, even if nobody has promised that yet.
    pub fn event(&self, point: u64) -> io::Result<OwnedFd> {
        let event = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let mut wanted = Eventfd {
            handle: self.handle,
            point,
            fd: event.as_raw_fd(),
            ..Eventfd::default()
        };
        // SAFETY: the request reads an `Eventfd`.
        unsafe {
            request(
                self.device.as_fd(),
                opcode::read_write::<Eventfd>(b'd', 0xcf),
                &mut wanted,
            )
        }?;
        Ok(event)
    }
}

impl Drop for Timeline {
    fn drop(&mut self) {
        let mut own = Own {
            handle: self.handle,
            flags: 0,
        };
        // SAFETY: the request reads an `Own`.
        let gone = unsafe { request(self.device.as_fd(), opcode::read_write::<Own>(b'd', 0xc0), &mut own) };
        if let Err(e) = gone {
            tracing::warn!("error letting go of a timeline: {e}");
        }
    }
}

/// # Safety
/// `request` must be one that reads or writes a `T`.
pub(crate) unsafe fn request<T>(fd: BorrowedFd, request: Opcode, argument: &mut T) -> io::Result<()> {
    loop {
        // SAFETY: the caller's.
        if unsafe { libc::ioctl(fd.as_raw_fd(), libc::Ioctl::from(request), std::ptr::from_mut(argument)) } >= 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}
