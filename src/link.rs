//! The only types that cross threads. One enum each way for each crossing; nothing else is shared.
//!
//! | crossing | kind | rule |
//! |---|---|---|
//! | T0 → T2 [`EncodeJob`] | depth 2, newest wins | never blocks; key-frame request, rate and size ride on the job |
//! | T2 → T0 [`EncoderToScope`] | calloop channel | plays the role of vblank; the buffer is given back by its drop |
//! | T2 → T1 [`Packet`] | bounded, `try_send` | full: the packet is dropped and a key frame asked for |
//! | T3 → T1 [`AudioToNetwork`] | bounded, `try_send` | full: the packet is dropped and counted |
//! | T1 → T3 [`NetworkToAudio`] | bounded, `try_send` | full: the packet is dropped and counted |
//! | T1 → T0 [`ToScope`], T0 → T1 [`FromScope`] | calloop channel, bounded tokio channel | nothing else crosses |
//!
//! T0 is the compositor's loop, T1 the network's, T2 an encoder's, T3 the sound's.

use crate::handlers::Hints;
use crate::time::Mono;
use bytes::Bytes;
use goggles_protocols::audio::{self, Layout};
use goggles_protocols::{cursor, frame, input};
use smithay::backend::renderer::utils::Buffer;

/// Counts the frames that were latched, from 1; never reused in a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FrameId(pub u64);

/// One attached network client; never reused in a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ViewerId(pub u64);

/// A size in physical pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Size {
    /// Width in pixels.
    pub w: u32,
    /// Height in pixels.
    pub h: u32,
}

/// A refresh rate in millihertz (59.94 Hz is 59 940).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refresh(pub u32);

/// What has happened to a frame so far. Zero means "not yet".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeLine {
    /// The client's commit arrived.
    pub commit: Mono,
    /// The compositor chose this content for the frame.
    pub latch: Mono,
    /// Composition ended (equals `latch` when passed through).
    pub rendered: Mono,
    /// The encode thread took the job.
    pub encode_start: Mono,
    /// Pixel conversion ended.
    pub converted: Mono,
    /// The encoder's packet was out.
    pub encoded: Mono,
    /// The packet was handed to the network.
    pub sent: Mono,
}

/// Where a job's pixels are. 32 bits a pixel, bytes B G R x in memory (`wl_shm` xrgb8888 / argb8888).
#[derive(Debug)]
pub enum Pixels {
    /// The client's own `wl_shm` buffer, not copied: read it with `smithay::wayland::shm::with_buffer_contents`
    /// (which guards against SIGBUS and is safe from any thread). The drop releases it to the client.
    Client(Buffer),
    /// A picture the compositor composed; goes back to its pool on drop.
    Composed(Image),
}

/// A composed BGRx picture.
#[derive(Debug)]
pub struct Image {
    /// `stride * size.h` bytes.
    pub data: Vec<u8>,
    /// Bytes a row.
    pub stride: usize,
    /// The picture's size.
    pub size: Size,
    /// Where the memory returns to.
    pub home: Option<std::sync::mpsc::Sender<Vec<u8>>>,
}

impl Drop for Image {
    fn drop(&mut self) {
        if let Some(home) = self.home.take() {
            // The pool may be gone at shutdown; then the memory is simply freed.
            let _ = home.send(std::mem::take(&mut self.data));
        }
    }
}

/// T0 → T2: one frame to encode.
#[derive(Debug)]
pub struct EncodeJob {
    /// Which frame.
    pub frame: FrameId,
    /// Its pixels.
    pub pixels: Pixels,
    /// Its size; a change restarts the encoder with a key frame.
    pub size: Size,
    /// The nominal rate, for the bitstream's and the catalog's sake.
    pub refresh: Refresh,
    /// Must start a new group (a viewer needs a fresh start).
    pub key_frame: bool,
    /// The rate to use from this frame on.
    pub rate: Rate,
    /// What has happened so far.
    pub times: TimeLine,
}

/// How many bits a second the encoder may spend.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rate {
    /// Constant quality (x264's CRF scale, 0 best … 51), at most `max_kbps`.
    Quality {
        /// Constant rate factor.
        crf: u8,
        /// Upper bound in kilobits a second.
        max_kbps: u32,
    },
    /// Constant bit rate, in kilobits a second.
    Constant {
        /// The rate.
        kbps: u32,
    },
}

/// T2 → T0.
#[derive(Debug)]
pub enum EncoderToScope {
    /// The job has left the encoder; plays the role of vblank.
    Done {
        /// Which frame.
        frame: FrameId,
        /// Up to `encoded`.
        times: TimeLine,
        /// Bytes of the packet.
        bytes: usize,
        /// Whether it starts a group.
        key_frame: bool,
    },
    /// A newer job took the place of this one before it was encoded.
    Replaced(FrameId),
    /// The network's queue was full and the packet was dropped: the next job must be a key frame.
    PacketDropped(FrameId),
    /// This frame could not be encoded (the session goes on; the next job must be a key frame).
    Failed {
        /// Which frame.
        frame: FrameId,
        /// Why.
        why: String,
    },
}

