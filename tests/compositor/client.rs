//! A scripted Wayland client that never blocks: what it hears is kept for the test to look at.

use smithay::input::keyboard::xkb;
use std::collections::HashMap;
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use wayland_client::backend::protocol::{Argument, Message};
use wayland_client::protocol::{
    wl_buffer, wl_callback, wl_compositor, wl_keyboard, wl_output, wl_pointer, wl_region, wl_registry, wl_seat, wl_shm,
    wl_shm_pool, wl_subcompositor, wl_subsurface, wl_surface,
};
use wayland_client::{Connection, Dispatch, EventQueue, Proxy, QueueHandle, WEnum, delegate_noop};
use wayland_protocols::wp::pointer_constraints::zv1::client::{
    zwp_confined_pointer_v1, zwp_locked_pointer_v1, zwp_pointer_constraints_v1,
};
use wayland_protocols::wp::presentation_time::client::{wp_presentation, wp_presentation_feedback};
use wayland_protocols::wp::relative_pointer::zv1::client::{zwp_relative_pointer_manager_v1, zwp_relative_pointer_v1};
use wayland_protocols::xdg::shell::client::{xdg_popup, xdg_positioner, xdg_surface, xdg_toplevel, xdg_wm_base};
use wayland_protocols_wlr::output_management::v1::client::{
    zwlr_output_head_v1::ZwlrOutputHeadV1, zwlr_output_mode_v1::ZwlrOutputModeV1,
};

pub struct Client {
    connection: Connection,
    queue: EventQueue<Heard>,
    pub heard: Heard,
    /// Why the connection ended.
    pub error: Option<String>,
    registry: wl_registry::WlRegistry,
    globals: Option<Globals>,
}

/// What the client was told.
#[derive(Default)]
pub struct Heard {
    pub names: HashMap<String, (u32, u32)>,
    /// Newest toplevel configure: width, height, states.
    pub toplevel: Option<(i32, i32, Vec<u32>)>,
    pub popup: Option<(i32, i32, i32, i32)>,
    pub popup_done: bool,
    pub closed: bool,
    pub callbacks: usize,
    pub presented: Vec<Presented>,
    /// Feedback that said that a frame was never shown.
    pub discarded: usize,
    pub pointer: Vec<wl_pointer::Event>,
    pub relative: Vec<(f64, f64)>,
    pub keys: Vec<(u32, bool)>,
    pub keyboard_focus: Option<u32>,
    pub keymaps: usize,
    /// How keys repeat: how often a second, after how many milliseconds.
    pub repeat: Option<(i32, i32)>,
    /// Modifiers that are held, as its bits.
    pub modifiers: u32,
    /// What the newest keymap makes of the keys.
    xkb: Option<xkb::State>,
    /// The characters that were typed, each by the keymap at its time.
    pub typed: String,
    /// Of the newest key event.
    pub serial: u32,
    pub locked: bool,
    pub confined: bool,
    pub mode: Option<(i32, i32, i32)>,
    /// The output's make, model, and size in millimetres.
    pub monitor: Option<(String, String, i32, i32)>,
    /// Capabilities of the seat.
    pub seat: u32,
    /// How often surfaces came onto the output, and left it.
    pub entered: usize,
    pub left: usize,
    /// The heads and modes that wlr-output-management told of.
    pub heads: Vec<ZwlrOutputHeadV1>,
    pub modes: Vec<ZwlrOutputModeV1>,
    /// Configures are not acknowledged.
    pub acknowledges_nothing: bool,
    /// What the objects of `log.rs` said: `interface: Event`.
    pub log: Vec<String>,
}

/// A presentation feedback, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Presented {
    pub at: u64,
    pub refresh: u32,
    pub sequence: u64,
    pub flags: u32,
}

