//! One session's broadcast: the tracks that `protocols/stream.md` names, as `moq_net` producers. Pure plumbing; what
//! goes into them and when is [`super::hub`]'s and [`super::feed`]'s.

use crate::handlers::{Color, Content, Hints};
use crate::link::{AudioFormat, VideoFormat};
use bytes::{BufMut, Bytes, BytesMut};
use hang::catalog::{AudioCodec, AudioConfig, Catalog, Container, PRIORITY, VideoConfig};
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
/// The longest frame that is sent as a datagram, in bytes: with MoQ's, WebTransport's and QUIC's heads it fits the 1200 that
/// every network path takes.
pub const MAX_DATAGRAM: usize = 1100;
/// A cursor group starts again after this many frames, so that a new subscriber needs few of them.
const CURSOR_GROUP: usize = 128;

/// The tracks of one session.
pub struct Tracks {
    catalog: track::Producer,
    video: track::Producer,
    cursor: track::Producer,
    video_group: Option<group::Producer>,
    cursor_group: Option<group::Producer>,
    sound: Option<Sound>,
    /// Dropping them takes the broadcast from the session.
    broadcast: broadcast::Producer,
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
        let tracks = Self {
            catalog: broadcast.create_track(Catalog::DEFAULT_NAME, Catalog::default_track_info())?,
            video: broadcast.create_track(VIDEO, info(PRIORITY.video))?,
            // A late cursor is felt more than a late picture.
            cursor: broadcast.create_track(CURSOR, info(PRIORITY.audio))?,
            video_group: None,
            cursor_group: None,
            sound: None,
            broadcast,
            _origin: origin.clone(),
        };
        Ok((tracks, origin.consume(), driver))
    }

    /// Begins the tracks of a sound of this name; ends the ones before.
    pub fn sound(&mut self, name: &str) -> Result<(), Error> {
        if let Some(old) = self.sound.take() {
            old.finish();
        }
        let track = |way: Way| {
            let name = format!("{name}{}", way.suffix());
            self.broadcast.create_track(name, info(PRIORITY.audio))
        };
        let [groups, datagrams, repeated] = Way::ALL.map(track);
        self.sound = Some(Sound([groups?, datagrams?, repeated?]));
        Ok(())
    }

    /// Whether somebody subscribes to the sound in this way.
    pub fn sound_wanted(&self, way: Way) -> bool {
        let sound = self.sound.as_ref();
        sound.is_some_and(|sound| sound.0[way as usize].subscription().is_some())
    }

    /// Writes a packet, or the payload of [`Way::Repeated`], into the sound's track, as this group. What doesn't fit a
    /// datagram goes as a stream.
    pub fn sound_packet(&mut self, way: Way, group: u64, at: Timestamp, frame: Bytes) -> Result<(), Error> {
        let Some(sound) = &mut self.sound else {
            return Err(Error::Closed);
        };
        let track = &mut sound.0[way as usize];
        if way == Way::Groups || frame.len() > MAX_DATAGRAM {
            return whole_group(track, group, at, frame);
        }
        track.insert_datagram(group, at, frame)
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
        if let Some(sound) = self.sound.take() {
            sound.finish();
        }
        for track in [&self.catalog, &self.video, &self.cursor] {
            let _ = track.finish();
        }
    }
}

/// The tracks of the sound, in the order of [`Way::ALL`].
struct Sound([track::Producer; 3]);

impl Sound {
    fn finish(self) {
        for track in self.0 {
            // What has ended already refuses it.
            let _ = track.finish();
        }
    }
}

/// How a viewer gets the sound's packets; each way is a track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Each as a stream, sent anew until it has arrived: the rendition that the catalog names.
    Groups,
    /// Each as a datagram.
    Datagrams,
    /// Each as a datagram, with those before it once more.
    Repeated,
}

impl Way {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Groups, Self::Datagrams, Self::Repeated];

    fn suffix(self) -> &'static str {
        match self {
            Self::Groups => "",
            Self::Datagrams => ".datagrams",
            Self::Repeated => ".red",
        }
    }
}

fn info(priority: u8) -> track::Info {
    hang::container::track_info(priority).with_max_age(MAX_AGE)
}

