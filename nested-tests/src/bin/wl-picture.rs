//! A Wayland program on `wl_shm` for tests and the bench: one full-screen window, of which a frame is one copy.

use anyhow::{Context, Result};
use clap::Parser;
use nested_tests::picture::{Mode, Painter};
use nested_tests::program::{Args, DrawTimes, catch_signals, ended, wait_readable};
use rustix::mm::{MapFlags, ProtFlags};
use std::io::Write;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};
use wayland_client::backend::WaylandError;
use wayland_client::globals::{GlobalListContents, registry_queue_init};
use wayland_client::protocol::{
    wl_buffer, wl_callback, wl_compositor, wl_keyboard, wl_pointer, wl_registry, wl_seat, wl_shm, wl_shm_pool,
    wl_surface,
};
use wayland_client::{Connection, Dispatch, QueueHandle, WEnum, delegate_noop};
use wayland_protocols::wp::linux_dmabuf::zv1::client::{zwp_linux_buffer_params_v1, zwp_linux_dmabuf_v1};
use wayland_protocols::wp::pointer_constraints::zv1::client::{
    zwp_locked_pointer_v1, zwp_pointer_constraints_v1 as constraints,
};
use wayland_protocols::wp::relative_pointer::zv1::client::{
    zwp_relative_pointer_manager_v1 as relative_manager, zwp_relative_pointer_v1 as relative,
};
use wayland_protocols::xdg::shell::client::{xdg_surface, xdg_toplevel, xdg_wm_base};

/// As many as a compositor may hold (one shown, one queued, one on its way), and one to draw in.
const BUFFERS: usize = 4;

/// `DRM_FORMAT_XRGB8888` of drm/drm_fourcc.h.
const XR24: u32 = u32::from_le_bytes(*b"XR24");

struct Slot {
    buffer: wl_buffer::WlBuffer,
    busy: bool,
}

struct Window {
    args: Args,
    painter: Painter,
    surface: wl_surface::WlSurface,
    memory: &'static mut [u8],
    slots: Vec<Slot>,
    times: DrawTimes,
    frame: usize,
    presses: usize,
    configured: bool,
    /// A frame callback is on its way.
    waiting: bool,
    /// All buffers were busy when a frame was due: the next release draws it.
    late: bool,
    closed: bool,
    /// The sum of relative motion.
    moved: (f64, f64),
}

impl Window {
    /// Draws the next frame and commits it.
    fn draw(&mut self, qh: &QueueHandle<Self>) {
        let Some(index) = self.slots.iter().position(|s| !s.busy) else {
            self.late = true;
            return;
        };
        let start = Instant::now();
        let bytes = self.args.size.bytes();
        self.painter
            .draw(self.frame, self.presses, &mut self.memory[index * bytes..][..bytes]);
        self.frame += 1;
        self.late = false;
        self.slots[index].busy = true;
        self.surface.attach(Some(&self.slots[index].buffer), 0, 0);
        self.surface.damage_buffer(0, 0, i32::MAX, i32::MAX);
        if self.args.mode == Mode::Scroll && self.args.free.is_none() {
            self.surface.frame(qh, ());
            self.waiting = true;
        }
        self.surface.commit();
        self.times.add(start);
    }

    fn pressed(&mut self, qh: &QueueHandle<Self>) {
        self.presses += 1;
        if self.args.mode == Mode::Flip && self.configured {
            self.draw(qh);
        }
    }
}

