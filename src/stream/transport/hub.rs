//! The state of the network thread, owned by one task: who watches, who plays, what was published last. Connections'
//! tasks tell it of events; it writes frames into their tracks and messages into their outboxes.

use super::adapter::Meter;
use super::counters::Counters;
use super::feed::{Feed, Step};
use super::keyframes::{Ask, KeyFrames};
use super::tracks::{Tracks, catalog_json, legacy_frame};
use crate::link::{FrameId, FromScope, Packet, SceneInfo, ToScope, VideoFormat, ViewerId};
use crate::stream::session::{Access, Attempt, PlayerId, Refusal, Roles};
use crate::time::Mono;
use bytes::Bytes;
use goggles_protocols::auth::{Credentials, Nonce};
use goggles_protocols::{control, cursor, datagram, frame};
use moq_net::Timestamp;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
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
    /// For datagrams and the end.
    pub connection: wtransport::Connection,
    /// Messages to write on its stream; full: it doesn't read, and is closed.
    pub outbox: mpsc::Sender<control::ToClient>,
    /// Has said Hello.
    pub greeted: bool,
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
    format: Option<(Arc<VideoFormat>, Bytes)>,
    keys: KeyFrames,
    cursor: cursor::State,
    /// Changes of the cursor since the last [`Hub::flush_cursor`].
    moves: Vec<cursor::Update>,
    scene: SceneInfo,
    demand: usize,
}

