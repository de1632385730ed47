//! The sound: what the game plays becomes Opus packets. Owns the thread `audio` (T3) and, with `--audio private`, the
//! session's own PipeWire.
//!
//! | file | what |
//! |---|---|
//! | [`server`] | the private PipeWire process and its folder |
//! | [`policy`], [`graph`] | its session policy, pure; and carried out |
//! | [`sink`], [`ring`] | the stream that programs play to, and the way out of its data thread |
//! | [`frames`], [`encode`] | quanta become frames with times, or silence; Opus |
//! | [`voices`], [`mixer`], [`source`] | viewers' microphones: from the network; decoded and mixed; for programs |
//! | [`thread`] | the thread: all of this, and starting again |
//! | [`pod`], [`wake`] | helpers |

mod encode;
mod frames;
mod graph;
mod mixer;
mod pod;
mod policy;
mod ring;
mod server;
mod sink;
mod source;
mod thread;
mod voices;
mod wake;

pub use encode::{Encoder, LOOKAHEAD, default_bitrate};
pub use server::{Address, PROGRAM};
pub use voices::{Receiver as VoiceReceiver, Sender as VoiceSender, voices};

use crate::link::{AudioFormat, AudioToNetwork};
use crate::stream::transport::AudioSink;
use anyhow::{Context, Result};
use goggles_protocols::audio::Layout;
use server::Folder;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;
use thread::Worker;
use wake::Wake;

/// How long the start may take before the session goes on without; it takes some 100 ms.
const PATIENCE: Duration = Duration::from_secs(15);

/// Whose sound server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// One of the session's own.
    Private,
    /// The user's, with one more sink.
    Host,
}

/// How sound is to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Whose sound server.
    pub mode: Mode,
    /// What may change while it runs.
    pub tuning: Tuning,
    /// Viewers' microphones are a source that programs can record.
    pub microphone: bool,
    /// Real-time scheduling, where it is permitted.
    pub rt: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            mode: Mode::Private,
            tuning: Tuning::default(),
            microphone: false,
            rt: false,
        }
    }
}

/// How a game's sound is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuning {
    /// The loudspeakers; `None`: what the player can hear.
    pub channels: Option<Layout>,
    /// In bits a second; `None`: by the layout.
    pub bitrate: Option<u32>,
    /// What a packet lasts: 2.5, 5 or 10 ms.
    pub packet: Duration,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            channels: None,
            bitrate: None,
            packet: Duration::from_millis(5),
        }
    }
}

impl Tuning {
    /// What is encoded for a player who can hear so much.
    fn format(&self, heard: Layout) -> AudioFormat {
        let layout = self.channels.unwrap_or(heard);
        AudioFormat {
            layout,
            bitrate: self.bitrate.unwrap_or_else(|| default_bitrate(layout)).into(),
            packet: self.packet,
        }
    }
}

/// Where the audio thread puts what it makes; never blocks.
pub trait Outlet: Send {
    /// Hands something on. `false`: it is lost.
    fn try_send(&self, audio: AudioToNetwork) -> bool;
    /// Whether there is anybody who may listen.
    fn is_listened(&self) -> bool;
}

impl Outlet for AudioSink {
    fn try_send(&self, audio: AudioToNetwork) -> bool {
        AudioSink::try_send(self, audio)
    }

    fn is_listened(&self) -> bool {
        AudioSink::is_listened(self)
    }
}

/// To the thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// The largest layout that the player can hear.
    Loudspeakers(Layout),
    /// Another game is in front.
    Tuning(Tuning),
}

/// The thread, owned; dropping it ends the thread and the private server.
#[derive(Debug)]
pub struct Audio {
    /// `None` once dropped: its closing is what stops the thread.
    messages: Option<mpsc::Sender<Message>>,
    wake: Wake,
    mode: Mode,
    microphone: bool,
    address: Option<Address>,
    thread: Option<JoinHandle<()>>,
}

impl Audio {
    /// Starts it, and waits until there is a sink to be played to. `voices`: what is heard by the microphone, if the
    /// configuration has one. `runtime`: where the private server's folder may be.
    ///
    /// # Errors
    /// There is no PipeWire, or it doesn't work.
    pub fn spawn(
        config: Config,
        network: Box<dyn Outlet>,
        voices: Option<VoiceReceiver>,
        runtime: PathBuf,
    ) -> Result<Self> {
        let folder = match config.mode {
            Mode::Private => Some(Folder::new(&runtime)?),
            Mode::Host => None,
        };
        let address = folder.as_ref().map(|folder| folder.address().clone());
        let wake = match &voices {
            Some(voices) => voices.wake().clone(),
            None => Wake::new().context("error making an eventfd")?,
        };
        let (messages, inbox) = mpsc::channel();
        let (ready, is_ready) = mpsc::sync_channel(1);
        let (mode, microphone) = (config.mode, config.microphone);
        let worker = Worker {
            config,
            heard: Layout::default(),
            network,
            voices,
            messages: inbox,
            wake: wake.clone(),
            folder,
            ready: Some(ready),
        };
        let thread = std::thread::Builder::new().name("audio".into()).spawn(|| worker.run());
        let audio = Self {
            messages: Some(messages),
            wake,
            mode,
            microphone,
            address,
            thread: Some(thread.context("error starting the thread")?),
        };
        is_ready.recv_timeout(PATIENCE).context("PipeWire does not answer")??;
        Ok(audio)
    }

    /// What sends a program's sound here; `None`: the variable is to be removed.
    pub fn environment(&self) -> Vec<(String, Option<OsString>)> {
        let set = |name: &str, value: OsString| (name.to_owned(), Some(value));
        match &self.address {
            Some(address) => {
                let mut pulse = OsString::from("unix:");
                pulse.push(address.pulse());
                // The session's own policy connects programs; these would name what isn't there.
                vec![
                    set("PIPEWIRE_REMOTE", address.native().into()),
                    set("PULSE_SERVER", pulse),
                    ("PULSE_SINK".into(), None),
                    ("PULSE_SOURCE".into(), None),
                    ("PIPEWIRE_NODE".into(), None),
                ]
            }
            None => {
                let sink = OsString::from(self.mode.sink());
                let mut all = vec![set("PULSE_SINK", sink.clone()), set("PIPEWIRE_NODE", sink)];
                all.extend(self.microphone.then(|| set("PULSE_SOURCE", self.mode.source().into())));
                all
            }
        }
    }

    /// Says something to the thread.
    pub fn send(&self, message: Message) {
        if let Some(messages) = &self.messages {
            // It has ended only where there is no sound any more.
            let _ = messages.send(message);
            self.wake.wake();
        }
    }
}

impl Drop for Audio {
    fn drop(&mut self) {
        self.messages = None;
        self.wake.wake();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!(target: "audio", "the audio thread has panicked");
        }
    }
}
