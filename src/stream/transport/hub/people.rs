//! Control sessions' messages and the input role.

use super::{Hub, Ordering};
use crate::link::{ToScope, ViewerId};
use crate::time::Mono;
use goggles_protocols::control;
use std::time::Duration;

/// When it is looked again whether a viewer with many messages has read some.
const SCENE_AGAIN: Duration = Duration::from_millis(20);

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
                let changed = want_input && self.roles.want(viewer, player, now);
                if changed {
                    self.holder_changed();
                } else {
                    self.tell(viewer, self.role_message(viewer));
                }
                self.tell(viewer, self.scene_message());
                self.greet_microphone(viewer);
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
            control::ToServer::Loudspeakers(channels) => self.loudspeakers(viewer, channels),
            control::ToServer::Microphone(on) => self.microphone(viewer, on),
            control::ToServer::Playback(playback) => self.playback(viewer, playback),
            control::ToServer::RequestKeyFrame => self.keys.request(now),
        }
    }

    pub(super) fn holder_changed(&mut self) {
        let holder = self.roles.holder();
        // First the release of all that the last one held; only then may the next one's batches pass.
        self.shared.tell(ToScope::InputHolder(holder));
        self.shared.holder.store(holder.map_or(0, |h| h.0), Ordering::Relaxed);
        self.tell_all(|hub, viewer| hub.role_message(viewer));
        self.tell_loudspeakers();
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

    /// Tells the scene to whoever is behind and has room for it: a program that changes its title without end must not fill
    /// what is kept for a viewer, who would be closed for it. When to look again.
    pub(super) fn tell_scene(&mut self, now: Mono) -> Option<Mono> {
        let message = self.scene_message();
        let mut full = false;
        for controller in self.controllers.values_mut().filter(|c| c.behind) {
            let outbox = &controller.outbox;
            let told = outbox.capacity() * 2 > outbox.max_capacity() && outbox.try_send(message.clone()).is_ok();
            controller.behind = !told;
            full |= !told;
        }
        full.then_some(now + SCENE_AGAIN)
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