fn whole_group(track: &track::Producer, sequence: u64, at: Timestamp, frame: Bytes) -> Result<(), Error> {
    let mut group = track.create_group(group::Info { sequence })?;
    group.write_frame(at, frame)?;
    group.finish()
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

/// The catalog: hang's for one video rendition and at most one of sound, with its track's name, and our root key.
///
/// # Errors
/// The codec's name is none that hang knows.
pub fn catalog_json(
    format: &VideoFormat,
    sound: Option<(String, &AudioFormat)>,
    hints: Hints,
) -> anyhow::Result<Bytes> {
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
    if let Some((name, format)) = sound {
        let layout = format.layout;
        let mut config = AudioConfig::new(
            AudioCodec::Opus,
            goggles_protocols::audio::RATE,
            layout.channels().into(),
        );
        config.bitrate = Some(format.bitrate);
        config.description = Some(layout.head().into());
        config.container = Container::Legacy;
        config.jitter = Some(format.packet);
        catalog.audio.insert(&name, config)?;
    }
    let mut json = serde_json::to_value(&catalog)?;
    let mut ours = serde_json::json!({ "version": goggles_protocols::control::VERSION, "cursor": CURSOR });
    if let Some(content) = content_name(hints.content) {
        ours["content"] = content.into();
    }
    if let Some(color) = color_name(hints.color) {
        ours["color"] = color.into();
    }
    if hints.tearing {
        ours["tearing"] = true.into();
    }
    json["goggles"] = ours;
    Ok(serde_json::to_vec(&json)?.into())
}

fn content_name(content: Content) -> Option<&'static str> {
    match content {
        Content::Unknown => None,
        Content::Photo => Some("photo"),
        Content::Video => Some("video"),
        Content::Game => Some("game"),
    }
}

fn color_name(color: Color) -> Option<&'static str> {
    match color {
        Color::Unknown => None,
        Color::Srgb => Some("srgb"),
        Color::Bt2020Pq => Some("bt2020-pq"),
        Color::Scrgb => Some("scrgb"),
        Color::Other => Some("other"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::{Refresh, Size};
    use goggles_protocols::audio::Layout;

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
    fn sound_goes_before_the_picture() {
        let (mut tracks, ..) = Tracks::new("test").unwrap();
        tracks.sound("audio0").unwrap();
        let priority = |track: &track::Producer| track.subscribe(track::Subscription::default()).info().priority;
        let picture = priority(&tracks.video);
        for way in Way::ALL {
            let sound = &tracks.sound.as_ref().unwrap().0[way as usize];
            assert!(priority(sound) > picture, "{}", sound.name());
        }
        assert!(priority(&tracks.cursor) > picture);
    }

    #[test]
    fn the_catalog_is_hangs_and_names_our_tracks() {
        let format = VideoFormat {
            codec: "avc3.42c01f".into(),
            size: Size { w: 1280, h: 720 },
            refresh: Refresh(59_940),
            bitrate: 6_000_000,
        };
        let sound = AudioFormat {
            layout: Layout::Surround51,
            bitrate: 256_000,
            packet: Duration::from_micros(2500),
        };
        let none = Hints::default();
        let json = catalog_json(&format, Some(("audio3".into(), &sound)), none).unwrap();
        let value: serde_json::Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(value["goggles"]["cursor"], CURSOR);
        assert_eq!(value["goggles"].as_object().map(serde_json::Map::len), Some(2));
        let told = Hints {
            content: Content::Game,
            tearing: true,
            color: Color::Bt2020Pq,
        };
        let with_hints = catalog_json(&format, None, told).unwrap();
        let with_hints: serde_json::Value = serde_json::from_slice(&with_hints).unwrap();
        assert_eq!(with_hints["goggles"]["content"], "game");
        assert_eq!(with_hints["goggles"]["color"], "bt2020-pq");
        assert_eq!(with_hints["goggles"]["tearing"], true);
        let rendition = &value["video"]["renditions"][VIDEO];
        assert_eq!(rendition["codec"], "avc3.42c01f");
        assert_eq!(rendition["codedWidth"], 1280);
        assert_eq!(rendition["framerate"], 59.94);
        assert_eq!(rendition["optimizeForLatency"], true);
        assert_eq!(rendition["container"]["kind"], "legacy");
        let theirs = Catalog::<()>::from_str(std::str::from_utf8(&json).unwrap()).unwrap();
        assert_eq!(theirs.video.renditions.len(), 1);
        let rendition = &value["audio"]["renditions"]["audio3"];
        assert_eq!(rendition["codec"], "opus");
        assert_eq!(rendition["numberOfChannels"], 6);
        assert_eq!(rendition["jitter"], 3);
        let head = "4f707573486561640106000080bb00000000010600000102030405";
        assert_eq!(rendition["description"], head);
        assert_eq!(
            theirs.audio.renditions["audio3"].description,
            Some(Layout::Surround51.head().into())
        );
    }
}
