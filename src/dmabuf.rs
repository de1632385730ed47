//! DMA-BUFs of clients: whether this machine's can be read, and whether one is what its client says.
//!
//! Pixman reads a mapping of them, so that only a linear buffer of one plane in ordinary memory will do. What is promised
//! to clients is tried first: a client's driver takes a refusal of its buffer for its end.

use crate::syncobj::request;
use rustix::fs::{MemfdFlags, Mode, OFlags, SealFlags};
use rustix::ioctl::opcode;
use smithay::backend::allocator::dmabuf::{Dmabuf, DmabufFlags};
use smithay::backend::allocator::{Buffer, Fourcc, Modifier};
use smithay::backend::renderer::ImportDma;
use smithay::backend::renderer::pixman::PixmanRenderer;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::path::{Path, PathBuf};

/// The formats that are taken, all linear.
pub const FORMATS: [Fourcc; 4] = [Fourcc::Xrgb8888, Fourcc::Argb8888, Fourcc::Xbgr8888, Fourcc::Abgr8888];

/// No side of a buffer is longer: Pixman counts in 16 bits.
const LONGEST: i32 = 16_384;
/// No buffer is larger, in bytes: all of it is mapped.
const LARGEST: u64 = LONGEST as u64 * LONGEST as u64 * 4;
/// `f_type` of a DMA-BUF's file system (linux/magic.h).
const DMA_BUF_MAGIC: u64 = 0x444d_4142;
/// The side of the buffer that is tried, in pixels; its rows fill pages.
const TRIED: u32 = 64;

/// The device that clients are to allocate from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its node.
    pub path: PathBuf,
    /// Its number.
    pub dev: libc::dev_t,
}

/// The device whose buffers can be read, as one of them was: a GPU's render node, or without any GPU `/dev/udmabuf`. The
/// error says why there is none.
pub fn device() -> Result<Device, String> {
    let mut why = Vec::new();
    for node in super::preflight::devices::render_nodes(Path::new("/dev/dri")) {
        match try_gpu(&node) {
            Ok(Some(device)) => return Ok(device),
            Ok(None) => (),
            Err(e) => why.push(format!("{}: {e}", node.display())),
        }
    }
    // A GPU's driver would offer its own buffers all the same.
    if !why.is_empty() {
        return Err(why.join("; "));
    }
    let path = PathBuf::from("/dev/udmabuf");
    let tried = || {
        let bytes = u64::from(TRIED * TRIED * 4);
        let memory = memory(bytes)?;
        import(from_memory(memory.as_fd(), 0, bytes)?, TRIED * 4)?;
        Ok(rustix::fs::stat(&path)?.st_rdev)
    };
    match tried() {
        Ok(dev) => Ok(Device { path, dev }),
        Err(e) => Err::<_, io::Error>(e).map_err(|e| format!("no GPU, and {}: {e}", path.display())),
    }
}

