//! The thread `audio`: PipeWire's loop, the encoder, and the server's life.

use super::connection::Connection;
use super::graph::Manager;
use super::mixer::Mixer;
use super::pipe::Pipe;
use super::ring::ring;
use super::server::{Folder, PROGRAM, Server};
use super::wake::Wake;
use super::{Config, Message, Outlet, VoiceReceiver};
use crate::link::AudioToNetwork;
use crate::time::Mono;
use anyhow::{Context, Result, bail};
use goggles_protocols::audio::{Layout, RATE};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::mpsc::Receiver;
use std::time::Duration;

/// Between the server's end and its next start: twice as long each time, up to the second.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// A server that has lived so long was well.
const WELL: Duration = Duration::from_secs(10);
/// How long it may take until the sink can be played to; it takes some 50 ms.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long the user's session manager may take until it leads programs to a new sink. Were the one before gone by then, it
/// would lead them to the user's own devices and leave them there.
const SETTLING: Duration = Duration::from_secs(2);

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
        let (mut server, mut before) = (None, None);
        let mut backoff = BACKOFF.0;
        loop {
            let start = Mono::now();
            let why = match self.serve(&mut server, &mut before) {
                Ok(End::Stop) => return,
                Ok(End::Change) => continue,
                Err(why) => why,
            };
            drop(before.take());
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

    /// One connection's life. `before`: the one that is heard until this one is.
    fn serve(&mut self, server: &mut Option<Server>, before: &mut Option<Line>) -> Result<End> {
        let address = self.folder.as_ref().map(|folder| folder.address().clone());
        if let (Some(address), None) = (&address, &server) {
            let quantum = quantum(self.config.tuning.format(self.heard).packet);
            let wait = |time| self.pause(Mono::now() + time).is_none();
            *server = Server::start(address, Path::new(PROGRAM), quantum, wait)?;
            if server.is_none() {
                return Ok(End::Stop);
            }
        }
        let format = self.config.tuning.format(self.heard);
        let (writer, reader) = ring();
        let mut line = Line {
            connection: Connection::new(&self.config, &format, address.as_ref(), writer, &self.wake)?,
            pipe: Pipe::new(format, reader)?,
        };
        let mut mixer = Mixer::default();
        let mut stage = Stage::Coming(Mono::now() + PATIENCE);
        loop {
            self.wait(&line.connection, stage)?;
            while let Some(packet) = self.voices.as_mut().and_then(VoiceReceiver::try_recv) {
                mixer.take(&packet);
            }
            let heard = before.as_mut().unwrap_or(&mut line);
            if let Some(source) = &mut heard.connection.source {
                source.answer(|at, samples| mixer.render(at, samples));
            }
            // The sound first: what PipeWire says may wait.
            heard.pipe.run(&*self.network);
            if let Some(before) = before {
                before.connection.turn()?;
                line.pipe.skip();
            }
            line.connection.turn()?;
            line.connection.sink.raise();
            stage = self.step(stage, &line, before)?;
            match self.messages() {
                Some(End::Stop) => return Ok(End::Stop),
                Some(End::Change) if !line.pipe.change(self.config.tuning.format(self.heard))? => {
                    // On the user's server the session manager would lead programs to the user's own devices meanwhile.
                    if self.folder.is_none() && before.is_none() {
                        *before = Some(line);
                    }
                    return Ok(End::Change);
                }
                Some(End::Change) | None => {}
            }
        }
    }

    /// Waits until there is something to do.
    fn wait(&self, connection: &Connection, stage: Stage) -> Result<()> {
        let timeout = match stage {
            Stage::Coming(at) | Stage::Settling(at) => Timespec::try_from(at.since(Mono::now())).ok(),
            Stage::Heard => None,
        };
        let fds = &mut [
            PollFd::from_borrowed_fd(connection.loop_.fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(self.wake.as_fd(), PollFlags::IN),
        ];
        match poll(fds, timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(e) => return Err(e).context("error waiting for sound"),
        }
        self.wake.clear();
        Ok(())
    }

    /// How far it is now.
    fn step(&mut self, stage: Stage, line: &Line, before: &mut Option<Line>) -> Result<Stage> {
        let (now, is_there) = (Mono::now(), line.connection.sink.is_connected()?);
        let stage = match stage {
            Stage::Coming(_) if is_there && line.connection.manager.as_ref().is_none_or(Manager::is_ready) => {
                Stage::Settling(now + before.as_ref().map_or(Duration::ZERO, |_| SETTLING))
            }
            Stage::Coming(give_up) if now >= give_up => bail!("the sink is not taken in"),
            Stage::Settling(_) | Stage::Heard if !is_there => bail!("somebody has taken the sink away"),
            other => other,
        };
        match stage {
            Stage::Settling(until) if now >= until => {}
            other => return Ok(other),
        }
        *before = None;
        self.network.try_send(AudioToNetwork::Format(line.pipe.format.clone()));
        let channels = line.pipe.format.layout.channels();
        tracing::info!(target: "audio", "sound of {channels} channels is heard");
        if let Some(ready) = self.ready.take() {
            // Whoever waited may have given up.
            let _ = ready.send(Ok(()));
        }
        Ok(Stage::Heard)
    }
}

/// A connection, and the way from its sink to the network.
struct Line {
    connection: Connection,
    pipe: Pipe,
}

/// How far a connection is.
#[derive(Clone, Copy)]
enum Stage {
    /// Its sink can't be played to yet, and is given up at this time.
    Coming(Mono),
    /// It can, and the one before it goes at this time.
    Settling(Mono),
    Heard,
}

/// Samples of a channel in so much time.
pub fn quantum(packet: Duration) -> u32 {
    (packet.as_micros() * u128::from(RATE) / 1_000_000) as u32
}
