//! The state of the network thread, owned by one task: who watches, who plays, what was published last. Connections'
//! tasks tell it of events; it writes frames into their tracks and messages into their outboxes.

mod microphones;
mod people;
mod publish;
mod sound;

use super::adapter::Meter;
use super::counters::Counters;
use super::feed::Feed;
use super::keyframes::{Ask, KeyFrames};
use super::tracks::Tracks;
use crate::lines::Lines;
use crate::link::{FromScope, SceneInfo, ToScope, VideoFormat, ViewerId};
use crate::stream::audio::VoiceSender;
use crate::stream::session::{Access, Attempt, PlayerId, Refusal, Rights, Roles};
use crate::time::Mono;
use bytes::Bytes;
use goggles_protocols::audio::Playback;
use goggles_protocols::auth::{Credentials, Nonce};
use goggles_protocols::{control, cursor, datagram};
use moq_net::Timestamp;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::SystemTime;
use tokio::sync::{mpsc, oneshot};

/// From a connection's task.
pub enum Event {
    /// A page wants to connect.
    Challenge(oneshot::Sender<Option<Nonce>>),
    /// A connection shows its credentials.
    Authorise {
        /// From where.
        from: IpAddr,
        /// To what.
        path: String,
        /// The query.
        credentials: Credentials,
        /// Whether it is let in.
        reply: oneshot::Sender<Result<Admitted, Refusal>>,
    },
    /// A connection was refused; why.
    Refused(IpAddr, String),
    /// A MoQ session has begun.
    Watch(ViewerId, Box<Watcher>),
    /// The session's video track has subscribers, or none any more.
    Subscribed(ViewerId, bool),
    /// A control session has begun.
    Control(ViewerId, Box<Controller>),
    /// A control session's message.
    Message(ViewerId, control::ToServer),
    /// The session has ended.
    Gone(ViewerId),
}

/// A connection that was let in.
#[derive(Clone, Copy, Debug)]
pub struct Admitted {
    /// Its id.
    pub viewer: ViewerId,
    /// Whose it is; `None`: may only watch.
    pub player: Option<PlayerId>,
    /// What it may do more.
    pub rights: Rights,
}

/// A MoQ session.
pub struct Watcher {
    /// Its broadcast.
    pub tracks: Tracks,
    /// What QUIC has taken of it.
    pub meter: Arc<Meter>,
    /// For the goodbye.
    pub connection: quinn::Connection,
    /// What it gets of the video.
    pub feed: Feed,
}

/// A control session.
pub struct Controller {
    /// Whose it is.
    pub player: PlayerId,
    /// What it may do more.
    pub rights: Rights,
    /// Its microphone is on; the session's task lets its packets through.
    pub speaks: Arc<AtomicBool>,
    /// For datagrams and the end.
    pub connection: wtransport::Connection,
    /// Messages to write on its stream; full: it doesn't read, and is closed.
    pub outbox: mpsc::Sender<control::ToClient>,
    /// Has said Hello.
    pub greeted: bool,
    /// What it has not been told yet.
    pub behind: Behind,
    /// Channels of sound it can play, once it has said so.
    pub loudspeakers: Option<u8>,
    /// How it plays the sound, as it said last.
    pub playback: Playback,
}

/// What has changed since a viewer was told: only the newest of each matters, and goes out when there is room for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Behind {
    /// Who holds the input role.
    pub role: bool,
    /// The scene.
    pub scene: bool,
    /// Whose microphone is on.
    pub microphone: bool,
}

/// What does not change, or is shared with the connections' tasks.
pub struct Shared {
    /// To the compositor.
    pub to_scope: calloop::channel::Sender<ToScope>,
    /// Who holds the input role; 0: nobody.
    pub holder: AtomicU64,
    /// Dropped, refused, malformed.
    pub counters: Counters,
    /// The SHA-256 of each certificate that a connection may have seen.
    pub certificates: Arc<super::certificate::Certificates>,
    /// The page's addresses, and which origins are ours.
    pub names: super::addresses::Names,
    /// The broadcast's name.
    pub broadcast: String,
    /// Somebody is there who may listen: the sound need be encoded.
    pub listened: AtomicBool,
    /// Where viewers' microphones go; `None`: the session has none.
    pub voices: Option<VoiceSender>,
}