/// Memory that a DMA-BUF can be made of: it can't shrink.
pub fn memory(bytes: u64) -> io::Result<OwnedFd> {
    let memory = rustix::fs::memfd_create("dmabuf", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    rustix::fs::ftruncate(&memory, bytes)?;
    rustix::fs::fcntl_add_seals(&memory, SealFlags::SHRINK)?;
    Ok(memory)
}

/// A DMA-BUF of whole pages of such memory, made by `/dev/udmabuf`.
pub fn from_memory(memory: BorrowedFd, offset: u64, size: u64) -> io::Result<OwnedFd> {
    /// `struct udmabuf_create` of linux/udmabuf.h.
    #[repr(C)]
    struct Create {
        memfd: u32,
        flags: u32,
        offset: u64,
        size: u64,
    }
    const CLOEXEC: u32 = 1;
    let maker = rustix::fs::open("/dev/udmabuf", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
    let create = Create {
        memfd: memory.as_raw_fd() as u32,
        flags: CLOEXEC,
        offset,
        size,
    };
    let request = opcode::write::<Create>(b'u', 0x42);
    // SAFETY: the request reads a `Create`.
    let fd = unsafe { libc::ioctl(maker.as_raw_fd(), libc::Ioctl::from(request), &raw const create) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it is new and nobody else's.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Whether a buffer is a real one, as large as its client says, and of a kind that is taken. With that, no read of its
/// mapping lies outside it: a DMA-BUF's size never changes.
pub fn check(buffer: &Dmabuf) -> Result<(), &'static str> {
    let (size, format) = (buffer.size(), buffer.format());
    let planes = (
        buffer.handles().next(),
        buffer.offsets().next(),
        buffer.strides().next(),
    );
    let (Some(fd), Some(offset), Some(stride)) = planes else {
        return Err("no plane");
    };
    if buffer.num_planes() != 1 {
        return Err("more than one plane");
    }
    if format.modifier != Modifier::Linear || !FORMATS.contains(&format.code) || buffer.y_inverted() {
        return Err("a layout that was not offered");
    }
    if !(1..=LONGEST).contains(&size.w) || !(1..=LONGEST).contains(&size.h) {
        return Err("a size that is none");
    }
    if stride % 4 != 0 || stride < size.w as u32 * 4 || stride > i32::MAX as u32 {
        return Err("a stride that does not hold a row");
    }
    // Other files could shrink, or be devices that know the same requests as something else.
    if !rustix::fs::fstatfs(fd).is_ok_and(|fs| fs.f_type as u64 == DMA_BUF_MAGIC) {
        return Err("no DMA-BUF");
    }
    let Ok(bytes) = rustix::fs::seek(fd, rustix::fs::SeekFrom::End(0)) else {
        return Err("a DMA-BUF without a size");
    };
    let end = u64::from(offset) + u64::from(stride) * size.h as u64;
    if end > bytes || bytes > LARGEST {
        return Err("a DMA-BUF of another size");
    }
    Ok(())
}

fn import(fd: OwnedFd, stride: u32) -> io::Result<()> {
    let side = TRIED as i32;
    let mut builder = Dmabuf::builder((side, side), Fourcc::Xrgb8888, Modifier::Linear, DmabufFlags::empty());
    builder.add_plane(fd, 0, 0, stride);
    let buffer = builder.build().ok_or(io::ErrorKind::InvalidData)?;
    check(&buffer).map_err(io::Error::other)?;
    let mut renderer = PixmanRenderer::new().map_err(io::Error::other)?;
    renderer.import_dmabuf(&buffer, None).map_err(io::Error::other)?;
    Ok(())
}

/// Tries a buffer of the GPU's; `None`: it is none.
fn try_gpu(node: &Path) -> io::Result<Option<Device>> {
    let opened = rustix::fs::open(node, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
    if is_virtual(opened.as_fd())? {
        return Ok(None);
    }
    let dev = rustix::fs::fstat(&opened)?.st_rdev;
    // Buffers without a driver of its own are made by its other node.
    let (major, minor) = (rustix::fs::major(dev), rustix::fs::minor(dev));
    let siblings = std::fs::read_dir(format!("/sys/dev/char/{major}:{minor}/device/drm"))?;
    let names = siblings.flatten().map(|entry| entry.file_name());
    let card = names
        .into_iter()
        .find(|name| name.to_string_lossy().starts_with("card"));
    let card = card.ok_or_else(|| io::Error::other("no card node"))?;
    let card = rustix::fs::open(
        Path::new("/dev/dri").join(card),
        OFlags::RDWR | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    let (fd, stride) = dumb(card.as_fd())?;
    import(fd, stride)?;
    Ok(Some(Device { path: node.into(), dev }))
}

/// Whether it is one of the kernel's devices for tests, which nothing draws with.
fn is_virtual(node: BorrowedFd) -> io::Result<bool> {
    /// `struct drm_version` of drm/drm.h.
    #[repr(C)]
    struct Version {
        version: [libc::c_int; 3],
        name_length: usize,
        name: *mut u8,
        date_length: usize,
        date: *mut u8,
        description_length: usize,
        description: *mut u8,
    }
    let mut name = [0; 16];
    let mut version = Version {
        version: [0; 3],
        name_length: name.len(),
        name: name.as_mut_ptr(),
        date_length: 0,
        date: std::ptr::null_mut(),
        description_length: 0,
        description: std::ptr::null_mut(),
    };
    // SAFETY: the request fills in a `Version`, and `name` up to its length.
    unsafe { request(node, opcode::read_write::<Version>(b'd', 0), &mut version) }?;
    Ok(matches!(&name[..5], b"vgem\0" | b"vkms\0"))
}

/// A buffer of a card's for plain pixels, and its stride.
fn dumb(card: BorrowedFd) -> io::Result<(OwnedFd, u32)> {
    /// `struct drm_mode_create_dumb` of drm/drm_mode.h.
    #[repr(C)]
    #[derive(Default)]
    struct Create {
        height: u32,
        width: u32,
        bpp: u32,
        flags: u32,
        handle: u32,
        pitch: u32,
        size: u64,
    }
    /// `struct drm_prime_handle` of drm/drm.h.
    #[repr(C)]
    struct Export {
        handle: u32,
        flags: u32,
        fd: i32,
    }
    let mut create = Create {
        height: TRIED,
        width: TRIED,
        bpp: 32,
        ..Create::default()
    };
    // SAFETY: the request reads and fills in a `Create`.
    unsafe { request(card, opcode::read_write::<Create>(b'd', 0xb2), &mut create) }?;
    let mut export = Export {
        handle: create.handle,
        flags: (libc::O_CLOEXEC | libc::O_RDWR) as u32,
        fd: -1,
    };
    // SAFETY: the request reads and fills in an `Export`. The handle goes with the card's file.
    unsafe { request(card, opcode::read_write::<Export>(b'd', 0x2d), &mut export) }?;
    // SAFETY: it is new and nobody else's.
    Ok((unsafe { OwnedFd::from_raw_fd(export.fd) }, create.pitch))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buffer(size: (i32, i32), stride: u32, offset: u32, planes: u32) -> Dmabuf {
        let mut builder = Dmabuf::builder(size, Fourcc::Xrgb8888, Modifier::Linear, DmabufFlags::empty());
        for plane in 0..planes {
            builder.add_plane(memory(1 << 16).unwrap(), plane, offset, stride);
        }
        builder.build().unwrap()
    }

    #[test]
    fn what_is_no_buffer_says_why() {
        // All is well with it, but that it is ordinary memory.
        assert_eq!(check(&buffer((64, 64), 256, 0, 1)), Err("no DMA-BUF"));
        assert_eq!(check(&buffer((64, 64), 256, 0, 2)), Err("more than one plane"));
        for size in [(0, 64), (64, LONGEST + 1)] {
            assert_eq!(check(&buffer(size, 1 << 20, 0, 1)), Err("a size that is none"));
        }
        for stride in [0, 252, 257, u32::MAX - 3] {
            let refused = check(&buffer((64, 64), stride, 0, 1));
            assert_eq!(refused, Err("a stride that does not hold a row"));
        }
    }
}
