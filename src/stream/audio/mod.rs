//! The sound: what the game plays becomes Opus packets. Owns the thread `audio` (T3) and, with `--audio private`, the
//! session's own PipeWire.
//!
//! | file | what |
//! |---|---|
//! | [`server`] | the private PipeWire process and its folder |
//! | [`guide`] | where programs are led to |
//! | [`policy`], [`graph`] | its session policy, pure; and carried out |
//! | [`connection`] | to whichever server |
//! | [`sink`], [`ring`] | the stream that programs play to, and the way out of its data thread |
//! | [`pipe`], [`frames`], [`encode`] | from there to the network: quanta become frames with times, or silence; Opus |
//! | [`voices`], [`mixer`], [`source`] | viewers' microphones: from the network; decoded and mixed; for programs |
//! | [`thread`] | the thread: all of this, and starting again |
//! | [`pod`], [`wake`] | helpers |

mod connection;
mod encode;
mod frames;
mod graph;
mod guide;
mod mixer;
mod pipe;
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
pub use guide::{alsa_plugin, library};
pub use server::{Address, PROGRAM};
pub use voices::{Receiver as VoiceReceiver, Sender as VoiceSender, voices};

use crate::child::Change;
use crate::link::{AudioFormat, AudioToNetwork};
use crate::stream::transport::AudioSink;
use anyhow::{Context, Result};
use goggles_protocols::audio::Layout;
use server::Folder;
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
    /// `None`: there is no thread (any more). Its closing is what stops the thread, which has to be woken for it.
    messages: Option<(mpsc::Sender<Message>, Wake)>,
    thread: Option<JoinHandle<()>>,
    environment: Vec<Change>,
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
        let environment = match &folder {
            Some(folder) => guide::private(folder.address(), guide::alsa_is_led()),
            None => guide::host(config.microphone),
        };
        let wake = match &voices {
            Some(voices) => voices.wake().clone(),
            None => Wake::new().context("error making an eventfd")?,
        };
        let (messages, inbox) = mpsc::channel();
        let (ready, is_ready) = mpsc::sync_channel(1);
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
            messages: Some((messages, wake)),
            thread: Some(thread.context("error starting the thread")?),
            environment,
        };
        is_ready.recv_timeout(PATIENCE).context("PipeWire does not answer")??;
        Ok(audio)
    }

    /// What stands in for a private server that does not start: programs are not heard, by the host neither.
    pub fn silent() -> Self {
        Self {
            messages: None,
            thread: None,
            environment: guide::nowhere(),
        }
    }

    /// What sends a program's sound here; `None`: the variable is to be removed.
    pub fn environment(&self) -> &[Change] {
        &self.environment
    }

    /// Says something to the thread.
    pub fn send(&self, message: Message) {
        if let Some((messages, wake)) = &self.messages {
            // It has ended only where there is no sound any more.
            let _ = messages.send(message);
            wake.wake();
        }
    }
}

impl Drop for Audio {
    fn drop(&mut self) {
        if let Some((messages, wake)) = self.messages.take() {
            drop(messages);
            wake.wake();
        }
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!(target: "audio", "the audio thread has panicked");
        }
    }
}