pub struct Globals {
    pub output: wl_output::WlOutput,
    pub compositor: wl_compositor::WlCompositor,
    pub subcompositor: wl_subcompositor::WlSubcompositor,
    pub shm: wl_shm::WlShm,
    pub wm: xdg_wm_base::XdgWmBase,
    pub seat: wl_seat::WlSeat,
    pub pointer: wl_pointer::WlPointer,
    pub constraints: zwp_pointer_constraints_v1::ZwpPointerConstraintsV1,
    pub presentation: wp_presentation::WpPresentation,
}

/// A toplevel window.
pub struct Window {
    pub surface: wl_surface::WlSurface,
    pub xdg: xdg_surface::XdgSurface,
    pub toplevel: xdg_toplevel::XdgToplevel,
}

impl Client {
    pub fn new(stream: UnixStream) -> Self {
        let connection = Connection::from_socket(stream).expect("a connection");
        let queue = connection.new_event_queue();
        let registry = connection.display().get_registry(&queue.handle(), ());
        Self {
            connection,
            queue,
            heard: Heard::default(),
            error: None,
            registry,
            globals: None,
        }
    }

    pub fn flush(&mut self) {
        if let Err(e) = self.queue.flush() {
            self.error.get_or_insert(e.to_string());
        }
    }

    pub fn read(&mut self) {
        if let Some(guard) = self.queue.prepare_read() {
            // WouldBlock is no error: there was nothing to read.
            let _ = guard.read();
        }
        if let Err(e) = self.queue.dispatch_pending(&mut self.heard) {
            self.error.get_or_insert(e.to_string());
        }
        if let Some(e) = self.connection.protocol_error() {
            self.error = Some(format!("{e}"));
        }
    }

    pub fn qh(&self) -> QueueHandle<Heard> {
        self.queue.handle()
    }

    pub fn global<I>(&self, version: u32) -> I
    where
        I: Proxy + 'static,
        Heard: Dispatch<I, ()>,
    {
        let (name, offered) = self.heard.names[I::interface().name];
        self.registry.bind(name, version.min(offered), &self.qh(), ())
    }

    pub fn bind(&mut self) {
        let seat: wl_seat::WlSeat = self.global(5);
        let pointer = seat.get_pointer(&self.qh(), ());
        seat.get_keyboard(&self.qh(), ());
        let relative: zwp_relative_pointer_manager_v1::ZwpRelativePointerManagerV1 = self.global(1);
        relative.get_relative_pointer(&pointer, &self.qh(), ());
        self.globals = Some(Globals {
            output: self.global(3),
            compositor: self.global(4),
            subcompositor: self.global(1),
            shm: self.global(1),
            wm: self.global(3),
            seat,
            pointer,
            constraints: self.global(1),
            presentation: self.global(1),
        });
    }

    pub fn globals(&self) -> &Globals {
        self.globals.as_ref().expect("bound")
    }

    pub fn surface(&self) -> wl_surface::WlSurface {
        self.globals().compositor.create_surface(&self.qh(), ())
    }

    pub fn toplevel(&self) -> Window {
        let surface = self.surface();
        let xdg = self.globals().wm.get_xdg_surface(&surface, &self.qh(), ());
        let toplevel = xdg.get_toplevel(&self.qh(), ());
        surface.commit();
        Window { surface, xdg, toplevel }
    }

    pub fn popup(
        &self,
        parent: &Window,
        anchor: (i32, i32, i32, i32),
        size: (i32, i32),
        grab: Option<u32>,
    ) -> wl_surface::WlSurface {
        let surface = self.surface();
        let xdg = self.globals().wm.get_xdg_surface(&surface, &self.qh(), ());
        let positioner = self.positioner(anchor, size);
        let popup = xdg.get_popup(Some(&parent.xdg), &positioner, &self.qh(), ());
        if let Some(serial) = grab {
            popup.grab(&self.globals().seat, serial);
        }
        surface.commit();
        surface
    }

