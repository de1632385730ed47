//! What carries packets to viewers and their input back: thread T1, one current-thread tokio runtime that owns the
//! QUIC endpoints, the MoQ sessions and the web server. `protocols/stream.md` says what is on the wire.
//!
//! | file | what |
//! |---|---|
//! | [`thread`] | the endpoints, the loop |
//! | [`hub`] | the state: who is there, what is published |
//! | [`accept`] | from a connection to a session: ALPN, path, origin, credentials |
//! | [`watch`], [`tracks`] | a MoQ session; its broadcast |
//! | [`control`] | a control session: input, clock, roles |
//! | [`feed`], [`keyframes`] | policies: what a viewer gets, when to ask for a key frame |
//! | [`adapter`] | `moq_net` over wtransport and quinn |
//! | [`web`], [`assets`] | the page over HTTPS |
//! | [`addresses`], [`certificate`] | what we are reached by and known by |

mod accept;
pub mod adapter;
mod addresses;
mod assets;
mod certificate;
mod control;
mod counters;
mod feed;
mod hub;
mod keyframes;
mod thread;
mod tracks;
mod watch;
mod web;

use crate::config::Stream;
use crate::link::{AudioToNetwork, FromScope, Packet, SceneInfo, ToScope};
use crate::stream::audio::{VoiceReceiver, voices};
use crate::stream::session::{Access, Rights};
use crate::time::Mono;
use addresses::{Bound, Names};
use anyhow::{Context, Result};
use certificate::Certificates;
use hub::{Hub, Shared};
use ring::rand::{SecureRandom, SystemRandom};
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::SystemTime;
use thread::{Inbox, Network};
use tokio::sync::mpsc;

/// Packets that may wait for the network thread. It only hands them on, so more than one waits only if the thread is
/// starved of CPU; then a fresh key frame beats a queue.
const PACKET_QUEUE: usize = 8;
/// Packets of sound that may wait: 100 ms of 5 ms each. What is later than that is of no use to anybody.
const AUDIO_QUEUE: usize = 20;
/// Messages that may wait for the network thread.
const MESSAGE_QUEUE: usize = 4096;

/// Where the encode thread puts packets; cheap to clone; never blocks.
#[derive(Clone, Debug)]
pub struct PacketSink {
    packets: mpsc::Sender<Packet>,
}

impl PacketSink {
    /// Hands a packet to the network. `Err`: the queue was full (or the network has stopped) and the packet is lost.
    pub fn try_send(&self, packet: Packet) -> Result<(), Packet> {
        self.packets.try_send(packet).map_err(|e| match e {
            mpsc::error::TrySendError::Full(packet) | mpsc::error::TrySendError::Closed(packet) => packet,
        })
    }
}

/// Where the audio thread puts packets; cheap to clone; never blocks.
#[derive(Clone)]
pub struct AudioSink {
    audio: mpsc::Sender<AudioToNetwork>,
    shared: Arc<Shared>,
}

impl std::fmt::Debug for AudioSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AudioSink").finish_non_exhaustive()
    }
}

impl AudioSink {
    /// Hands something to the network. `false`: the queue was full (or the network has stopped) and it is lost.
    pub fn try_send(&self, audio: AudioToNetwork) -> bool {
        let sent = self.audio.try_send(audio).is_ok();
        if !sent {
            self.shared.counters.sound_lost.add();
        }
        sent
    }

    /// Whether there is anybody who may listen.
    pub fn is_listened(&self) -> bool {
        self.shared.listened.load(std::sync::atomic::Ordering::Relaxed)
    }
}

/// The network thread, owned; dropping it says goodbye to viewers, stops and joins the thread.
#[derive(Debug)]
pub struct Transport {
    packets: PacketSink,
    audio: AudioSink,
    /// `None` once dropped: its closing is what stops the thread.
    messages: Option<mpsc::Sender<FromScope>>,
    listen: Vec<SocketAddr>,
    urls: Vec<String>,
    speaking_urls: Vec<String>,
    voices: Option<VoiceReceiver>,
    thread: Option<JoinHandle<()>>,
}