fn main() -> Result<()> {
    let args = Args::parse();
    catch_signals();
    let connection = Connection::connect_to_env().context("error connecting to the compositor")?;
    let (globals, mut queue) = registry_queue_init::<Window>(&connection).context("error listing the globals")?;
    let qh = queue.handle();
    let compositor: wl_compositor::WlCompositor = globals.bind(&qh, 4..=6, ())?;
    let shm: wl_shm::WlShm = globals.bind(&qh, 1..=1, ())?;
    let shell: xdg_wm_base::XdgWmBase = globals.bind(&qh, 1..=6, ())?;
    let seat: wl_seat::WlSeat = globals.bind(&qh, 1..=9, ())?;

    let dmabufs = if args.dmabuf {
        Some(globals.bind(&qh, 4..=5, ())?)
    } else {
        None
    };
    let (memory, slots) = buffers(&args, &shm, dmabufs.as_ref(), &qh)?;
    let _keyboard = seat.get_keyboard(&qh, ());
    let pointer = seat.get_pointer(&qh, ());
    let surface = compositor.create_surface(&qh, ());
    if args.lock {
        let constraints: constraints::ZwpPointerConstraintsV1 = globals.bind(&qh, 1..=1, ())?;
        let manager: relative_manager::ZwpRelativePointerManagerV1 = globals.bind(&qh, 1..=1, ())?;
        manager.get_relative_pointer(&pointer, &qh, ());
        constraints.lock_pointer(&surface, &pointer, None, constraints::Lifetime::Persistent, &qh, ());
    }
    let shell_surface = shell.get_xdg_surface(&surface, &qh, ());
    let toplevel = shell_surface.get_toplevel(&qh, ());
    toplevel.set_title(format!("wl-picture {}", args.size));
    toplevel.set_app_id("wl-picture".into());
    toplevel.set_fullscreen(None);
    surface.commit();

    let mut window = Window {
        painter: Painter::new(args.mode, args.size),
        args,
        surface,
        memory,
        slots,
        times: DrawTimes::default(),
        frame: 0,
        presses: 0,
        configured: false,
        waiting: false,
        late: false,
        closed: false,
        moved: (0.0, 0.0),
    };
    let period = window.args.free.map(|fps| Duration::from_secs(1) / fps.max(1));
    let mut due = Instant::now();
    while !ended() && !window.closed {
        queue
            .dispatch_pending(&mut window)
            .context("error from the compositor")?;
        let now = Instant::now();
        if let Some(period) = period
            && window.configured
            && now >= due
        {
            window.draw(&qh);
            due = (due + period).max(now);
        }
        queue.flush().context("error writing to the compositor")?;
        let timeout = period.map(|period| due.saturating_duration_since(Instant::now()).min(period));
        if let Some(guard) = queue.prepare_read()
            && wait_readable(guard.connection_fd(), timeout)?
        {
            match guard.read() {
                // Nothing came: it is time to draw.
                Err(WaylandError::Io(e)) if e.kind() == std::io::ErrorKind::WouldBlock => {}
                read => drop(read.context("error reading from the compositor")?),
            }
        }
    }
    Ok(())
}

/// One file, mapped for good, with [`BUFFERS`] buffers: a pool, or DMA-BUFs of parts of it.
fn buffers(
    args: &Args,
    shm: &wl_shm::WlShm,
    dmabufs: Option<&zwp_linux_dmabuf_v1::ZwpLinuxDmabufV1>,
    qh: &QueueHandle<Window>,
) -> Result<(&'static mut [u8], Vec<Slot>)> {
    let (bytes, size) = (args.size.bytes(), args.size);
    let file = goggles_scope::dmabuf::memory((bytes * BUFFERS) as u64)?;
    // SAFETY: a new shared mapping of a file of that length, at an address that the kernel chooses; it stays for the
    // program's life, and nobody shrinks the file.
    let memory = unsafe {
        let at = rustix::mm::mmap(
            std::ptr::null_mut(),
            bytes * BUFFERS,
            ProtFlags::READ | ProtFlags::WRITE,
            MapFlags::SHARED | MapFlags::POPULATE,
            &file,
            0,
        )?;
        std::slice::from_raw_parts_mut(at.cast::<u8>(), bytes * BUFFERS)
    };
    let pool = shm.create_pool(file.as_fd(), i32::try_from(bytes * BUFFERS)?, qh, ());
    let (w, h) = (size.w as i32, size.h as i32);
    let slots = (0..BUFFERS).map(|i| {
        let buffer = match dmabufs {
            None => pool.create_buffer((i * bytes) as i32, w, h, w * 4, wl_shm::Format::Xrgb8888, qh, i),
            Some(dmabufs) => {
                let part = goggles_scope::dmabuf::from_memory(file.as_fd(), (i * bytes) as u64, bytes as u64)
                    .context("error making a DMA-BUF")?;
                let params = dmabufs.create_params(qh, ());
                params.add(part.as_fd(), 0, 0, w as u32 * 4, 0, 0);
                params.create_immed(w, h, XR24, zwp_linux_buffer_params_v1::Flags::empty(), qh, i)
            }
        };
        Ok(Slot { buffer, busy: false })
    });
    let slots = slots.collect::<Result<_>>()?;
    pool.destroy();
    Ok((memory, slots))
}

impl Dispatch<xdg_surface::XdgSurface, ()> for Window {
    fn event(
        window: &mut Self,
        surface: &xdg_surface::XdgSurface,
        event: xdg_surface::Event,
        _: &(),
        _: &Connection,
        qh: &QueueHandle<Self>,
    ) {
        if let xdg_surface::Event::Configure { serial } = event {
            surface.ack_configure(serial);
            // A later configure changes nothing: the size is the arguments'.
            if !window.configured {
                window.configured = true;
                window.draw(qh);
            }
        }
    }
}