    /// At the lower right corner of the anchor, and kept inside the output.
    pub fn positioner(&self, anchor: (i32, i32, i32, i32), size: (i32, i32)) -> xdg_positioner::XdgPositioner {
        let positioner = self.globals().wm.create_positioner(&self.qh(), ());
        positioner.set_size(size.0, size.1);
        positioner.set_anchor_rect(anchor.0, anchor.1, anchor.2, anchor.3);
        positioner.set_anchor(xdg_positioner::Anchor::BottomRight);
        positioner.set_gravity(xdg_positioner::Gravity::BottomRight);
        positioner.set_constraint_adjustment(
            xdg_positioner::ConstraintAdjustment::SlideX | xdg_positioner::ConstraintAdjustment::SlideY,
        );
        positioner
    }

    /// Sends numbers that the bindings would not let through.
    pub fn send_raw(&self, to: &impl Proxy, opcode: u16, args: &[u32]) {
        let message = Message {
            sender_id: to.id(),
            opcode,
            args: args.iter().map(|n| Argument::Uint(*n)).collect(),
        };
        self.connection
            .backend()
            .send_request(message, None, None)
            .expect("the object is alive");
    }

    /// A buffer whose pixel (x, y) is `paint(x, y)`, 0xAARRGGBB.
    pub fn buffer(
        &self,
        w: i32,
        h: i32,
        format: wl_shm::Format,
        paint: impl Fn(i32, i32) -> u32,
    ) -> wl_buffer::WlBuffer {
        let pixels: Vec<u8> = (0..w * h).flat_map(|i| paint(i % w, i / w).to_le_bytes()).collect();
        self.raw_buffer(&pixels, (0, w, h, w * 4), format)
    }

    /// A buffer as the client says it is, true or not: offset, width, height, stride.
    pub fn raw_buffer(&self, bytes: &[u8], shape: (i32, i32, i32, i32), format: wl_shm::Format) -> wl_buffer::WlBuffer {
        let fd: OwnedFd = rustix::fs::memfd_create("test", rustix::fs::MemfdFlags::CLOEXEC).expect("a memfd");
        std::fs::File::from(fd.try_clone().expect("a copy"))
            .write_all(bytes)
            .expect("the pixels are written");
        let pool = self
            .globals()
            .shm
            .create_pool(fd.as_fd(), bytes.len() as i32, &self.qh(), ());
        let buffer = pool.create_buffer(shape.0, shape.1, shape.2, shape.3, format, &self.qh(), ());
        pool.destroy();
        buffer
    }

    /// Shows a buffer of one colour, opaque by its format.
    pub fn fill(&self, surface: &wl_surface::WlSurface, size: (i32, i32), colour: u32) {
        let buffer = self.buffer(size.0, size.1, wl_shm::Format::Xrgb8888, |_, _| colour);
        self.show(surface, &buffer, size);
    }

    /// Attaches, damages all, and commits.
    pub fn show(&self, surface: &wl_surface::WlSurface, buffer: &wl_buffer::WlBuffer, size: (i32, i32)) {
        surface.attach(Some(buffer), 0, 0);
        surface.damage_buffer(0, 0, size.0, size.1);
        surface.commit();
    }

    pub fn frame(&self, surface: &wl_surface::WlSurface) {
        surface.frame(&self.qh(), ());
    }
}

impl Dispatch<wl_registry::WlRegistry, ()> for Heard {
    fn event(
        this: &mut Self,
        _: &wl_registry::WlRegistry,
        event: wl_registry::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let wl_registry::Event::Global {
            name,
            interface,
            version,
        } = event
        {
            this.names.insert(interface, (name, version));
        }
    }
}

impl Dispatch<xdg_wm_base::XdgWmBase, ()> for Heard {
    fn event(
        _: &mut Self,
        wm: &xdg_wm_base::XdgWmBase,
        event: xdg_wm_base::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let xdg_wm_base::Event::Ping { serial } = event {
            wm.pong(serial);
        }
    }
}

impl Dispatch<xdg_surface::XdgSurface, ()> for Heard {
    fn event(
        this: &mut Self,
        xdg: &xdg_surface::XdgSurface,
        event: xdg_surface::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let xdg_surface::Event::Configure { serial } = event
            && !this.acknowledges_nothing
        {
            xdg.ack_configure(serial);
        }
    }
}

