//! Our sink: the stream that PipeWire takes for a loudspeaker. Its data thread copies each quantum into the ring.

use super::pod;
use super::ring::{SLOT, Writer};
use super::wake::Wake;
use crate::priority;
use anyhow::{Context, Result, bail};
use goggles_protocols::audio::{Layout, RATE};
use pipewire::core::CoreRc;
use pipewire::properties::properties;
use pipewire::spa::utils::Direction;
use pipewire::stream::{Stream, StreamFlags, StreamListener, StreamRc, StreamState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Its name, by which programs are sent to it.
pub const NAME: &str = "goggles-scope";
/// A delay above this is not believed.
const MAX_DELAY: i64 = 200_000_000;

/// How the sink is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Its loudspeakers.
    pub layout: Layout,
    /// Samples of a channel that come at once.
    pub quantum: u32,
    /// Real-time scheduling of the data thread, where it is permitted.
    pub rt: bool,
}

/// The stream; gone with its value.
pub struct Sink {
    /// Goes before the stream.
    _listener: StreamListener<Process>,
    stream: StreamRc,
    /// The data thread's id, once it has run; 0 before, and when it has been raised.
    to_raise: Arc<AtomicU32>,
    rt: bool,
}

/// What the data thread has.
struct Process {
    writer: Writer,
    wake: Wake,
    /// Bytes of a sample of all channels.
    frame: usize,
    /// Told with the first quantum which thread this is.
    to_raise: Option<Arc<AtomicU32>>,
}

impl Sink {
    /// Connects it; it is there once its node has ports.
    ///
    /// # Errors
    /// PipeWire refuses.
    pub fn new(core: &CoreRc, name: &str, shape: Shape, writer: Writer, wake: Wake) -> Result<Self> {
        let properties = properties! {
            *pipewire::keys::MEDIA_CLASS => "Audio/Sink",
            *pipewire::keys::NODE_NAME => name,
            *pipewire::keys::NODE_DESCRIPTION => "goggles-scope",
            *pipewire::keys::NODE_VIRTUAL => "true",
            "node.force-quantum" => shape.quantum.to_string(),
            "node.latency" => format!("{}/{RATE}", shape.quantum),
        };
        let stream = StreamRc::new(core.clone(), name, properties).context("error making the sink")?;
        let to_raise = Arc::<AtomicU32>::default();
        let process = Process {
            writer,
            wake,
            frame: usize::from(shape.layout.channels()) * size_of::<f32>(),
            to_raise: Some(to_raise.clone()),
        };
        let listener = stream
            .add_local_listener_with_user_data(process)
            .process(|stream, process| process.run(stream))
            .register()
            .context("error listening to the sink")?;
        let format = pod::format(&pod::channels(shape.layout))?;
        let flags = StreamFlags::MAP_BUFFERS | StreamFlags::RT_PROCESS;
        stream
            .connect(Direction::Input, None, flags, &mut [format.pod()?])
            .context("error connecting the sink")?;
        Ok(Self {
            _listener: listener,
            stream,
            to_raise,
            rt: shape.rt,
        })
    }

    /// Raises the data thread, once it has run: to ask for it takes more than that thread may.
    pub fn raise(&self) {
        let thread = self.to_raise.swap(0, Ordering::Relaxed);
        if thread != 0 {
            let _ = priority::raise_thread(thread, priority::Kind::Audio, self.rt);
        }
    }

    /// Whether PipeWire has taken it in; `Err` if it has refused.
    pub fn is_connected(&self) -> Result<bool> {
        match self.stream.state() {
            StreamState::Paused | StreamState::Streaming => Ok(true),
            StreamState::Error(why) => bail!("PipeWire refuses the sink: {why}"),
            StreamState::Unconnected | StreamState::Connecting => Ok(false),
        }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        // Before all else goes: the data thread may be in the middle of a quantum.
        if let Err(e) = self.stream.disconnect() {
            tracing::debug!(target: "audio", "the sink was gone already: {e}");
        }
    }
}

impl Process {
    /// On the data thread: no locks, no allocation.
    fn run(&mut self, stream: &Stream) {
        if let Some(to_raise) = self.to_raise.take() {
            to_raise.store(priority::this_thread(), Ordering::Relaxed);
        }
        let Ok(time) = stream.time() else { return };
        let rate = time.rate();
        let delay = match i64::from(rate.denom) {
            0 => 0,
            denom => time.delay().saturating_mul(i64::from(rate.num) * 1_000_000_000) / denom,
        };
        let mut at = time.now().saturating_sub(delay.clamp(0, MAX_DELAY)).max(0) as u64;
        let whole = SLOT * size_of::<f32>() / self.frame * self.frame;
        while let Some(mut buffer) = stream.dequeue_buffer() {
            let Some(data) = buffer.datas_mut().first_mut() else {
                continue;
            };
            let (from, len) = (data.chunk().offset() as usize, data.chunk().size() as usize);
            let Some(bytes) = data.data().and_then(|all| all.get(from..from.saturating_add(len))) else {
                continue;
            };
            for piece in bytes.chunks(whole) {
                self.writer.write(at, piece);
                at += (piece.len() / self.frame) as u64 * 1_000_000_000 / u64::from(RATE);
            }
        }
        self.wake.wake();
    }
}
