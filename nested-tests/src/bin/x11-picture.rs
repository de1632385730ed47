//! An X11 program on MIT-SHM for tests and the bench: one full-screen window, of which a frame is one copy and one
//! `PutImage`.

use anyhow::{Context, Result, ensure};
use clap::Parser;
use nested_tests::picture::{Mode, Painter};
use nested_tests::program::{Args, DrawTimes, catch_signals, ended, wait_readable};
use rustix::mm::{MapFlags, ProtFlags};
use std::time::{Duration, Instant};
use x11rb::connection::{Connection, RequestConnection};
use x11rb::protocol::Event;
use x11rb::protocol::shm::{self, ConnectionExt as _};
use x11rb::protocol::xproto::{
    AtomEnum, ConnectionExt as _, CreateGCAux, CreateWindowAux, EventMask, ImageFormat, PropMode, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

/// X11 has no frame callbacks: a game runs on its own clock.
const PERIOD: Duration = Duration::from_nanos(1_000_000_000 / 60);

struct Window<'a> {
    x: &'a RustConnection,
    args: Args,
    painter: Painter,
    window: u32,
    gc: u32,
    segment: u32,
    memory: &'static mut [u8],
    times: DrawTimes,
    frame: usize,
    presses: usize,
}

impl Window<'_> {
    fn draw(&mut self) -> Result<()> {
        let start = Instant::now();
        self.painter.draw(self.frame, self.presses, self.memory);
        self.frame += 1;
        let (w, h) = (self.args.size.w as u16, self.args.size.h as u16);
        let format = u8::from(ImageFormat::Z_PIXMAP);
        self.x.shm_put_image(
            self.window,
            self.gc,
            w,
            h,
            0,
            0,
            w,
            h,
            0,
            0,
            24,
            format,
            false,
            self.segment,
            0,
        )?;
        // The server has read the picture when it answers: the memory may be drawn in again.
        self.x.sync()?;
        self.times.add(start);
        Ok(())
    }

    fn handle(&mut self, event: Event) -> Result<()> {
        match event {
            Event::KeyPress(_) | Event::ButtonPress(_) => {
                self.presses += 1;
                if self.args.mode == Mode::Flip {
                    self.draw()?;
                }
            }
            Event::Expose(e) if e.count == 0 => self.draw()?,
            Event::Error(e) => anyhow::bail!("X11 error {e:?}"),
            _ => (),
        }
        Ok(())
    }
}

fn main() -> Result<()> {
    let args = Args::parse();
    catch_signals();
    let (x, screen) = RustConnection::connect(None).context("error connecting to the X server")?;
    let screen = &x.setup().roots[screen];
    ensure!(
        screen.root_depth == 24,
        "the X server's depth is {}, not 24",
        screen.root_depth
    );

    let (w, h) = (args.size.w as u16, args.size.h as u16);
    let (window, gc) = (x.generate_id()?, x.generate_id()?);
    let aux = CreateWindowAux::new().event_mask(EventMask::EXPOSURE | EventMask::KEY_PRESS | EventMask::BUTTON_PRESS);
    x.create_window(
        24,
        window,
        screen.root,
        0,
        0,
        w,
        h,
        0,
        WindowClass::INPUT_OUTPUT,
        screen.root_visual,
        &aux,
    )?;
    x.create_gc(gc, window, &CreateGCAux::new())?;
    let atom = |name: &str| -> Result<u32> { Ok(x.intern_atom(false, name.as_bytes())?.reply()?.atom) };
    let fullscreen = atom("_NET_WM_STATE_FULLSCREEN")?;
    x.change_property32(
        PropMode::REPLACE,
        window,
        atom("_NET_WM_STATE")?,
        AtomEnum::ATOM,
        &[fullscreen],
    )?;
    let title = format!("x11-picture {}", args.size);
    x.change_property8(
        PropMode::REPLACE,
        window,
        AtomEnum::WM_NAME,
        AtomEnum::STRING,
        title.as_bytes(),
    )?;
    let (segment, memory) = segment(&x, &args)?;
    x.map_window(window)?;
    x.flush()?;

    let painter = Painter::new(args.mode, args.size);
    let (frame, presses, times) = (0, 0, DrawTimes::default());
    let scroll = args.mode == Mode::Scroll;
    let mut window = Window {
        x: &x,
        args,
        painter,
        window,
        gc,
        segment,
        memory,
        times,
        frame,
        presses,
    };
    // Due times lie on a grid: a late frame doesn't move the ones after it.
    let mut due = Instant::now() + PERIOD;
    while !ended() {
        while let Some(event) = x.poll_for_event().context("error from the X server")? {
            window.handle(event)?;
        }
        let now = Instant::now();
        if scroll && now >= due {
            window.draw()?;
            while due <= now {
                due += PERIOD;
            }
            // The answers may have brought events.
            continue;
        }
        wait_readable(x.stream(), scroll.then(|| due.saturating_duration_since(now)))?;
    }
    Ok(())
}

/// Memory that the X server reads pictures from.
fn segment(x: &RustConnection, args: &Args) -> Result<(u32, &'static mut [u8])> {
    ensure!(
        x.extension_information(shm::X11_EXTENSION_NAME)?.is_some(),
        "the X server has no MIT-SHM"
    );
    let bytes = args.size.bytes();
    let id = x.generate_id()?;
    let reply = x
        .shm_create_segment(id, u32::try_from(bytes)?, false)?
        .reply()
        .context("error making a segment")?;
    // SAFETY: a new shared mapping of the segment's file, which the server made `bytes` long, at an address that the
    // kernel chooses; it stays for the program's life.
    let memory = unsafe {
        let flags = MapFlags::SHARED | MapFlags::POPULATE;
        let at = rustix::mm::mmap(
            std::ptr::null_mut(),
            bytes,
            ProtFlags::READ | ProtFlags::WRITE,
            flags,
            &reply.shm_fd,
            0,
        )?;
        std::slice::from_raw_parts_mut(at.cast::<u8>(), bytes)
    };
    Ok((id, memory))
}
