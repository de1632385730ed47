//! The thread `audio`: PipeWire's loop, the encoder, and the server's life.

use super::encode::{Encoder, LOOKAHEAD};
use super::frames::Frames;
use super::graph::Manager;
use super::mixer::Mixer;
use super::ring::{Reader, ring};
use super::server::{Folder, PROGRAM, Server};
use super::sink::{self, Shape, Sink};
use super::source::{self, Source};
use super::wake::Wake;
use super::{Config, Message, Mode, Outlet, VoiceReceiver};
use crate::link::{AudioFormat, AudioToNetwork};
use crate::time::Mono;
use anyhow::{Context, Result, bail};
use goggles_protocols::audio::{Layout, RATE};
use pipewire::context::ContextRc;
use pipewire::core::CoreRc;
use pipewire::loop_::{LoopRc, Timeout};
use pipewire::properties::properties;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::cell::RefCell;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

/// Between the server's end and its next start: twice as long each time, up to the second.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// A server that has lived so long was well.
const WELL: Duration = Duration::from_secs(10);

/// Told once the sink can be played to for the first time, or why it never will: the environment of programs.
pub type Ready = std::sync::mpsc::SyncSender<Result<()>>;

/// What the thread owns.
pub struct Worker {
    /// As asked for.
    pub config: Config,
    /// What the player can hear.
    pub heard: Layout,
    /// Where packets go.
    pub network: Box<dyn Outlet>,
    /// Viewers' microphones.
    pub voices: Option<VoiceReceiver>,
    /// From the session.
    pub messages: Receiver<Message>,
    /// Told of messages and of quanta.
    pub wake: Wake,
    /// The private server's folder; none on the host's.
    pub folder: Option<Folder>,
    /// Not told yet.
    pub ready: Option<Ready>,
}

/// Why a connection has ended, if not by an error.
enum End {
    Stop,
    /// Something else is to be served.
    Change,
}

impl Worker {
    /// The thread's life.
    pub fn run(mut self) {
        pipewire::init();
        let mut server = None;
        let mut backoff = BACKOFF.0;
        loop {
            let start = Mono::now();
            let why = match self.serve(&mut server) {
                Ok(End::Stop) => return,
                Ok(End::Change) => continue,
                Err(why) => why,
            };
            drop(server.take());
            if let Some(ready) = self.ready.take() {
                // It never was up: whoever waits says so, and the session is silent.
                let _ = ready.send(Err(why));
                return;
            }
            let now = Mono::now();
            if now.since(start) > WELL {
                backoff = BACKOFF.0;
            }
            tracing::warn!(target: "audio", "the sound server is gone and is started again: {why:#}");
            if let Some(End::Stop) = self.pause(now + backoff) {
                return;
            }
            backoff = (backoff * 2).min(BACKOFF.1);
        }
    }

    /// Waits, and listens to messages.
    fn pause(&mut self, until: Mono) -> Option<End> {
        loop {
            let left = until.since(Mono::now());
            if left.is_zero() {
                return None;
            }
            let timeout = Timespec::try_from(left).ok();
            let _ = poll(&mut [PollFd::new(&self.wake, PollFlags::IN)], timeout.as_ref());
            self.wake.clear();
            if let Some(End::Stop) = self.messages() {
                return Some(End::Stop);
            }
        }
    }

    /// Takes what the session says.
    fn messages(&mut self) -> Option<End> {
        let mut end = None;
        loop {
            match self.messages.try_recv() {
                Ok(Message::Loudspeakers(layout)) => self.heard = layout,
                Ok(Message::Tuning(tuning)) => self.config.tuning = tuning,
                Err(std::sync::mpsc::TryRecvError::Empty) => return end,
                Err(std::sync::mpsc::TryRecvError::Disconnected) => return Some(End::Stop),
            }
            end = Some(End::Change);
        }
    }

