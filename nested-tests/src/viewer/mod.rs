//! A native viewer for tests and the bench: takes the stream over WebTransport, decodes it, sends input, and notes when
//! what happened. `protocols/stream.md` is what it speaks.
//!
//! | file | what |
//! |---|---|
//! | [`enter`] | the challenge, the key, the two sessions' URLs |
//! | [`watch`] | MoQ: catalog, video, cursor, and the sound if it is wanted |
//! | [`control`] | input, roles, time |
//! | [`sound`] | what is heard, and said |
//! | [`told`] | waiting for what the sessions tell beside pictures |
//!
//! Two threads: `viewer-net` runs both sessions, `viewer-decode` decodes. Server and viewer are on one machine, so
//! both use `CLOCK_MONOTONIC` and need no offset.

mod control;
mod enter;
mod sound;
mod told;
mod watch;

use crate::decode::{Decoder, Picture};
use anyhow::{Context, Result, bail};
use goggles_protocols::audio::Microphone;
use goggles_protocols::control::{ToClient, ToServer};
use goggles_protocols::frame::Times;
use goggles_protocols::{cursor, input};
use goggles_scope::time::Mono;
use std::collections::HashMap;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

pub use enter::Invitation;
pub use sound::Heard;

/// For anything that a healthy server does at once. Generous: the machine may be busy with other tests.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// What to do.
#[derive(Debug)]
enum Command {
    Input(input::Event),
    Tell(ToServer),
    Say(Microphone),
    Stop,
}

/// A decoded frame.
pub struct Shown {
    /// The container's time stamp; [`Viewer::times`] knows the frame by it.
    pub pts_us: u64,
    /// The picture.
    pub picture: Picture,
    /// Bytes of the access unit.
    pub bytes: usize,
    /// When its last byte had arrived.
    pub received: Mono,
    /// When it was decoded.
    pub decoded: Mono,
}

/// An access unit on its way to the decoder.
struct Unit {
    pts_us: u64,
    data: bytes::Bytes,
    received: Mono,
}

/// What the sessions have told so far.
#[derive(Default)]
struct Told {
    times: HashMap<u64, Times>,
    messages: Vec<ToClient>,
    catalog: Option<serde_json::Value>,
    cursor: Vec<cursor::Update>,
    /// Why the viewer's network thread has ended.
    end: Option<String>,
}

type Notes = Arc<Mutex<Told>>;

fn lock(notes: &Notes) -> std::sync::MutexGuard<'_, Told> {
    notes.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A viewer that holds the input role if it was free.
pub struct Viewer {
    commands: UnboundedSender<Command>,
    shown: Receiver<Shown>,
    /// Which track of sound is wanted, and its packets.
    listen: tokio::sync::watch::Sender<Option<String>>,
    heard: Receiver<Heard>,
    notes: Notes,
    /// Told at every change of the notes.
    changed: Receiver<()>,
    net: Option<JoinHandle<()>>,
    decode: Option<JoinHandle<()>>,
}

impl Viewer {
    /// Enters with the address that the server has printed.
    ///
    /// # Errors
    /// It isn't let in, or the server can't be reached.
    pub fn connect(url: &str) -> Result<Self> {
        let invitation = Invitation::parse(url)?;
        let (commands, command_queue) = unbounded_channel();
        let (units, unit_queue) = mpsc::channel();
        let (shown_sender, shown) = mpsc::channel();
        let (heard_sender, heard) = mpsc::channel();
        let (listen, wanted) = tokio::sync::watch::channel(None);
        let (changed_sender, changed) = mpsc::channel();
        let (entered, has_entered) = mpsc::channel();
        let notes = Notes::default();
        let decoder = Decoder::new()?;
        let decode = std::thread::Builder::new()
            .name("viewer-decode".into())
            .spawn(move || decode_all(decoder, &unit_queue, &shown_sender))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let net_notes = notes.clone();
        let net = std::thread::Builder::new().name("viewer-net".into()).spawn(move || {
            let sinks = Sinks {
                units,
                heard: heard_sender,
                notes: net_notes.clone(),
                changed: changed_sender.clone(),
            };
            let end = runtime.block_on(run(invitation, command_queue, sinks, entered, wanted));
            lock(&net_notes).end = Some(end.map_or_else(|e| format!("{e:#}"), |()| "stopped".into()));
            // Nobody listens if the viewer was dropped meanwhile.
            let _ = changed_sender.send(());
        })?;
        let viewer = Self {
            commands,
            shown,
            listen,
            heard,
            notes,
            changed,
            net: Some(net),
            decode: Some(decode),
        };
        match has_entered.recv_timeout(PATIENCE) {
            Ok(()) => Ok(viewer),
            Err(RecvTimeoutError::Timeout) => bail!("not let in after {PATIENCE:?}"),
            Err(RecvTimeoutError::Disconnected) => {
                viewer.until("its end", |told| told.end.is_some().then_some(()))?;
                bail!("not let in: {}", lock(&viewer.notes).end.clone().unwrap_or_default())
            }
        }
    }

    fn command(&self, command: Command) {
        // A network thread that has ended says so where its answer is waited for.
        let _ = self.commands.send(command);
    }

    /// A message on the control stream.
    pub fn tell(&self, message: ToServer) {
        self.command(Command::Tell(message));
    }

