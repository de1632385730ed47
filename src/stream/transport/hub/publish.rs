//! What goes into the viewers' tracks.

use super::{Hub, report, send};
use crate::link::{FrameId, Packet, ToScope, VideoFormat};
use crate::stream::transport::feed::Step;
use crate::stream::transport::tracks::{catalog_json, legacy_frame};
use crate::time::Mono;
use bytes::Bytes;
use goggles_protocols::{cursor, datagram, frame};
use moq_net::Timestamp;
use std::sync::Arc;

/// A packet that was given to viewers, for [`Hub::sent`].
pub struct Published {
    frame: FrameId,
    times: frame::Times,
}

impl Hub {
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
        self.describe(&packet.format, now);
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
    fn describe(&mut self, format: &Arc<VideoFormat>, now: Mono) {
        let same = |known: &Arc<VideoFormat>| Arc::ptr_eq(known, format) || known == format;
        if !self.format.as_ref().is_some_and(same) {
            self.format = Some(format.clone());
            self.publish_catalog(now);
        }
    }

    /// Publishes what the picture and the sound are. Viewers expect a picture, so there is none before the first.
    pub(super) fn publish_catalog(&mut self, now: Mono) {
        let Some(format) = &self.format else { return };
        let sound = self.sound.as_ref().map(|sound| (sound.name(), &*sound.format));
        match catalog_json(format, sound, self.scene.hints) {
            Ok(catalog) => {
                let at = self.timestamp(now);
                for watcher in self.watchers.values_mut() {
                    report(watcher.tracks.catalog(catalog.clone(), at));
                }
                self.catalog = Some(catalog);
            }
            Err(e) => tracing::error!("a format that can't be described, {}: {e:#}", format.codec),
        }
    }
}