impl Transport {
    /// Binds the ports (so that an error comes before the child starts) and starts the thread.
    ///
    /// # Errors
    /// A port is in use, an address can't be used, or there is no randomness for keys.
    pub fn spawn(stream: &Stream, scene: SceneInfo, to_scope: calloop::channel::Sender<ToScope>) -> Result<Self> {
        let bound = Bound::all(&stream.listen)?;
        let listen: Vec<_> = bound.iter().map(|b| b.addr).collect();
        let names = Names::new(listen.clone());
        let certificates = Certificates::new(names.subject_alt_names(), SystemTime::now())?;
        let microphone = stream.microphone;
        let access = Access::new(random, Rights { microphone }).context("error making the token")?;
        let mut urls = access.tickets().iter().map(|ticket| names.urls(&ticket.token));
        let (urls, speaking_urls) = (urls.next().unwrap_or_default(), urls.next().unwrap_or_default());
        let (speakers, voices) = match microphone.then(voices) {
            Some(both) => both.map(|(sender, receiver)| (Some(sender), Some(receiver))),
            None => Ok((None, None)),
        }
        .context("error making an eventfd")?;
        let (broadcast, holder, counters) = (stream.name.clone(), Default::default(), Default::default());
        let shared = Arc::new(Shared {
            to_scope,
            holder,
            counters,
            certificates,
            names,
            broadcast,
            listened: Default::default(),
            voices: speakers,
        });
        let (packets, packet_queue) = mpsc::channel(PACKET_QUEUE);
        let (audio, audio_queue) = mpsc::channel(AUDIO_QUEUE);
        let (messages, message_queue) = mpsc::channel(MESSAGE_QUEUE);
        let inbox = Inbox {
            packets: packet_queue,
            audio: audio_queue,
            messages: message_queue,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.context("error starting the network's runtime")?;
        let network = {
            let _entered = runtime.enter();
            Network::new(bound, &shared)?
        };
        let audio = AudioSink {
            audio,
            shared: shared.clone(),
        };
        let thread = std::thread::Builder::new().name("net".into()).spawn(move || {
            let hub = Hub::new(shared.clone(), access, scene, Mono::now());
            runtime.block_on(thread::run(network, hub, shared, inbox));
        });
        Ok(Self {
            packets: PacketSink { packets },
            audio,
            messages: Some(messages),
            listen,
            urls,
            speaking_urls,
            voices,
            thread: Some(thread.context("error starting the network's thread")?),
        })
    }

    /// Where packets go.
    pub fn packets(&self) -> PacketSink {
        self.packets.clone()
    }

    /// Where sound goes.
    pub fn audio(&self) -> AudioSink {
        self.audio.clone()
    }

    /// Sends a message; never blocks.
    pub fn send(&self, message: FromScope) {
        let Some(messages) = &self.messages else { return };
        if let Err(mpsc::error::TrySendError::Full(_)) = messages.try_send(message) {
            tracing::error!("the network thread doesn't keep up; a message is lost");
        }
    }

    /// The addresses to open, each with the first one-time token in its fragment. The next ones are logged as they
    /// are minted (target `viewer`).
    pub fn urls(&self) -> Vec<String> {
        self.urls.clone()
    }

    /// The addresses whose token also lets a viewer speak; none in a session without a microphone.
    pub fn speaking_urls(&self) -> Vec<String> {
        self.speaking_urls.clone()
    }

    /// Where viewers' microphones come out, once; `None` in a session without a microphone.
    pub fn take_voices(&mut self) -> Option<VoiceReceiver> {
        self.voices.take()
    }

    /// Where it listens, with the real ports.
    pub fn listen(&self) -> &[SocketAddr] {
        &self.listen
    }
}

fn random(bytes: &mut [u8]) -> Result<(), ring::error::Unspecified> {
    SystemRandom::new().fill(bytes)
}

impl Drop for Transport {
    fn drop(&mut self) {
        self.messages = None;
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the network thread has panicked");
        }
    }
}