    /// One connection's life. The order of the variables is that of their ends, backwards.
    fn serve(&mut self, server: &mut Option<Server>) -> Result<End> {
        let format = self.config.tuning.format(self.heard);
        let (layout, quantum) = (format.layout, quantum(format.packet));
        if let (Some(folder), None) = (&self.folder, &server) {
            *server = Some(Server::start(folder, Path::new(PROGRAM), quantum)?);
        }
        let loop_ = LoopRc::new(None).context("error making PipeWire's loop")?;
        let context = ContextRc::new(&loop_, None).context("error setting PipeWire up")?;
        let remote = self.folder.as_ref().map(|folder| folder.address().native());
        let connect = || {
            let path = remote.as_ref().map(|path: &PathBuf| path.display().to_string());
            context
                .connect_rc(path.map(|path| properties! { "remote.name" => path }))
                .context("error connecting to PipeWire")
        };
        let core = connect()?;
        let dead: Rc<RefCell<Option<String>>> = Rc::default();
        let _listener = listen(&core, &dead);
        // By a connection of its own: while a node is told how to be, the server doesn't read from the one that tells,
        // and our sink's answer would wait for ever behind its own question.
        let manager_core = self.folder.as_ref().map(|_| connect()).transpose()?;
        let _manager_listener = manager_core.as_ref().map(|core| listen(core, &dead));
        let manager = manager_core
            .as_ref()
            .map(|core| Manager::new(core, layout, self.config.microphone))
            .transpose()?;
        let mut mixer = Mixer::default();
        let name = self.config.mode.source();
        let source = || Source::new(&core, &name, quantum, self.wake.clone());
        let mut source = self.config.microphone.then(source).transpose()?;
        let rt = self.config.rt;
        let shape = Shape { layout, quantum, rt };
        let (writer, reader) = ring();
        let sink = Sink::new(&core, &self.config.mode.sink(), shape, writer, self.wake.clone())?;
        let mut pipe = Pipe::new(format, reader)?;
        let mut up = false;
        loop {
            let fds = &mut [
                PollFd::from_borrowed_fd(loop_.fd(), PollFlags::IN),
                PollFd::from_borrowed_fd(self.wake.as_fd(), PollFlags::IN),
            ];
            match poll(fds, None) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(e) => return Err(e).context("error waiting for sound"),
            }
            self.wake.clear();
            while let Some(packet) = self.voices.as_mut().and_then(VoiceReceiver::try_recv) {
                mixer.take(&packet);
            }
            if let Some(source) = &mut source {
                source.answer(|at, samples| mixer.render(at, samples));
            }
            // The sound first: what PipeWire says may wait.
            pipe.run(&*self.network);
            loop_.iterate(Timeout::Finite(Duration::ZERO));
            if let Some(why) = dead.take() {
                bail!("PipeWire: {why}");
            }
            if !up && sink.is_connected()? && manager.as_ref().is_none_or(Manager::is_ready) {
                up = true;
                self.network.try_send(AudioToNetwork::Format(pipe.format.clone()));
                tracing::info!(target: "audio", "sound of {} channels is heard", layout.channels());
                if let Some(ready) = self.ready.take() {
                    // Whoever waited may have given up.
                    let _ = ready.send(Ok(()));
                }
            }
            match self.messages() {
                Some(End::Stop) => return Ok(End::Stop),
                Some(End::Change) if !pipe.change(self.config.tuning.format(self.heard))? => return Ok(End::Change),
                Some(End::Change) | None => {}
            }
        }
    }
}

impl Mode {
    /// The sink's name: on the host's there may be several.
    pub(super) fn sink(self) -> String {
        match self {
            Self::Private => sink::NAME.to_owned(),
            Self::Host => format!("{}-{}", sink::NAME, std::process::id()),
        }
    }

    /// The microphone's.
    pub(super) fn source(self) -> String {
        match self {
            Self::Private => source::NAME.to_owned(),
            Self::Host => format!("{}-{}", source::NAME, std::process::id()),
        }
    }
}

/// Notes in `dead` when the connection has ended.
fn listen(core: &CoreRc, dead: &Rc<RefCell<Option<String>>>) -> pipewire::core::Listener {
    let noted = dead.clone();
    core.add_listener_local()
        .error(move |id, _, code, why| {
            if id == pipewire::core::PW_ID_CORE {
                *noted.borrow_mut() = Some(format!("{why} ({code})"));
            } else {
                tracing::debug!(target: "audio", id, code, "{why}");
            }
        })
        .register()
}

/// Samples of a channel in so much time.
fn quantum(packet: Duration) -> u32 {
    (packet.as_micros() * u128::from(RATE) / 1_000_000) as u32
}

/// From the ring to the network.
struct Pipe {
    reader: Reader,
    frames: Frames,
    encoder: Encoder,
    format: Arc<AudioFormat>,
    /// Packets were left out since the last: nobody listened.
    skipped: bool,
}

impl Pipe {
    fn new(format: AudioFormat, reader: Reader) -> Result<Self> {
        Ok(Self {
            reader,
            frames: Frames::new(format.layout, format.packet),
            encoder: Encoder::new(&format)?,
            format: Arc::new(format),
            skipped: true,
        })
    }

    /// Goes on with another format, if it is one for the same sink.
    fn change(&mut self, format: AudioFormat) -> Result<bool> {
        let same_sink = format.layout == self.format.layout && format.packet == self.format.packet;
        if same_sink && format != *self.format {
            self.say_cost();
            self.encoder = Encoder::new(&format)?;
            self.format = Arc::new(format);
        }
        Ok(same_sink)
    }

    fn say_cost(&self) {
        let (packets, took) = self.encoder.cost();
        if packets > 0 {
            let whole = self.format.packet * packets;
            tracing::info!(
                target: "audio",
                "sound of {} channels: {packets} packets, {} holes, encoding took {:.2} % of a core",
                self.format.layout.channels(),
                self.frames.holes(),
                100.0 * took.as_secs_f64() / whole.as_secs_f64(),
            );
        }
    }

    fn run(&mut self, network: &dyn Outlet) {
        let was = self.frames.is_sounding();
        let Self {
            reader,
            frames,
            encoder,
            format,
            skipped,
        } = self;
        while reader.read(|at, samples| {
            frames.push(Mono(at), samples, |frame| {
                if !network.is_listened() {
                    *skipped = true;
                    return;
                }
                let first = std::mem::take(skipped) || frame.first;
                match encoder.encode(frame.samples, first) {
                    Ok(data) => {
                        network.try_send(AudioToNetwork::Packet {
                            format: format.clone(),
                            at: frame.at - LOOKAHEAD,
                            data,
                        });
                    }
                    Err(e) => tracing::error!(target: "audio", "{e:#}"),
                }
            });
        }) {}
        let lost = reader.lost();
        if lost > 0 {
            tracing::warn!(target: "audio", "the machine is too busy: {lost} quanta of sound were lost");
        }
        if was != frames.is_sounding() {
            tracing::debug!(target: "audio", "{}", if was { "silence" } else { "sound" });
        }
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        self.say_cost();
    }
}
