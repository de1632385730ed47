//! Control sessions' messages and the input role.

use super::{Behind, Hub, Ordering};
use crate::link::{ToScope, ViewerId};
use crate::time::Mono;
use goggles_protocols::control;
use std::time::Duration;

/// When it is looked again whether a viewer with many messages has read some.
const AGAIN: Duration = Duration::from_millis(20);

impl Hub {
    pub(super) fn message(&mut self, viewer: ViewerId, message: control::ToServer, now: Mono) {
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
                self.owe(viewer, |behind| (behind.role, behind.scene) = (true, true));
                self.greet_microphone(viewer);
                if want_input && self.roles.want(viewer, player, now) {
                    self.holder_changed();
                }
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
                    self.owe(viewer, |behind| behind.role = true);
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
            control::ToServer::Loudspeakers(channels) => self.loudspeakers(viewer, channels),
            control::ToServer::Microphone(on) => self.microphone(viewer, on, now),
            control::ToServer::Playback(playback) => self.playback(viewer, playback),
            control::ToServer::RequestKeyFrame => self.keys.request(now),
        }
    }

    pub(super) fn holder_changed(&mut self) {
        let holder = self.roles.holder();
        // First the release of all that the last one held; only then may the next one's batches pass.
        self.shared.tell(ToScope::InputHolder(holder));
        self.shared.holder.store(holder.map_or(0, |h| h.0), Ordering::Relaxed);
        self.owe_all(|behind| behind.role = true);
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

    /// A viewer is to be told something by [`Self::tell_news`].
    pub(super) fn owe(&mut self, viewer: ViewerId, what: impl Fn(&mut Behind)) {
        if let Some(controller) = self.controllers.get_mut(&viewer) {
            what(&mut controller.behind);
        }
    }

    /// All that have said Hello are.
    pub(super) fn owe_all(&mut self, what: impl Fn(&mut Behind)) {
        let greeted = self.controllers.values_mut().filter(|c| c.greeted);
        greeted.for_each(|controller| what(&mut controller.behind));
    }

    /// Tells the news to whoever is behind and has room for them: what changes without end, as a program's title can and a
    /// player's mind, must not fill what is kept for a viewer, who would be closed for it. When to look again.
    pub(super) fn tell_news(&mut self, now: Mono) -> Option<Mono> {
        let is_behind = self.controllers.iter().filter(|(_, c)| c.behind != Behind::default());
        let behind: Vec<_> = is_behind.map(|(viewer, c)| (*viewer, c.behind)).collect();
        let mut full = false;
        for (viewer, behind) in behind {
            let Some(controller) = self.controllers.get_mut(&viewer) else {
                continue;
            };
            if controller.outbox.capacity() * 2 <= controller.outbox.max_capacity() {
                full = true;
                continue;
            }
            controller.behind = Behind::default();
            if behind.role {
                self.tell(viewer, self.role_message(viewer));
            }
            if behind.scene {
                self.tell(viewer, self.scene_message());
            }
            if behind.microphone {
                self.tell(viewer, self.microphone_message(viewer));
            }
        }
        full.then_some(now + AGAIN)
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

    pub(super) fn tell_all(&self, message: impl Fn(&Self, ViewerId) -> control::ToClient) {
        let greeted = self.controllers.iter().filter(|(_, c)| c.greeted);
        greeted.for_each(|(viewer, _)| self.tell(*viewer, message(self, *viewer)));
    }

    pub(super) fn tell(&self, viewer: ViewerId, message: control::ToClient) {
        let Some(controller) = self.controllers.get(&viewer) else {
            return;
        };
        if controller.outbox.try_send(message).is_err() {
            tracing::warn!("viewer {} doesn't read its messages; closed", viewer.0);
            controller.connection.close(0u32.into(), b"too slow");
        }
    }
}