impl Dispatch<xdg_toplevel::XdgToplevel, ()> for Heard {
    fn event(
        this: &mut Self,
        _: &xdg_toplevel::XdgToplevel,
        event: xdg_toplevel::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        match event {
            xdg_toplevel::Event::Configure { width, height, states } => {
                let states = states
                    .chunks_exact(4)
                    .map(|b| u32::from_ne_bytes([b[0], b[1], b[2], b[3]]))
                    .collect();
                this.toplevel = Some((width, height, states));
            }
            xdg_toplevel::Event::Close => this.closed = true,
            _ => {}
        }
    }
}

impl Dispatch<xdg_popup::XdgPopup, ()> for Heard {
    fn event(
        this: &mut Self,
        _: &xdg_popup::XdgPopup,
        event: xdg_popup::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        match event {
            xdg_popup::Event::Configure { x, y, width, height } => this.popup = Some((x, y, width, height)),
            xdg_popup::Event::PopupDone => this.popup_done = true,
            _ => {}
        }
    }
}

impl Dispatch<wl_callback::WlCallback, ()> for Heard {
    fn event(
        this: &mut Self,
        _: &wl_callback::WlCallback,
        _: wl_callback::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        this.callbacks += 1;
    }
}

impl Dispatch<wl_pointer::WlPointer, ()> for Heard {
    fn event(
        this: &mut Self,
        _: &wl_pointer::WlPointer,
        event: wl_pointer::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        this.pointer.push(event);
    }
}

impl Dispatch<zwp_relative_pointer_v1::ZwpRelativePointerV1, ()> for Heard {
    fn event(
        this: &mut Self,
        _: &zwp_relative_pointer_v1::ZwpRelativePointerV1,
        event: zwp_relative_pointer_v1::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let zwp_relative_pointer_v1::Event::RelativeMotion {
            dx_unaccel, dy_unaccel, ..
        } = event
        {
            this.relative.push((dx_unaccel, dy_unaccel));
        }
    }
}

fn keymap(fd: OwnedFd, size: u32) -> xkb::Keymap {
    let context = xkb::Context::new(xkb::CONTEXT_NO_FLAGS);
    let (format, flags) = (xkb::KEYMAP_FORMAT_TEXT_V1, xkb::KEYMAP_COMPILE_NO_FLAGS);
    let mut bytes = vec![0; size as usize];
    rustix::io::pread(&fd, &mut bytes, 0).expect("the file is read");
    let text = String::from_utf8_lossy(&bytes).trim_end_matches('\0').to_owned();
    xkb::Keymap::new_from_string(&context, text, format, flags).expect("a keymap")
}

impl Dispatch<wl_keyboard::WlKeyboard, ()> for Heard {
    fn event(
        this: &mut Self,
        _: &wl_keyboard::WlKeyboard,
        event: wl_keyboard::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        match event {
            wl_keyboard::Event::Enter { surface, .. } => this.keyboard_focus = Some(surface.id().protocol_id()),
            wl_keyboard::Event::Keymap { fd, size, .. } => {
                this.keymaps += 1;
                this.xkb = Some(xkb::State::new(&keymap(fd, size)));
            }
            wl_keyboard::Event::Modifiers {
                mods_depressed,
                mods_latched,
                mods_locked,
                group,
                ..
            } => {
                this.modifiers = mods_depressed;
                let state = this.xkb.as_mut().expect("a keymap came first");
                state.update_mask(mods_depressed, mods_latched, mods_locked, 0, 0, group);
            }
            wl_keyboard::Event::Leave { .. } => this.keyboard_focus = None,
            wl_keyboard::Event::RepeatInfo { rate, delay } => this.repeat = Some((rate, delay)),
            wl_keyboard::Event::Key { key, state, serial, .. } => {
                this.serial = serial;
                let pressed = state == WEnum::Value(wl_keyboard::KeyState::Pressed);
                this.keys.push((key, pressed));
                if pressed && let Some(xkb) = &this.xkb {
                    this.typed += &xkb.key_get_utf8(xkb::Keycode::new(key + 8));
                }
            }
            _ => {}
        }
    }
}

