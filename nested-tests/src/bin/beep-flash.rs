//! A program that beeps and flashes at once, for what the bench says of sound: a full-screen window on `wl_shm`, black
//! but for as long as it beeps, and a native PipeWire stream. Between the beeps there is a faint tone, so that the sound
//! never stops.

use anyhow::{Context, Result};
use nested_tests::beep::{BEEP, BEEP_HZ, EVERY, LEVEL, TONE_HZ, TONE_LEVEL};
use nested_tests::program::{catch_signals, ended};
use pipewire as pw;
use pw::spa;
use pw::stream::{StreamFlags, StreamListener, StreamRc};
use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use std::f32::consts::TAU;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use wayland_client::globals::{GlobalListContents, registry_queue_init};
use wayland_client::protocol::{wl_buffer, wl_compositor, wl_registry, wl_shm, wl_shm_pool, wl_surface};
use wayland_client::{Connection, Dispatch, QueueHandle, delegate_noop};
use wayland_protocols::xdg::shell::client::{xdg_surface, xdg_toplevel, xdg_wm_base};

const RATE: u32 = 48_000;
const CHANNELS: usize = 2;
const SIZE: (usize, usize) = (640, 360);

/// What the data thread tells the window.
struct Shared {
    beeping: AtomicBool,
    changed: OwnedFd,
}