/// T2 → T1: one encoded frame.
#[derive(Clone, Debug)]
pub struct Packet {
    /// Which frame.
    pub frame: FrameId,
    /// Annex B access unit, parameter sets inline at key frames.
    pub data: Bytes,
    /// Starts a new group.
    pub key_frame: bool,
    /// Describes the stream from this packet on (the same `Arc` while nothing changes).
    pub format: std::sync::Arc<VideoFormat>,
    /// Up to `encoded`.
    pub times: TimeLine,
}

/// What the catalog says of the video.
#[derive(Clone, Debug, PartialEq)]
pub struct VideoFormat {
    /// RFC 6381 codec string, e.g. `avc3.42c01f`.
    pub codec: String,
    /// Coded size.
    pub size: Size,
    /// Nominal rate.
    pub refresh: Refresh,
    /// Upper bound in bits a second.
    pub bitrate: u64,
}

/// T3 → T1.
#[derive(Clone, Debug)]
pub enum AudioToNetwork {
    /// What is going to come; also rides on each packet.
    Format(std::sync::Arc<AudioFormat>),
    /// One Opus packet.
    Packet {
        /// Describes it (the same `Arc` while nothing changes).
        format: std::sync::Arc<AudioFormat>,
        /// When its first decoded sample left the game: the encoder's delay is taken off.
        at: Mono,
        /// Opus, mapping family 1.
        data: Bytes,
    },
}

/// T1 → T3: one packet of a viewer's microphone, which the viewer may use and has turned on.
#[derive(Clone, Debug)]
pub struct NetworkToAudio {
    /// Whose.
    pub viewer: ViewerId,
    /// When it was received.
    pub at: Mono,
    /// As it came; its Opus may be anything.
    pub packet: audio::Microphone,
}

/// What the catalog says of the sound.
#[derive(Clone, Debug, PartialEq)]
pub struct AudioFormat {
    /// The loudspeakers.
    pub layout: Layout,
    /// In bits a second.
    pub bitrate: u64,
    /// What one packet lasts.
    pub packet: std::time::Duration,
}

/// T1 → T0.
#[derive(Debug)]
pub enum ToScope {
    /// How many subscribers the video track has; zero: nothing need be encoded.
    Demand {
        /// Subscribers of the video track.
        viewers: usize,
    },
    /// A subscriber needs a fresh start.
    KeyFrame,
    /// The input role changed hands: release all that the last holder held.
    InputHolder(Option<ViewerId>),
    /// A well-formed batch from the holder of the input role.
    Input {
        /// Who.
        viewer: ViewerId,
        /// What.
        batch: Box<input::Batch>,
        /// When it was received.
        at: Mono,
    },
    /// Text typed or pasted as text by the holder of the input role.
    Text {
        /// Who.
        viewer: ViewerId,
        /// UTF-8, at most `goggles_protocols::control::MAX_TEXT` bytes.
        text: String,
    },
    /// The largest layout that the holder of the input role can play.
    Loudspeakers(Layout),
    /// The packet of this frame was handed to QUIC.
    Sent {
        /// Which frame.
        frame: FrameId,
        /// When.
        at: Mono,
    },
    /// A viewer's time line of frames, already in our clock.
    Report {
        /// Who.
        viewer: ViewerId,
        /// What it saw, in our clock (µs of `CLOCK_MONOTONIC`).
        report: frame::Report,
    },
    /// A line for the statistics at exit: counters of what was dropped, refused or malformed.
    Counters(Vec<(&'static str, u64)>),
}

/// T0 → T1.
#[derive(Clone, Debug)]
pub enum FromScope {
    /// Answer to [`ToScope::Input`].
    InputAck {
        /// To whom.
        viewer: ViewerId,
        /// Which edges have been applied.
        ack: input::Ack,
    },
    /// The cursor's image, place or visibility changed.
    Cursor(cursor::Update),
    /// What viewers should know of the output and the game's wishes; sent at each change.
    Scene(SceneInfo),
    /// The session ends; say goodbye with this reason and stop.
    Shutdown(String),
}

/// The state of the output as viewers need it.
#[derive(Clone, Debug, PartialEq)]
pub struct SceneInfo {
    /// The output's size.
    pub size: Size,
    /// The output's refresh.
    pub refresh: Refresh,
    /// The game wants relative motion only.
    pub pointer_locked: bool,
    /// The title of the focused window.
    pub title: String,
    /// What the window that fills the output says of its picture.
    pub hints: Hints,
}