    /// An input, sent at once.
    pub fn input(&self, event: input::Event) {
        self.command(Command::Input(event));
    }

    /// A key or button down and up again, by its evdev code.
    pub fn tap(&self, code: u16) {
        self.input(input::Event::edge(code, true));
        self.input(input::Event::edge(code, false));
    }

    /// Text to type as text.
    pub fn text(&self, text: &str) {
        self.tell(ToServer::Text(text.into()));
    }

    /// Takes the input role, also from another. The server answers each wish, and refuses it while the holder has had
    /// the role for less than a second; then it is asked again.
    pub fn take_input(&self) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        let roles = |told: &Told| {
            let role = |m: &ToClient| {
                if let ToClient::Role { input, .. } = m {
                    Some(*input)
                } else {
                    None
                }
            };
            told.messages.iter().filter_map(role).collect::<Vec<_>>()
        };
        while Instant::now() < deadline {
            let before = roles(&lock(&self.notes)).len();
            self.tell(ToServer::TakeInput);
            if self.until("an answer", |told| {
                roles(told).get(before..).and_then(|new| new.last().copied())
            })? {
                return Ok(());
            }
        }
        bail!("the input role was refused for {PATIENCE:?}")
    }

    /// The next decoded frame; `None`: none came in that time.
    ///
    /// # Errors
    /// The stream has ended.
    pub fn next(&self, patience: Duration) -> Result<Option<Shown>> {
        match self.shown.recv_timeout(patience) {
            Ok(shown) => Ok(Some(shown)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => {
                bail!(
                    "the stream has ended: {}",
                    lock(&self.notes).end.as_deref().unwrap_or("the decoder failed")
                )
            }
        }
    }

    /// Decoded frames up to the first that `is` says yes to.
    ///
    /// # Errors
    /// The stream has ended, or there was none within [`PATIENCE`]: the last one is then saved as `target/nested/lost-WHAT.png`.
    pub fn until_shown(&self, what: &str, is: impl FnMut(&Shown) -> bool) -> Result<Shown> {
        self.until_shown_within(PATIENCE, what, is)
    }

    /// The same for what may take longer.
    pub fn until_shown_within(
        &self,
        patience: Duration,
        what: &str,
        mut is: impl FnMut(&Shown) -> bool,
    ) -> Result<Shown> {
        let deadline = Instant::now() + patience;
        let (mut last, mut count) = (None, 0);
        // Frames may go on coming for ever.
        while let Some(left) = deadline.checked_duration_since(Instant::now())
            && let Some(shown) = self.next(left)?
        {
            if is(&shown) {
                return Ok(shown);
            }
            count += 1;
            last = Some(shown);
        }
        if let Some(last) = &last {
            let name = format!("lost-{}.png", what.replace(|c: char| !c.is_ascii_alphanumeric(), "-"));
            last.picture.save(&crate::output("nested")?.join(name))?;
        }
        bail!("no picture showed {what} within {patience:?} ({count} pictures came)")
    }

    /// The frames that are decoded already.
    pub fn drain(&self) -> impl Iterator<Item = Shown> {
        self.shown.try_iter()
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.command(Command::Stop);
        for thread in [self.net.take(), self.decode.take()].into_iter().flatten() {
            // A panic of theirs has been printed.
            let _ = thread.join();
        }
    }
}

/// Where the sessions put what comes.
#[derive(Clone)]
struct Sinks {
    units: mpsc::Sender<Unit>,
    heard: mpsc::Sender<Heard>,
    notes: Notes,
    changed: mpsc::Sender<()>,
}

impl Sinks {
    fn note(&self, change: impl FnOnce(&mut Told)) {
        change(&mut lock(&self.notes));
        // The viewer may be on its way out.
        let _ = self.changed.send(());
    }
}

async fn run(
    invitation: Invitation,
    commands: tokio::sync::mpsc::UnboundedReceiver<Command>,
    sinks: Sinks,
    entered: mpsc::Sender<()>,
    wanted: tokio::sync::watch::Receiver<Option<String>>,
) -> Result<()> {
    let mut entry = enter::Entry::new(invitation)?;
    let control = entry.open("/control", &[]).await.context("error opening /control")?;
    let moq = entry
        .open("/moq", &[("wt-available-protocols", watch::OFFER)])
        .await
        .context("error opening /moq")?;
    tokio::select! {
        end = control::run(control, commands, sinks.clone(), entered) => end.context("control session"),
        end = watch::run(moq, sinks, wanted) => end.context("MoQ session"),
    }
}

fn decode_all(mut decoder: Decoder, units: &Receiver<Unit>, shown: &mpsc::Sender<Shown>) {
    while let Ok(unit) = units.recv() {
        let bytes = unit.data.len();
        match decoder.decode(unit.data) {
            Ok(Some(picture)) => {
                let decoded = Mono::now();
                let shown_now = Shown {
                    pts_us: unit.pts_us,
                    picture,
                    bytes,
                    received: unit.received,
                    decoded,
                };
                if shown.send(shown_now).is_err() {
                    return;
                }
            }
            // A unit without a picture is seen by its absence.
            Ok(None) => (),
            Err(_) => return,
        }
    }
}