impl Shared {
    /// The compositor may be gone already at shutdown; then there is nobody to tell.
    pub fn tell(&self, message: ToScope) {
        let _ = self.to_scope.send(message);
    }
}

/// The state.
pub struct Hub {
    shared: Arc<Shared>,
    access: Access,
    roles: Roles,
    watchers: HashMap<ViewerId, Watcher>,
    controllers: HashMap<ViewerId, Controller>,
    last_viewer: u64,
    /// The container's time stamp 0.
    start: Mono,
    last_pts: u64,
    format: Option<Arc<VideoFormat>>,
    sound: Option<sound::Sound>,
    /// Of what both are; none before the first picture.
    catalog: Option<Bytes>,
    loudspeakers: sound::Loudspeakers,
    keys: KeyFrames,
    cursor: cursor::State,
    /// Changes of the cursor since the last [`Hub::flush_cursor`].
    moves: Vec<cursor::Update>,
    scene: SceneInfo,
    demand: usize,
    refusals: Lines,
    microphones: Lines,
}

impl Hub {
    /// With nobody there.
    pub fn new(shared: Arc<Shared>, access: Access, scene: SceneInfo, start: Mono) -> Self {
        Self {
            shared,
            access,
            roles: Roles::default(),
            watchers: HashMap::new(),
            controllers: HashMap::new(),
            last_viewer: 0,
            start,
            last_pts: 0,
            format: None,
            sound: None,
            catalog: None,
            loudspeakers: sound::Loudspeakers::default(),
            keys: KeyFrames::default(),
            cursor: cursor::State::default(),
            moves: Vec::new(),
            scene,
            demand: 0,
            refusals: Lines::default(),
            microphones: Lines::default(),
        }
    }

    /// Takes an event of a connection.
    pub fn event(&mut self, event: Event, now: Mono) {
        match event {
            // A requester that is gone doesn't need the answer.
            Event::Challenge(reply) => {
                let _ = reply.send(self.access.challenge(now).ok());
            }
            Event::Authorise {
                from,
                path,
                credentials,
                reply,
            } => {
                let attempt = Attempt {
                    from,
                    path: &path,
                    credentials: &credentials,
                };
                let _ = reply.send(self.authorise(attempt, now));
            }
            Event::Refused(from, why) => self.refused(from, &why, now),
            Event::Watch(viewer, watcher) => self.watch(viewer, *watcher, now),
            Event::Subscribed(viewer, is) => {
                if let Some(watcher) = self.watchers.get_mut(&viewer) {
                    watcher.feed.subscribed(is, now);
                    if !is {
                        // Or the next subscriber would be sent the whole of it.
                        report(watcher.tracks.shed());
                    }
                }
            }
            Event::Control(viewer, controller) => drop(self.controllers.insert(viewer, *controller)),
            Event::Message(viewer, message) => self.message(viewer, message, now),
            Event::Gone(viewer) => {
                self.watchers.remove(&viewer);
                self.shared.listened.store(!self.watchers.is_empty(), Ordering::Relaxed);
                let Some(controller) = self.controllers.remove(&viewer) else {
                    return;
                };
                if controller.greeted {
                    tracing::info!(target: "viewer", "viewer {} is gone", viewer.0);
                }
                if self.roles.release(viewer) {
                    self.holder_changed();
                }
                self.fell_silent(viewer, &controller, now);
            }
        }
    }

    fn authorise(&mut self, attempt: Attempt<'_>, now: Mono) -> Result<Admitted, Refusal> {
        let grant = self
            .access
            .authorise(attempt, &self.shared.certificates.hashes(SystemTime::now()), now)?;
        if let Some(next) = &grant.minted {
            let (from, speak) = (attempt.from, if next.rights.microphone { " and speak at" } else { "" });
            for url in self.shared.names.urls(&next.token) {
                tracing::info!(target: "viewer", "let in from {from}; the next one may use{speak} {url}");
            }
        }
        self.shared.counters.sessions.add();
        self.last_viewer += 1;
        Ok(Admitted {
            viewer: ViewerId(self.last_viewer),
            player: grant.player,
            rights: grant.rights,
        })
    }