impl Dispatch<wl_output::WlOutput, ()> for Heard {
    fn event(
        this: &mut Self,
        _: &wl_output::WlOutput,
        event: wl_output::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        match event {
            wl_output::Event::Mode {
                width, height, refresh, ..
            } => this.mode = Some((width, height, refresh)),
            wl_output::Event::Geometry {
                make,
                model,
                physical_width,
                physical_height,
                ..
            } => this.monitor = Some((make, model, physical_width, physical_height)),
            _ => {}
        }
    }
}

impl Dispatch<wp_presentation_feedback::WpPresentationFeedback, ()> for Heard {
    fn event(
        this: &mut Self,
        _: &wp_presentation_feedback::WpPresentationFeedback,
        event: wp_presentation_feedback::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        match event {
            wp_presentation_feedback::Event::Presented {
                tv_sec_hi,
                tv_sec_lo,
                tv_nsec,
                refresh,
                seq_hi,
                seq_lo,
                flags,
            } => {
                let joined = |hi, lo| u64::from(hi) << 32 | u64::from(lo);
                this.presented.push(Presented {
                    at: joined(tv_sec_hi, tv_sec_lo) * 1_000_000_000 + u64::from(tv_nsec),
                    refresh,
                    sequence: joined(seq_hi, seq_lo),
                    flags: flags.into(),
                });
            }
            wp_presentation_feedback::Event::Discarded => this.discarded += 1,
            _ => {}
        }
    }
}

impl Dispatch<zwp_locked_pointer_v1::ZwpLockedPointerV1, ()> for Heard {
    fn event(
        this: &mut Self,
        _: &zwp_locked_pointer_v1::ZwpLockedPointerV1,
        event: zwp_locked_pointer_v1::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        this.locked = matches!(event, zwp_locked_pointer_v1::Event::Locked);
    }
}

impl Dispatch<zwp_confined_pointer_v1::ZwpConfinedPointerV1, ()> for Heard {
    fn event(
        this: &mut Self,
        _: &zwp_confined_pointer_v1::ZwpConfinedPointerV1,
        event: zwp_confined_pointer_v1::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        this.confined = matches!(event, zwp_confined_pointer_v1::Event::Confined);
    }
}

delegate_noop!(Heard: wl_compositor::WlCompositor);
delegate_noop!(Heard: wl_subcompositor::WlSubcompositor);
delegate_noop!(Heard: wl_subsurface::WlSubsurface);
delegate_noop!(Heard: wl_region::WlRegion);
delegate_noop!(Heard: wl_shm_pool::WlShmPool);
delegate_noop!(Heard: xdg_positioner::XdgPositioner);
delegate_noop!(Heard: zwp_pointer_constraints_v1::ZwpPointerConstraintsV1);
delegate_noop!(Heard: zwp_relative_pointer_manager_v1::ZwpRelativePointerManagerV1);
delegate_noop!(Heard: ignore wp_presentation::WpPresentation);
delegate_noop!(Heard: ignore wl_shm::WlShm);
impl Dispatch<wl_surface::WlSurface, ()> for Heard {
    fn event(
        this: &mut Self,
        _: &wl_surface::WlSurface,
        event: wl_surface::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        match event {
            wl_surface::Event::Enter { .. } => this.entered += 1,
            wl_surface::Event::Leave { .. } => this.left += 1,
            _ => {}
        }
    }
}

delegate_noop!(Heard: ignore wl_buffer::WlBuffer);

impl Dispatch<wl_seat::WlSeat, ()> for Heard {
    fn event(
        this: &mut Self,
        _: &wl_seat::WlSeat,
        event: wl_seat::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let wl_seat::Event::Capabilities { capabilities } = event {
            this.seat = capabilities.into();
        }
    }
}
