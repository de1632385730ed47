//! One session's broadcast: the tracks that `protocols/stream.md` names, as `moq_net` producers. Pure plumbing; what
//! goes into them and when is [`super::hub`]'s and [`super::feed`]'s.

use crate::link::VideoFormat;
use bytes::{BufMut, Bytes, BytesMut};
use hang::catalog::{Catalog, Container, PRIORITY, VideoConfig};
use moq_net::{Error, Timestamp, broadcast, cache, group, origin, track};
use std::str::FromStr;
use std::time::Duration;

/// The video track's name.
pub const VIDEO: &str = "video";
/// The cursor track's name; the catalog's root key `goggles` says it.
pub const CURSOR: &str = "cursor";
/// How long a subscriber may wait for a group that is not the newest, in the stream's own time.
const MAX_AGE: Duration = Duration::from_secs(1);
/// How long a group that is not the newest is kept after it was last read. Without it `moq_net` keeps all for 30 s.
const KEPT: Duration = Duration::from_secs(1);
/// What is kept at most of groups that are not the newest, and of the newest: two of the longest (`keyframes`).
const CACHE: u64 = 48 << 20;
/// A cursor group starts again after this many frames, so that a new subscriber needs few of them.
const CURSOR_GROUP: usize = 128;

/// The tracks of one session.
pub struct Tracks {
    catalog: track::Producer,
    video: track::Producer,
    cursor: track::Producer,
    video_group: Option<group::Producer>,
    cursor_group: Option<group::Producer>,
    /// Dropping them takes the broadcast from the session.
    _broadcast: broadcast::Producer,
    _origin: origin::Producer,
}

impl Tracks {
    /// Publishes a broadcast of that name in an origin of its own.
    ///
    /// # Errors
    /// The name is no path.
    pub fn new(name: &str) -> Result<(Self, origin::Consumer, origin::Driver), Error> {
        let mut config = origin::Config::default();
        config.pool = cache::Pool::new(cache::Config::default().with_expiry(KEPT).with_capacity(CACHE));
        let (origin, driver) = origin::Producer::new(config);
        let broadcast = origin.publish(name, origin::Route::default())?;
        let info = |priority| hang::container::track_info(priority).with_max_age(MAX_AGE);
        let tracks = Self {
            catalog: broadcast.create_track(Catalog::DEFAULT_NAME, Catalog::default_track_info())?,
            video: broadcast.create_track(VIDEO, info(PRIORITY.video))?,
            // A late cursor is felt more than a late picture.
            cursor: broadcast.create_track(CURSOR, info(PRIORITY.audio))?,
            video_group: None,
            cursor_group: None,
            _broadcast: broadcast,
            _origin: origin.clone(),
        };
        Ok((tracks, origin.consume(), driver))
    }

    /// Another handle of the video track, to watch its subscriptions.
    pub fn video(&self) -> track::Producer {
        self.video.clone()
    }

    /// Replaces the catalog.
    pub fn catalog(&mut self, json: Bytes, at: Timestamp) -> Result<(), Error> {
        let mut group = self.catalog.append_group()?;
        group.write_frame(at, json)?;
        group.finish()
    }

    /// Ends the video's group, if there is one, and starts another with `frame`.
    pub fn start(&mut self, at: Timestamp, frame: Bytes) -> Result<(), Error> {
        self.end()?;
        let mut group = self.video.append_group()?;
        let result = group.write_frame(at, frame);
        self.video_group = Some(group);
        result
    }

    /// Adds to the video's group.
    pub fn append(&mut self, at: Timestamp, frame: Bytes) -> Result<(), Error> {
        match &mut self.video_group {
            Some(group) => group.write_frame(at, frame),
            None => Err(Error::Closed),
        }
    }

    /// Ends the video's group; what is in it is still delivered.
    pub fn end(&mut self) -> Result<(), Error> {
        self.video_group.take().map_or(Ok(()), |group| group.finish())
    }

    /// Drops the video's group with all of it that has not been delivered.
    pub fn shed(&mut self) -> Result<(), Error> {
        self.video_group.take().map_or(Ok(()), |group| group.abort(Error::Old))
    }