impl Dispatch<xdg_toplevel::XdgToplevel, ()> for Window {
    fn event(
        window: &mut Self,
        _: &xdg_toplevel::XdgToplevel,
        event: xdg_toplevel::Event,
        _: &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let xdg_toplevel::Event::Close = event {
            window.closed = true;
        }
    }
}

impl Dispatch<wl_callback::WlCallback, ()> for Window {
    fn event(
        window: &mut Self,
        _: &wl_callback::WlCallback,
        _: wl_callback::Event,
        _: &(),
        _: &Connection,
        qh: &QueueHandle<Self>,
    ) {
        window.waiting = false;
        window.draw(qh);
    }
}

impl Dispatch<wl_buffer::WlBuffer, usize> for Window {
    fn event(
        window: &mut Self,
        _: &wl_buffer::WlBuffer,
        event: wl_buffer::Event,
        slot: &usize,
        _: &Connection,
        qh: &QueueHandle<Self>,
    ) {
        if let wl_buffer::Event::Release = event {
            window.slots[*slot].busy = false;
            if window.late && !window.waiting {
                window.draw(qh);
            }
        }
    }
}

impl Dispatch<wl_keyboard::WlKeyboard, ()> for Window {
    fn event(
        window: &mut Self,
        _: &wl_keyboard::WlKeyboard,
        event: wl_keyboard::Event,
        _: &(),
        _: &Connection,
        qh: &QueueHandle<Self>,
    ) {
        if let wl_keyboard::Event::Key {
            state: WEnum::Value(wl_keyboard::KeyState::Pressed),
            ..
        } = event
        {
            window.pressed(qh);
        }
    }
}

impl Dispatch<wl_pointer::WlPointer, ()> for Window {
    fn event(
        window: &mut Self,
        _: &wl_pointer::WlPointer,
        event: wl_pointer::Event,
        _: &(),
        _: &Connection,
        qh: &QueueHandle<Self>,
    ) {
        if let wl_pointer::Event::Button {
            state: WEnum::Value(wl_pointer::ButtonState::Pressed),
            ..
        } = event
        {
            window.pressed(qh);
        }
    }
}

impl Dispatch<zwp_locked_pointer_v1::ZwpLockedPointerV1, ()> for Window {
    fn event(
        _: &mut Self,
        _: &zwp_locked_pointer_v1::ZwpLockedPointerV1,
        event: zwp_locked_pointer_v1::Event,
        _: &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let zwp_locked_pointer_v1::Event::Locked = event {
            say("pointer locked");
        }
    }
}

impl Dispatch<relative::ZwpRelativePointerV1, ()> for Window {
    fn event(
        window: &mut Self,
        _: &relative::ZwpRelativePointerV1,
        event: relative::Event,
        _: &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let relative::Event::RelativeMotion { dx, dy, .. } = event {
            window.moved = (window.moved.0 + dx, window.moved.1 + dy);
            say(&format!("pointer moved {} {}", window.moved.0, window.moved.1));
        }
    }
}

/// A line for the test that reads the log; nobody else misses it.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

impl Dispatch<xdg_wm_base::XdgWmBase, ()> for Window {
    fn event(
        _: &mut Self,
        shell: &xdg_wm_base::XdgWmBase,
        event: xdg_wm_base::Event,
        _: &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let xdg_wm_base::Event::Ping { serial } = event {
            shell.pong(serial);
        }
    }
}

impl Dispatch<wl_registry::WlRegistry, GlobalListContents> for Window {
    fn event(
        _: &mut Self,
        _: &wl_registry::WlRegistry,
        _: wl_registry::Event,
        _: &GlobalListContents,
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
    }
}

delegate_noop!(Window: wl_compositor::WlCompositor);
delegate_noop!(Window: constraints::ZwpPointerConstraintsV1);
delegate_noop!(Window: relative_manager::ZwpRelativePointerManagerV1);
delegate_noop!(Window: wl_shm_pool::WlShmPool);
delegate_noop!(Window: ignore wl_shm::WlShm);
delegate_noop!(Window: ignore wl_seat::WlSeat);
delegate_noop!(Window: ignore wl_surface::WlSurface);
delegate_noop!(Window: ignore zwp_linux_dmabuf_v1::ZwpLinuxDmabufV1);
delegate_noop!(Window: ignore zwp_linux_buffer_params_v1::ZwpLinuxBufferParamsV1);