    fn watch(&mut self, viewer: ViewerId, mut watcher: Watcher, now: Mono) {
        let at = self.timestamp(now);
        if let Some(sound) = &self.sound {
            report(watcher.tracks.sound(&sound.name()));
        }
        if let Some(catalog) = &self.catalog {
            report(watcher.tracks.catalog(catalog.clone(), at));
        }
        report(watcher.tracks.cursor_snapshot(at, self.cursor.snapshot().into()));
        self.watchers.insert(viewer, watcher);
        self.shared.listened.store(true, Ordering::Relaxed);
    }

    /// Takes a message of the compositor; `Some` with the reason if it is the last.
    pub fn take(&mut self, message: FromScope, now: Mono) -> Option<String> {
        match message {
            FromScope::InputAck { viewer, ack } => {
                if let Some(controller) = self.controllers.get(&viewer) {
                    send(controller, &datagram::ToClient::Ack(ack));
                }
            }
            FromScope::Cursor(update) if !update.is_valid() => tracing::error!("a cursor that can't be sent"),
            FromScope::Cursor(update) => {
                let place = |u: &cursor::Update| matches!(u, cursor::Update::Position { .. });
                if place(&update) && self.moves.last().is_some_and(place) {
                    // Only the last of several places matters.
                    self.moves.pop();
                }
                self.moves.push(update);
            }
            FromScope::Scene(scene) => {
                let other = scene.hints != self.scene.hints;
                self.scene = scene;
                self.owe_all(|behind| behind.scene = true);
                if other {
                    self.publish_catalog(now);
                }
            }
            FromScope::Shutdown(reason) => return Some(reason),
        }
        None
    }

    /// What follows from what has happened: the demand, a key frame if somebody needs one, the sound's layout, and the news
    /// for who does not know them. When to look again.
    pub fn settle(&mut self, now: Mono) -> Option<Mono> {
        let news = self.tell_news(now);
        let key_frame = self.settle_demand(now);
        let loudspeakers = self.tell_loudspeakers(now);
        [news, key_frame, loudspeakers].into_iter().flatten().min()
    }

    fn refused(&mut self, from: IpAddr, why: &str, now: Mono) {
        self.shared.counters.refused.add();
        if let Some(left_out) = self.refusals.one(now) {
            tracing::info!(target: "viewer", "refused a session from {from}: {why}{left_out}");
        }
    }

    fn settle_demand(&mut self, now: Mono) -> Option<Mono> {
        let subscribed = self.watchers.values().filter(|w| w.feed.is_subscribed()).count();
        // Without a first packet there is no catalog, and without a catalog nobody subscribes.
        let curious = if self.format.is_none() {
            self.watchers.len() - subscribed
        } else {
            0
        };
        if self.demand != subscribed + curious {
            self.demand = subscribed + curious;
            self.shared.tell(ToScope::Demand { viewers: self.demand });
        }
        let wanted = self.watchers.values().filter_map(|w| w.feed.wants_key_frame());
        match self.keys.ask(wanted.chain((curious > 0).then_some(now)).min(), now) {
            Ask::No => None,
            Ask::At(at) => Some(at),
            Ask::Now => {
                self.shared.counters.key_frames.add();
                self.shared.tell(ToScope::KeyFrame);
                self.settle_demand(now)
            }
        }
    }

    /// Says goodbye to everybody; the control sessions' tasks write what is in their outboxes and end.
    pub fn goodbye(mut self, reason: &str) {
        self.tell_all(|_, _| control::ToClient::Bye {
            reason: reason.to_owned(),
        });
        self.controllers.clear();
        for (_, watcher) in self.watchers.drain() {
            watcher.connection.close(0u32.into(), reason.as_bytes());
        }
        self.shared.tell(ToScope::Counters(self.shared.counters.list()));
    }

    fn timestamp(&self, now: Mono) -> Timestamp {
        Timestamp::from_micros(now.micros().saturating_sub(self.start.micros())).unwrap_or(Timestamp::ZERO)
    }
}

/// A datagram that can't be sent is lost, as the network may lose it.
fn send(controller: &Controller, message: &datagram::ToClient) {
    let _ = controller.connection.send_datagram(message.encode());
}

/// Tells of a track that refuses what is written: its session is ending, or we have broken a rule of `moq_net`'s.
fn report<T>(result: Result<T, moq_net::Error>) -> Option<T> {
    result
        .inspect_err(|e| tracing::debug!("a track has refused a frame: {e}"))
        .ok()
}