    /// Tells of changes of the cursor in the running group; `false` if there is none that takes them, and it wants
    /// [`Tracks::cursor_snapshot`].
    pub fn cursor(&mut self, at: Timestamp, updates: &Bytes) -> Result<bool, Error> {
        match &mut self.cursor_group {
            Some(group) if group.frame_count() < CURSOR_GROUP => group.write_frame(at, updates.clone()).map(|()| true),
            _ => Ok(false),
        }
    }

    /// Starts a group of the cursor's with its whole state.
    pub fn cursor_snapshot(&mut self, at: Timestamp, snapshot: Bytes) -> Result<(), Error> {
        if let Some(group) = self.cursor_group.take() {
            group.finish()?;
        }
        let mut group = self.cursor.append_group()?;
        let result = group.write_frame(at, snapshot);
        self.cursor_group = Some(group);
        result
    }
}

impl Drop for Tracks {
    fn drop(&mut self) {
        // `moq_net` wants to be told that nothing more comes. What has ended already refuses it.
        let _ = self.end();
        if let Some(group) = self.cursor_group.take() {
            let _ = group.finish();
        }
        for track in [&self.catalog, &self.video, &self.cursor] {
            let _ = track.finish();
        }
    }
}

/// A frame in hang's `legacy` container: its time as a QUIC varint of µs, then the packet. One copy, for all viewers.
pub fn legacy_frame(at: Timestamp, packet: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(8 + packet.len());
    let micros = at.as_micros().min((1 << 62) - 1) as u64;
    match micros {
        0..0x40 => frame.put_u8(micros as u8),
        0x40..0x4000 => frame.put_u16(micros as u16 | 1 << 14),
        0x4000..0x4000_0000 => frame.put_u32(micros as u32 | 2 << 30),
        _ => frame.put_u64(micros | 3 << 62),
    }
    frame.put_slice(packet);
    frame.freeze()
}

/// The catalog: hang's for one video rendition, and our root key.
///
/// # Errors
/// The codec's name is none that hang knows.
pub fn catalog_json(format: &VideoFormat) -> anyhow::Result<Bytes> {
    let mut config = VideoConfig::new(hang::catalog::VideoCodec::from_str(&format.codec)?);
    config.coded_width = Some(format.size.w);
    config.coded_height = Some(format.size.h);
    config.bitrate = Some(format.bitrate);
    config.framerate = Some(f64::from(format.refresh.0) / 1000.0);
    config.optimize_for_latency = Some(true);
    config.container = Container::Legacy;
    // Frames leave the moment they are made: hold nothing back for evenness.
    config.jitter = Some(Duration::from_millis(1));
    let mut catalog = Catalog::<()>::default();
    catalog.video.insert(VIDEO, config)?;
    let mut json = serde_json::to_value(&catalog)?;
    json["goggles"] = serde_json::json!({ "version": goggles_protocols::control::VERSION, "cursor": CURSOR });
    Ok(serde_json::to_vec(&json)?.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::{Refresh, Size};

    #[test]
    fn the_legacy_container_is_hangs() {
        for micros in [0, 1, 0x3f, 0x40, 0x3fff, 0x4000, 0x3fff_ffff, 0x4000_0000, 1 << 40] {
            let at = Timestamp::from_micros(micros).unwrap();
            let ours = legacy_frame(at, b"packet");
            let theirs = hang::container::Frame::decode(ours).unwrap();
            assert_eq!(theirs.timestamp.as_micros(), u128::from(micros));
            assert_eq!(&theirs.payload[..], b"packet");
        }
    }

    #[test]
    fn the_catalog_is_hangs_and_names_our_tracks() {
        let format = VideoFormat {
            codec: "avc3.42c01f".into(),
            size: Size { w: 1280, h: 720 },
            refresh: Refresh(59_940),
            bitrate: 6_000_000,
        };
        let json = catalog_json(&format).unwrap();
        let value: serde_json::Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(value["goggles"]["cursor"], CURSOR);
        let rendition = &value["video"]["renditions"][VIDEO];
        assert_eq!(rendition["codec"], "avc3.42c01f");
        assert_eq!(rendition["codedWidth"], 1280);
        assert_eq!(rendition["framerate"], 59.94);
        assert_eq!(rendition["optimizeForLatency"], true);
        assert_eq!(rendition["container"]["kind"], "legacy");
        let theirs = Catalog::<()>::from_str(std::str::from_utf8(&json).unwrap()).unwrap();
        assert_eq!(theirs.video.renditions.len(), 1);
    }
}
