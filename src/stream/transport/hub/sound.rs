//! What goes into the viewers' audio tracks, and how many channels they can play.

use super::{Hub, report};
use crate::link::{AudioFormat, AudioToNetwork, ToScope, ViewerId};
use crate::stream::transport::tracks::{MAX_DATAGRAM, Way, legacy_frame};
use crate::time::Mono;
use bytes::Bytes;
use goggles_protocols::audio::{Layout, Playback, Repeater};
use moq_net::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// What a payload with repeated packets may be long: with its time stamp it fits a datagram.
const REPEATED_ROOM: usize = MAX_DATAGRAM - 8;

/// A layout stays for so long at least.
const SETTLED: Duration = Duration::from_secs(1);

/// The sound that is published now.
pub struct Sound {
    /// What the catalog says of it.
    pub format: Arc<AudioFormat>,
    /// Its track is `audio` and this number.
    pub number: u32,
    /// Groups published; one a packet.
    groups: u64,
    last_pts: u64,
    repeater: Repeater<Bytes>,
}

impl Sound {
    /// Its track's name.
    pub fn name(&self) -> String {
        format!("audio{}", self.number)
    }
}

impl Hub {
    /// Takes what the audio thread has.
    pub fn audio(&mut self, what: AudioToNetwork, now: Mono) {
        match what {
            AudioToNetwork::Format(format) => self.sound_format(&format, now),
            AudioToNetwork::Packet { format, at, data } => {
                self.sound_format(&format, now);
                self.sound_packet(at, &data, now);
            }
        }
    }

    fn sound_format(&mut self, format: &Arc<AudioFormat>, now: Mono) {
        let number = match &self.sound {
            Some(sound) if Arc::ptr_eq(&sound.format, format) || sound.format == *format => return,
            // Only a decoder's concern is another track.
            Some(sound) if sound.format.layout == format.layout && sound.format.packet == format.packet => sound.number,
            Some(sound) => sound.number + 1,
            None => 0,
        };
        match &mut self.sound {
            Some(sound) if sound.number == number => sound.format = format.clone(),
            _ => {
                let sound = Sound {
                    format: format.clone(),
                    number,
                    groups: 0,
                    last_pts: 0,
                    repeater: Repeater::default(),
                };
                for watcher in self.watchers.values_mut() {
                    report(watcher.tracks.sound(&sound.name()));
                }
                self.sound = Some(sound);
            }
        }
        self.publish_catalog(now);
    }

    fn sound_packet(&mut self, at: Mono, data: &Bytes, now: Mono) {
        let Some(sound) = &mut self.sound else { return };
        self.shared.counters.sound_packets.add();
        // What left the game before the session's start has no time stamp.
        let Some(pts) = at.micros().checked_sub(self.start.micros()) else {
            return;
        };
        let pts = pts.max(sound.last_pts + 1);
        let stamp = Timestamp::from_micros(pts).unwrap_or(Timestamp::ZERO);
        let (mut plain, mut repeated) = (None::<Bytes>, None::<Bytes>);
        for watcher in self.watchers.values_mut() {
            for way in Way::ALL {
                if !watcher.tracks.sound_wanted(way) {
                    continue;
                }
                let frame = match way {
                    Way::Groups | Way::Datagrams => plain.get_or_insert_with(|| legacy_frame(stamp, data)),
                    Way::Repeated => repeated
                        .get_or_insert_with(|| legacy_frame(stamp, &sound.repeater.payload(pts, data, REPEATED_ROOM))),
                };
                let sent = watcher.tracks.sound_packet(way, sound.groups, stamp, frame.clone());
                report(sent);
            }
        }
        sound.groups += 1;
        sound.last_pts = pts;
        sound.repeater.push(pts, data.clone());
        tracing::trace!(target: "audio", age_us = now.since(at).as_micros() as u64, bytes = data.len(), "packet");
    }

    /// A viewer says how many channels it can play.
    pub(super) fn loudspeakers(&mut self, viewer: ViewerId, channels: u8) {
        if let Some(controller) = self.controllers.get_mut(&viewer) {
            controller.loudspeakers = Some(channels);
        }
    }

    /// A viewer says how it plays.
    pub(super) fn playback(&mut self, viewer: ViewerId, now: Playback) {
        let Some(controller) = self.controllers.get_mut(&viewer) else {
            return;
        };
        let last = std::mem::replace(&mut controller.playback, now);
        // With a new rendition it counts from zero.
        let last = if now.played < last.played {
            Playback::default()
        } else {
            last
        };
        let (drifted, jumped) = (
            now.excursions.saturating_sub(last.excursions),
            now.resyncs.saturating_sub(last.resyncs),
        );
        let counters = &self.shared.counters;
        counters
            .sound_concealed
            .add_all(now.concealed.saturating_sub(last.concealed));
        counters.sound_missing.add_all(now.missing.saturating_sub(last.missing));
        counters.sound_drifted.add_all(drifted);
        counters.sound_jumped.add_all(jumped);
        if (drifted, jumped) != (0, 0) {
            let (viewer, drift) = (viewer.0, f64::from(now.drift) / 1000.0);
            tracing::info!(target: "viewer", "viewer {viewer}'s sound was not where it should be: {drifted} drifts, {jumped} jumps; it is {drift:.1} ms behind now");
        }
        tracing::debug!(target: "audio", viewer = viewer.0, ?now, "playback");
    }

    /// Tells what the holder of the input role can play, if that is known and another. When to look again.
    pub(super) fn tell_loudspeakers(&mut self, now: Mono) -> Option<Mono> {
        let holder = self.roles.holder().and_then(|holder| self.controllers.get(&holder));
        let wanted = holder.and_then(|c| c.loudspeakers).map(Layout::within)?;
        let again = self.loudspeakers.change(wanted, now);
        if again == Some(now) {
            self.shared.tell(ToScope::Loudspeakers(wanted));
            return None;
        }
        again
    }
}

/// What was told of the loudspeakers: each change takes the game's sound away for a moment.
#[derive(Debug, Default)]
pub struct Loudspeakers {
    told: Option<(Layout, Mono)>,
}

impl Loudspeakers {
    /// When this layout may be told, `now` at the earliest, by which it is taken for told; `None`: it was.
    fn change(&mut self, wanted: Layout, now: Mono) -> Option<Mono> {
        match self.told {
            Some((layout, _)) if layout == wanted => return None,
            Some((_, at)) if now.since(at) < SETTLED => return Some(at + SETTLED),
            _ => self.told = Some((wanted, now)),
        }
        Some(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layout_changes_once_a_second_and_the_newest_wins() {
        let mut told = Loudspeakers::default();
        let at = |ms: u64| Mono(7_000_000_000 + ms * 1_000_000);
        assert_eq!(told.change(Layout::Surround71, at(0)), Some(at(0)));
        assert_eq!(told.change(Layout::Surround71, at(1)), None);
        assert_eq!(told.change(Layout::Stereo, at(2)), Some(at(1000)));
        assert_eq!(told.change(Layout::Surround51, at(3)), Some(at(1000)));
        // Changed back meanwhile: there is nothing to tell.
        assert_eq!(told.change(Layout::Surround71, at(4)), None);
        assert_eq!(told.change(Layout::Surround51, at(1000)), Some(at(1000)));
        assert_eq!(told.change(Layout::Stereo, at(1001)), Some(at(2000)));
    }
}