fn main() -> Result<()> {
    catch_signals();
    let shared = Arc::new(Shared {
        beeping: AtomicBool::new(false),
        changed: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?,
    });
    let connection = Connection::connect_to_env().context("error connecting to the compositor")?;
    let (globals, mut queue) = registry_queue_init::<Window>(&connection).context("error listing the globals")?;
    let qh = queue.handle();
    let compositor: wl_compositor::WlCompositor = globals.bind(&qh, 4..=6, ())?;
    let shm: wl_shm::WlShm = globals.bind(&qh, 1..=1, ())?;
    let shell: xdg_wm_base::XdgWmBase = globals.bind(&qh, 1..=6, ())?;
    let surface = compositor.create_surface(&qh, ());
    let toplevel = shell.get_xdg_surface(&surface, &qh, ()).get_toplevel(&qh, ());
    toplevel.set_title("beep-flash".into());
    toplevel.set_fullscreen(None);
    surface.commit();
    let mut window = Window {
        pictures: pictures(&shm, &qh)?,
        surface,
        configured: false,
        closed: false,
    };

    pw::init();
    let main_loop = pw::loop_::LoopRc::new(None).context("error making PipeWire's loop")?;
    let context = pw::context::ContextRc::new(&main_loop, None).context("error setting PipeWire up")?;
    let core = context.connect_rc(None).context("error connecting to PipeWire")?;
    let (_listener, stream) = play(core, shared.clone())?;

    while !ended() && !window.closed {
        queue
            .dispatch_pending(&mut window)
            .context("error from the compositor")?;
        queue.flush().context("error writing to the compositor")?;
        let Some(guard) = queue.prepare_read() else { continue };
        let fds = &mut [
            PollFd::from_borrowed_fd(guard.connection_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(main_loop.fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(shared.changed.as_fd(), PollFlags::IN),
        ];
        match poll(fds, None) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(e) => return Err(e).context("error waiting"),
        }
        let [wayland, pipewire, changed] = [0, 1, 2].map(|n| fds[n].revents().contains(PollFlags::IN));
        if wayland {
            guard.read().context("error reading from the compositor")?;
        }
        if changed {
            rustix::io::read(&shared.changed, &mut [0; 8]).context("error reading an eventfd")?;
            window.show(shared.beeping.load(Ordering::Acquire));
        }
        if pipewire {
            main_loop.iterate(pw::loop_::Timeout::Finite(Duration::ZERO));
        }
    }
    // Before the loop goes: the data thread may be in the middle of a quantum.
    stream.disconnect().context("error ending the stream")
}

/// What the data thread has: the number of the next sample.
struct Player {
    next: u64,
    /// When the beep of now, or the last, began.
    began: Option<u64>,
    shared: Arc<Shared>,
}

impl Player {
    /// Fills a quantum. A beep begins with the first sample of one, so that the window can be told in time.
    fn fill(&mut self, samples: &mut [[f32; CHANNELS]]) {
        let due = self.began.map_or(u64::from(RATE), |at| at + samples_in(EVERY));
        if self.next >= due {
            self.began = Some(self.next);
        }
        let beeping = self.began.is_some_and(|at| self.next < at + samples_in(BEEP));
        if self.shared.beeping.swap(beeping, Ordering::AcqRel) != beeping {
            // Only a counter that is full would refuse.
            let _ = rustix::io::write(&self.shared.changed, &1u64.to_ne_bytes());
        }
        let (hz, level) = if beeping {
            (BEEP_HZ, LEVEL)
        } else {
            (TONE_HZ, TONE_LEVEL)
        };
        let start = if beeping { self.began.unwrap_or_default() } else { 0 };
        for sample in samples {
            let seconds = ((self.next - start) % u64::from(RATE)) as f32 / RATE as f32;
            // A beep begins at its loudest: its first sample can be told from what was before.
            *sample = [level * (TAU * hz * seconds).cos(); CHANNELS];
            self.next += 1;
        }
    }
}

fn samples_in(time: Duration) -> u64 {
    time.as_millis() as u64 * u64::from(RATE) / 1000
}

fn play(core: pw::core::CoreRc, shared: Arc<Shared>) -> Result<(StreamListener<Player>, StreamRc)> {
    let properties = pw::properties::properties! {
        *pw::keys::MEDIA_TYPE => "Audio",
        *pw::keys::MEDIA_CATEGORY => "Playback",
        "node.latency" => format!("240/{RATE}"),
    };
    let stream = StreamRc::new(core, "beep-flash", properties).context("error making the stream")?;
    let player = Player {
        next: 0,
        began: None,
        shared,
    };
    let listener = stream
        .add_local_listener_with_user_data(player)
        .process(|stream, player| {
            let Some(mut buffer) = stream.dequeue_buffer() else {
                return;
            };
            let requested = usize::try_from(buffer.requested()).unwrap_or(0);
            let Some(data) = buffer.datas_mut().first_mut() else {
                return;
            };
            let stride = CHANNELS * size_of::<f32>();
            let mut frames = 0;
            if let Some(bytes) = data.data() {
                let room = bytes.len() / stride;
                frames = if requested == 0 { room } else { requested.min(room) };
                let mut samples = vec![[0.0; CHANNELS]; frames];
                player.fill(&mut samples);
                for (to, sample) in bytes.chunks_exact_mut(4).zip(samples.as_flattened()) {
                    to.copy_from_slice(&sample.to_ne_bytes());
                }
            }
            let chunk = data.chunk_mut();
            *chunk.offset_mut() = 0;
            *chunk.stride_mut() = stride as i32;
            *chunk.size_mut() = (stride * frames) as u32;
        })
        .register()
        .context("error listening to the stream")?;
    let mut info = spa::param::audio::AudioInfoRaw::new();
    info.set_format(spa::param::audio::AudioFormat::F32LE);
    info.set_rate(RATE);
    info.set_channels(CHANNELS as u32);
    let mut position = [0; spa::sys::SPA_AUDIO_MAX_CHANNELS as usize];
    position[..CHANNELS].copy_from_slice(&[spa::sys::SPA_AUDIO_CHANNEL_FL, spa::sys::SPA_AUDIO_CHANNEL_FR]);
    info.set_position(position);
    let object = spa::pod::Object {
        type_: spa::utils::SpaTypes::ObjectParamFormat.as_raw(),
        id: spa::param::ParamType::EnumFormat.as_raw(),
        properties: info.into(),
    };
    let value = spa::pod::Value::Object(object);
    let bytes = spa::pod::serialize::PodSerializer::serialize(std::io::Cursor::new(Vec::new()), &value);
    let bytes = bytes.ok().context("error describing the format")?.0.into_inner();
    let format = spa::pod::Pod::from_bytes(&bytes).context("the format is no POD")?;
    let flags = StreamFlags::AUTOCONNECT | StreamFlags::MAP_BUFFERS | StreamFlags::RT_PROCESS;
    stream
        .connect(spa::utils::Direction::Output, None, flags, &mut [format])
        .context("error connecting the stream")?;
    Ok((listener, stream))
}

struct Window {
    surface: wl_surface::WlSurface,
    /// Black and white.
    pictures: [wl_buffer::WlBuffer; 2],
    configured: bool,
    closed: bool,
}

impl Window {
    fn show(&self, flash: bool) {
        if self.configured {
            self.surface.attach(Some(&self.pictures[usize::from(flash)]), 0, 0);
            self.surface.damage_buffer(0, 0, i32::MAX, i32::MAX);
            self.surface.commit();
        }
    }
}

/// A black and a white picture; neither is ever drawn into again.
fn pictures(shm: &wl_shm::WlShm, qh: &QueueHandle<Window>) -> Result<[wl_buffer::WlBuffer; 2]> {
    let (w, h) = SIZE;
    let bytes = w * h * 4;
    let file = rustix::fs::memfd_create("beep-flash", rustix::fs::MemfdFlags::CLOEXEC)?;
    let mut file = std::fs::File::from(file);
    std::io::Write::write_all(&mut file, &[[0u8].repeat(bytes), [0xff].repeat(bytes)].concat())?;
    let pool = shm.create_pool(file.as_fd(), i32::try_from(2 * bytes)?, qh, ());
    let (w, h) = (w as i32, h as i32);
    let picture = |n: usize| pool.create_buffer((n * bytes) as i32, w, h, w * 4, wl_shm::Format::Xrgb8888, qh, ());
    Ok([picture(0), picture(1)])
}

impl Dispatch<xdg_surface::XdgSurface, ()> for Window {
    fn event(
        window: &mut Self,
        surface: &xdg_surface::XdgSurface,
        event: xdg_surface::Event,
        _: &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let xdg_surface::Event::Configure { serial } = event {
            surface.ack_configure(serial);
            if !std::mem::replace(&mut window.configured, true) {
                window.show(false);
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
delegate_noop!(Window: wl_shm_pool::WlShmPool);
delegate_noop!(Window: ignore wl_buffer::WlBuffer);
delegate_noop!(Window: ignore wl_shm::WlShm);
delegate_noop!(Window: ignore wl_surface::WlSurface);