/// A packet that was given to viewers, for [`Hub::sent`].
pub struct Published {
    frame: FrameId,
    times: frame::Times,
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
            keys: KeyFrames::default(),
            cursor: cursor::State::default(),
            moves: Vec::new(),
            scene,
            demand: 0,
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
                if self.controllers.remove(&viewer).is_some() && self.roles.release(viewer) {
                    self.holder_changed();
                }
            }
        }
    }

    fn authorise(&mut self, attempt: Attempt<'_>, now: Mono) -> Result<Admitted, Refusal> {
        let grant = self
            .access
            .authorise(attempt, &self.shared.certificates.hashes(), now)?;
        if grant.minted.is_some() {
            let from = attempt.from;
            for url in self.shared.names.urls(self.access.token()) {
                tracing::info!(target: "viewer", "let in from {from}; the next one may use {url}");
            }
        }
        self.shared.counters.sessions.add();
        self.last_viewer += 1;
        Ok(Admitted {
            viewer: ViewerId(self.last_viewer),
            player: grant.player,
        })
    }

    fn watch(&mut self, viewer: ViewerId, mut watcher: Watcher, now: Mono) {
        let at = self.timestamp(now);
        if let Some((_, catalog)) = &self.format {
            report(watcher.tracks.catalog(catalog.clone(), at));
        }
        report(watcher.tracks.cursor_snapshot(at, self.cursor.snapshot().into()));
        self.watchers.insert(viewer, watcher);
    }

    /// Takes a message of the compositor; `Some` with the reason if it is the last.
    pub fn take(&mut self, message: FromScope) -> Option<String> {
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
                self.scene = scene;
                self.tell_all(|hub, _| hub.scene_message());
            }
            FromScope::Shutdown(reason) => return Some(reason),
        }
        None
    }

    /// Publishes what has become of the cursor.
    pub fn flush_cursor(&mut self, now: Mono) {
        if self.moves.is_empty() {
            return;
        }
        let at = self.timestamp(now);
        let moves = std::mem::take(&mut self.moves);
        moves.iter().for_each(|update| self.cursor.apply(update));
        let image = moves.iter().any(|u| matches!(u, cursor::Update::Image { .. }));
        let frames: Vec<Bytes> = moves
            .chunks(cursor::MAX_UPDATES)
            .map(|c| cursor::encode(c).into())
            .collect();
        let mut snapshot: Option<Bytes> = None;
        for watcher in self.watchers.values_mut() {
            let added = frames
                .iter()
                .try_fold(!image, |ok, frame| Ok(ok && watcher.tracks.cursor(at, frame)?));
            report(added.and_then(|added| {
                if added {
                    return Ok(());
                }
                let snapshot = snapshot.get_or_insert_with(|| self.cursor.snapshot().into());
                watcher.tracks.cursor_snapshot(at, snapshot.clone())
            }));
        }
    }

    /// Writes a packet into the tracks of those that get it. Call [`Hub::sent`] once QUIC has had it.
    pub fn packet(&mut self, packet: &Packet, now: Mono) -> Option<Published> {
        self.shared.counters.packets.add();
        let pts = packet
            .times
            .commit
            .micros()
            .saturating_sub(self.start.micros())
            .max(self.last_pts + 1);
        self.last_pts = pts;
        let at = Timestamp::from_micros(pts).unwrap_or(Timestamp::ZERO);
        self.describe(&packet.format, at);
        let too_long = self.keys.packet(packet.key_frame, packet.data.len());
        let mut frame: Option<Bytes> = None;
        for watcher in self.watchers.values_mut() {
            if too_long {
                watcher.feed.interrupt(now);
                report(watcher.tracks.end());
            }
            let (accepted, blocked) = (watcher.meter.accepted(), watcher.meter.is_blocked());
            let step = watcher
                .feed
                .packet(packet.key_frame, packet.data.len(), accepted, blocked, now);
            let mut bytes = || frame.get_or_insert_with(|| legacy_frame(at, &packet.data)).clone();
            let result = match step {
                Step::Skip => Ok(()),
                Step::Start => watcher.tracks.start(at, bytes()),
                Step::Append => watcher.tracks.append(at, bytes()),
                Step::Shed => {
                    self.shared.counters.shed.add();
                    watcher.tracks.shed()
                }
            };
            if report(result).is_none() {
                watcher.feed.interrupt(now);
                report(watcher.tracks.shed());
            }
        }
        frame?;
        let t = &packet.times;
        let times = frame::Times {
            frame: packet.frame.0,
            pts_us: pts,
            commit: t.commit.micros(),
            latch: t.latch.micros(),
            rendered: t.rendered.micros(),
            encode_start: t.encode_start.micros(),
            converted: t.converted.micros(),
            encoded: t.encoded.micros(),
            sent: 0,
            key: packet.key_frame,
            bytes: u32::try_from(packet.data.len()).unwrap_or(u32::MAX),
        };
        Some(Published {
            frame: packet.frame,
            times,
        })
    }

    /// Tells of a packet that QUIC has had.
    pub fn sent(&self, published: Published, now: Mono) {
        self.shared.tell(ToScope::Sent {
            frame: published.frame,
            at: now,
        });
        let times = datagram::ToClient::Times(frame::Times {
            sent: now.micros(),
            ..published.times
        });
        self.controllers
            .values()
            .filter(|c| c.greeted)
            .for_each(|c| send(c, &times));
    }

    /// Publishes a catalog if the format is another.
    fn describe(&mut self, format: &Arc<VideoFormat>, at: Timestamp) {
        if self
            .format
            .as_ref()
            .is_some_and(|(known, _)| Arc::ptr_eq(known, format) || known == format)
        {
            return;
        }
        match catalog_json(format) {
            Ok(catalog) => {
                for watcher in self.watchers.values_mut() {
                    report(watcher.tracks.catalog(catalog.clone(), at));
                }
                self.format = Some((format.clone(), catalog));
            }
            Err(e) => tracing::error!("a format that can't be described, {}: {e:#}", format.codec),
        }
    }

    /// What follows from what has happened: the demand, and a key frame if somebody needs one. When to look again.
    pub fn settle(&mut self, now: Mono) -> Option<Mono> {
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
                self.settle(now)
            }
        }
    }

    fn message(&mut self, viewer: ViewerId, message: control::ToServer, now: Mono) {
        let Some(controller) = self.controllers.get_mut(&viewer) else {
            return;
        };
        let player = controller.player;
        match message {
            control::ToServer::Hello {
                version,
                want_input,
                name,
            } if !controller.greeted => {
                if version != control::VERSION {
                    let reason = format!("this server speaks version {}", control::VERSION);
                    self.tell(viewer, control::ToClient::Bye { reason });
                    self.controllers.remove(&viewer);
                    return;
                }
                controller.greeted = true;
                tracing::info!(target: "viewer", "viewer {} is here: {name:?}", viewer.0);
                self.tell(viewer, self.welcome(viewer));
                let changed = want_input && self.roles.want(viewer, player, now);
                if changed {
                    self.holder_changed();
                } else {
                    self.tell(viewer, self.role_message(viewer));
                }
                self.tell(viewer, self.scene_message());
            }
            _ if !controller.greeted => {
                self.shared.counters.broken.add();
                self.controllers.remove(&viewer);
            }
            control::ToServer::Hello { .. } => self.shared.counters.broken.add(),
            control::ToServer::TakeInput => {
                if self.roles.take(viewer, player, now) {
                    self.holder_changed();
                } else {
                    self.tell(viewer, self.role_message(viewer));
                }
            }
            control::ToServer::DropInput => {
                if self.roles.release(viewer) {
                    self.holder_changed();
                }
            }
            control::ToServer::Text(text) if self.roles.holder() == Some(viewer) => {
                self.shared.tell(ToScope::Text { viewer, text });
            }
            control::ToServer::Text(_) => self.shared.counters.foreign_input.add(),
            control::ToServer::RequestKeyFrame => self.keys.request(now),
        }
    }

    fn holder_changed(&mut self) {
        let holder = self.roles.holder();
        // First the release of all that the last one held; only then may the next one's batches pass.
        self.shared.tell(ToScope::InputHolder(holder));
        self.shared.holder.store(holder.map_or(0, |h| h.0), Ordering::Relaxed);
        self.tell_all(|hub, viewer| hub.role_message(viewer));
    }

    fn welcome(&self, viewer: ViewerId) -> control::ToClient {
        control::ToClient::Welcome {
            version: control::VERSION,
            viewer: viewer.0,
            width: self.scene.size.w,
            height: self.scene.size.h,
            refresh_mhz: self.scene.refresh.0,
            start_us: self.start.micros(),
        }
    }

    fn role_message(&self, viewer: ViewerId) -> control::ToClient {
        let holder = self.roles.holder();
        control::ToClient::Role {
            input: holder == Some(viewer),
            holder: holder.is_some(),
        }
    }

    fn scene_message(&self) -> control::ToClient {
        control::ToClient::Scene {
            width: self.scene.size.w,
            height: self.scene.size.h,
            refresh_mhz: self.scene.refresh.0,
            pointer_locked: self.scene.pointer_locked,
            title: self.scene.title.clone(),
        }
    }

    fn tell_all(&self, message: impl Fn(&Self, ViewerId) -> control::ToClient) {
        let greeted = self.controllers.iter().filter(|(_, c)| c.greeted);
        greeted.for_each(|(viewer, _)| self.tell(*viewer, message(self, *viewer)));
    }

    fn tell(&self, viewer: ViewerId, message: control::ToClient) {
        let Some(controller) = self.controllers.get(&viewer) else {
            return;
        };
        if controller.outbox.try_send(message).is_err() {
            tracing::warn!("viewer {} doesn't read its messages; closed", viewer.0);
            controller.connection.close(0u32.into(), b"too slow");
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
