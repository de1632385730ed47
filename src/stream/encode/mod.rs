//! What turns frames into packets: one thread per stream that owns the conversion and the encoder.
//!
//! A job comes in through a mailbox of depth one (with the job at work: depth two) where the newest wins; it is
//! converted to NV12 in a pooled buffer (which gives the client's buffer back), encoded by a GStreamer element that
//! this same thread drives, and handed on as one Annex B access unit, before the next job is looked at. Nothing is
//! held back: one job in, one packet out.

mod convert;
mod element;
mod h264;
mod kind;
mod mailbox;
mod probe;
mod sps;
mod worker;

pub use kind::{Kind, Preset};
pub use probe::{Probe, probe};

use crate::config::Encoder as Choice;
use crate::link::{EncodeJob, EncoderToScope, FrameId, Packet, Rate, Refresh, Size};
use crate::stream::transport::PacketSink;
use anyhow::{Context, Result};
use mailbox::Mailbox;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

/// How to encode.
#[derive(Clone, Debug)]
pub struct Config {
    /// Which encoder.
    pub choice: Choice,
    /// Slice threads, from 1; see [`default_threads`].
    pub threads: usize,
    /// How much work x264 puts into a frame.
    pub preset: Preset,
    /// The encode thread is to have real time (`--rt`).
    pub rt: bool,
    /// What the first job will probably look like: the encoder is made and warmed for it before `spawn` returns, so
    /// that the first frame costs no more than the others. Another first job is not an error.
    pub expect: Option<Expect>,
}

/// What the first job will probably look like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Expect {
    /// Its size.
    pub size: Size,
    /// Its nominal rate.
    pub refresh: Refresh,
    /// Its bits.
    pub rate: Rate,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            choice: Choice::Auto,
            threads: default_threads(),
            preset: Preset::default(),
            rt: false,
            expect: None,
        }
    }
}

/// Slice threads that pay: as many as there are cores, at most four (each slice costs bits).
pub fn default_threads() -> usize {
    std::thread::available_parallelism().map_or(2, |n| n.get().clamp(1, 4))
}

/// Where packets go. `Err`: there was no room and the packet is lost.
pub type Sink = Box<dyn FnMut(Packet) -> Result<(), Packet> + Send>;

/// The encode thread, owned; dropping it stops and joins the thread.
#[derive(Debug)]
pub struct Encoder {
    mailbox: Arc<Mailbox>,
    events: calloop::channel::Sender<EncoderToScope>,
    thread: Option<JoinHandle<()>>,
    kind: Kind,
}

impl Encoder {
    /// Starts the thread. Events come through `events`, packets go to `packets`.
    ///
    /// Returns when an encoder has passed its probe (some tens of milliseconds). Error: no encoder works; the message
    /// names the package to install.
    pub fn spawn(
        config: Config,
        events: calloop::channel::Sender<EncoderToScope>,
        packets: PacketSink,
    ) -> Result<Self> {
        Self::spawn_to(config, events, Box::new(move |packet| packets.try_send(packet)))
    }

    /// Like [`Encoder::spawn`], to any sink.
    pub fn spawn_to(config: Config, events: calloop::channel::Sender<EncoderToScope>, packets: Sink) -> Result<Self> {
        let mailbox = Arc::new(Mailbox::default());
        let (ready, is_ready) = mpsc::sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("encode".into())
            .spawn({
                let (mailbox, events) = (mailbox.clone(), events.clone());
                move || worker::run(config, &mailbox, events, packets, ready)
            })
            .context("error starting the encode thread")?;
        let mut encoder = Self {
            mailbox,
            events,
            thread: Some(thread),
            kind: Kind::X264,
        };
        // On an error `encoder` is dropped, which joins the thread.
        encoder.kind = is_ready.recv().context("the encode thread died at its start")??;
        Ok(encoder)
    }

    /// Which encoder is at work.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Hands a job over; never blocks. If a job was still waiting, the newer takes its place and the older is reported
    /// as `EncoderToScope::Replaced` (its wish for a key frame passes to the newer).
    pub fn submit(&self, job: EncodeJob) {
        let frame = job.frame;
        match self.mailbox.put(job) {
            mailbox::Put::Waiting => {}
            mailbox::Put::Displaced(frame) => self.tell(EncoderToScope::Replaced(frame)),
            mailbox::Put::Closed => self.fail(frame),
        }
    }

    fn fail(&self, frame: FrameId) {
        self.tell(EncoderToScope::Failed {
            frame,
            why: "the encode thread has ended".into(),
        });
    }

    fn tell(&self, event: EncoderToScope) {
        // The receiver may be gone at shutdown.
        let _ = self.events.send(event);
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        self.mailbox.close();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the encode thread panicked");
        }
    }
}
