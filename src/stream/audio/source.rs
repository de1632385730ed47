//! The microphone: the stream that PipeWire takes for one. Its data thread asks for the next quantum's samples and gives out
//! those that were made for the last question.
//!
//! (Without `RT_PROCESS` the callback would come on the audio thread, but only while that is inside PipeWire's loop; in
//! between, PipeWire 0.3.65 calls it on the data thread all the same.)

use super::frames::duration;
use super::pod;
use super::ring::{Reader, SLOT, Writer, ring};
use super::wake::Wake;
use crate::time::Mono;
use anyhow::{Context, Result};
use goggles_protocols::audio::RATE;
use pipewire::core::CoreRc;
use pipewire::properties::properties;
use pipewire::spa::utils::Direction;
use pipewire::stream::{Stream, StreamFlags, StreamListener, StreamRc};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Its name, by which programs are sent to it.
pub const NAME: &str = "goggles-scope-microphone";
/// What is made for quanta to come: short ones follow each other faster than this thread wakes up on a busy machine.
const AHEAD: Duration = Duration::from_millis(5);
/// Of a question: the bits that say how many samples are wanted; the time, in µs, is above them.
const WANTED_BITS: u32 = 16;

/// The stream; gone with its value.
pub struct Source {
    /// Goes before the stream.
    _listener: StreamListener<Process>,
    stream: StreamRc,
    question: Arc<AtomicU64>,
    answers: Writer,
    samples: Vec<f32>,
    bytes: Vec<u8>,
}

/// What the data thread has.
struct Process {
    /// The newest question; 0: none.
    question: Arc<AtomicU64>,
    answers: Reader,
    wake: Wake,
    quantum: usize,
}

impl Source {
    /// Connects it. `quantum`: samples that are asked for at once.
    ///
    /// # Errors
    /// PipeWire refuses.
    pub fn new(core: &CoreRc, name: &str, quantum: u32, wake: Wake) -> Result<Self> {
        let properties = properties! {
            *pipewire::keys::MEDIA_CLASS => "Audio/Source",
            *pipewire::keys::NODE_NAME => name,
            *pipewire::keys::NODE_DESCRIPTION => "goggles-scope's viewers",
            *pipewire::keys::NODE_VIRTUAL => "true",
            "node.latency" => format!("{quantum}/{RATE}"),
        };
        let stream = StreamRc::new(core.clone(), name, properties).context("error making the microphone")?;
        let (answers, reader) = ring();
        let question = Arc::<AtomicU64>::default();
        let process = Process {
            question: question.clone(),
            answers: reader,
            wake,
            quantum: quantum as usize,
        };
        let listener = stream
            .add_local_listener_with_user_data(process)
            .process(|stream, process| process.run(stream))
            .register()
            .context("error listening to the microphone")?;
        let format = pod::format(&pod::MONO)?;
        let flags = StreamFlags::MAP_BUFFERS | StreamFlags::RT_PROCESS;
        stream
            .connect(Direction::Output, None, flags, &mut [format.pod()?])
            .context("error connecting the microphone")?;
        Ok(Self {
            _listener: listener,
            stream,
            question,
            answers,
            samples: Vec::new(),
            bytes: Vec::new(),
        })
    }

    /// If samples are wanted, has them made: `render` is told when the quantum began that they are wanted in.
    pub fn answer(&mut self, mut render: impl FnMut(Mono, &mut [f32])) {
        let (at, wanted) = match self.question.swap(0, Ordering::Relaxed) {
            0 => return,
            question => (question >> WANTED_BITS, question as usize & ((1 << WANTED_BITS) - 1)),
        };
        self.samples.resize(wanted.clamp(1, SLOT), 0.0);
        let quantum = duration(self.samples.len());
        let quanta = AHEAD.as_nanos().div_ceil(quantum.as_nanos()) as usize;
        // What was not asked for since is asked for now.
        for waiting in self.answers.waiting()..quanta {
            let at = Mono(at * 1000) + quantum * waiting as u32;
            render(at, &mut self.samples);
            self.bytes.clear();
            self.bytes.extend(self.samples.iter().flat_map(|s| s.to_le_bytes()));
            self.answers.write(at.0, &self.bytes);
        }
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        // Before all else goes: the data thread may be in the middle of a quantum.
        if let Err(e) = self.stream.disconnect() {
            tracing::debug!(target: "audio", "the microphone was gone already: {e}");
        }
    }
}

impl Process {
    /// On the data thread: no locks, no allocation.
    fn run(&mut self, stream: &Stream) {
        let at = stream.time().map_or(0, |time| time.now()).max(0) as u64 / 1000;
        let Some(mut buffer) = stream.dequeue_buffer() else {
            return;
        };
        let wanted = match buffer.requested() as usize {
            0 => self.quantum,
            wanted => wanted,
        };
        let Some(data) = buffer.datas_mut().first_mut() else {
            return;
        };
        let Some(room) = data.data() else { return };
        let wanted = wanted.min(room.len() / size_of::<f32>()).min(SLOT);
        let room = &mut room[..wanted * size_of::<f32>()];
        room.fill(0);
        self.answers.read(|_, samples| {
            for (place, sample) in room.chunks_exact_mut(size_of::<f32>()).zip(samples) {
                place.copy_from_slice(&sample.to_le_bytes());
            }
        });
        let chunk = data.chunk_mut();
        *chunk.offset_mut() = 0;
        *chunk.stride_mut() = size_of::<f32>() as i32;
        *chunk.size_mut() = (wanted * size_of::<f32>()) as u32;
        self.question
            .store(at << WANTED_BITS | wanted as u64, Ordering::Relaxed);
        self.wake.wake();
    }
}
