//! The sound: its channel layouts as Opus has them, the payloads of the MoQ tracks `NAME.red`, and the microphone's
//! datagrams. Owns their layout; what is in an Opus packet is Opus's.

use crate::Error;
use crate::wire::{Reader, put};
use std::collections::VecDeque;

/// Samples a second, of every channel.
pub const RATE: u32 = 48_000;
/// The longest Opus packet, in bytes: eight streams of 1275 (RFC 6716, section 3.2.1), with their lengths.
pub const MAX_PACKET: usize = 10_240;
/// How many earlier packets one payload of `NAME.red` repeats.
pub const REPEATED: usize = 2;
/// The longest packet of the microphone, in bytes; with its head it fits a QUIC datagram.
pub const MAX_MICROPHONE: usize = 1000;

/// How a viewer plays a rendition, by its own account; the counts are since it began with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Playback {
    /// From the game to the ear, in µs.
    pub delay: u32,
    /// What is there to be played, in µs.
    pub depth: u32,
    /// How far the sound is behind (above zero) where it should be, in µs.
    pub drift: i32,
    /// Packets played.
    pub played: u32,
    /// Frames that were made up because their packets were not there.
    pub concealed: u32,
    /// Packets that were not there at their time, by their groups' numbers: lost or late, made up for or not.
    pub missing: u32,
    /// Packets that came too late.
    pub late: u32,
    /// Jumps to where the sound should be.
    pub resyncs: u32,
    /// Times that the drift stayed over 2 ms for 200 ms.
    pub excursions: u32,
}

/// Which loudspeakers there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Layout {
    /// Left, right.
    #[default]
    Stereo,
    /// 5.1.
    Surround51,
    /// 7.1.
    Surround71,
}

/// A loudspeaker's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(
    missing_docs,
    reason = "the names say it: front, rear, side; left, right, centre; low frequencies"
)]
pub enum Place {
    FrontLeft,
    FrontRight,
    FrontCentre,
    Low,
    RearLeft,
    RearRight,
    SideLeft,
    SideRight,
}

impl Layout {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Stereo, Self::Surround51, Self::Surround71];

    /// The one of so many channels.
    pub fn of_channels(channels: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|l| l.channels() == channels)
    }

    /// The largest of at most so many channels; stereo if there is none.
    pub fn within(channels: u8) -> Self {
        let fits = Self::ALL.into_iter().rev().find(|l| l.channels() <= channels);
        fits.unwrap_or_default()
    }

    /// How many channels.
    pub fn channels(self) -> u8 {
        self.places().len() as u8
    }

    /// The channels in Opus's order (Vorbis's; RFC 7845, section 5.1.1.2), in which the encoder takes them. Decoders of
    /// browsers put them out in the order of [`Place`].
    pub fn places(self) -> &'static [Place] {
        use Place::*;
        match self {
            Self::Stereo => &[FrontLeft, FrontRight],
            Self::Surround51 => &[FrontLeft, FrontCentre, FrontRight, RearLeft, RearRight, Low],
            Self::Surround71 => &[
                FrontLeft,
                FrontCentre,
                FrontRight,
                SideLeft,
                SideRight,
                RearLeft,
                RearRight,
                Low,
            ],
        }
    }

    /// Opus streams in a packet, and how many of the first are of two channels. Surround's channels are streams of their
    /// own: two that have little in common cost more bits and work together than apart.
    pub fn streams(self) -> (u8, u8) {
        match self {
            Self::Stereo => (1, 1),
            Self::Surround51 | Self::Surround71 => (self.channels(), 0),
        }
    }

    /// For each channel in Opus's order: which of the streams' channels it is (RFC 7845, section 5.1.1).
    pub fn mapping(self) -> &'static [u8] {
        match self {
            Self::Stereo => &[0, 1],
            Self::Surround51 => &[0, 1, 2, 3, 4, 5],
            Self::Surround71 => &[0, 1, 2, 3, 4, 5, 6, 7],
        }
    }

    /// The OpusHead (RFC 7845, section 5.1), a decoder's description. Its pre-skip is 0: the encoder's delay is in the
    /// packets' time stamps.
    pub fn head(self) -> Vec<u8> {
        let mut out = b"OpusHead".to_vec();
        let family = u8::from(self != Self::Stereo);
        put!(out, 1u8, self.channels(), 0u16, RATE, 0i16, family);
        if family != 0 {
            let (streams, coupled) = self.streams();
            out.extend([streams, coupled]);
            out.extend_from_slice(self.mapping());
        }
        out
    }
}

/// A payload of `NAME.red`: a packet, and those before it once more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Redundant {
    /// Earlier packets, oldest first, at most [`REPEATED`].
    pub earlier: Vec<Earlier>,
    /// The packet that the container's time stamp is of; not empty.
    pub packet: Vec<u8>,
}

/// A packet that was sent before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Earlier {
    /// How much earlier its time stamp is, in µs; above 0, and less than the one's before.
    pub age: u16,
    /// The packet, not empty.
    pub packet: Vec<u8>,
}

impl Redundant {
    /// Reads one payload.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut r = Reader::new(bytes);
        let count = usize::from(r.u8()?);
        if count > REPEATED {
            return Err(too_long("repeated packets", count, REPEATED));
        }
        let mut earlier: Vec<Earlier> = Vec::with_capacity(count);
        for _ in 0..count {
            let (age, len) = (r.u16()?, usize::from(r.u16()?));
            if age == 0 || earlier.last().is_some_and(|e| e.age <= age) {
                let value = age.into();
                return Err(Error::Value { what: "age", value });
            }
            let packet = r.bytes(check("packet", len, MAX_PACKET)?)?.to_vec();
            earlier.push(Earlier { age, packet });
        }
        let packet = r.rest();
        check("packet", packet.len(), MAX_PACKET)?;
        let packet = packet.to_vec();
        Ok(Self { earlier, packet })
    }

    /// The payload's bytes.
    pub fn encode(&self) -> Vec<u8> {
        encode(self.earlier.iter().map(|e| (e.age, &e.packet[..])), &self.packet)
    }
}

fn encode<'a>(earlier: impl ExactSizeIterator<Item = (u16, &'a [u8])>, packet: &[u8]) -> Vec<u8> {
    let mut out = vec![earlier.len() as u8];
    for (age, packet) in earlier {
        put!(out, age, packet.len() as u16);
        out.extend_from_slice(packet);
    }
    out.extend_from_slice(packet);
    out
}

/// Remembers what was sent, to repeat it. Generic over what holds the bytes, so that nothing need be copied.
#[derive(Clone, Debug)]
pub struct Repeater<B> {
    /// Time stamps (µs) and packets, oldest first.
    sent: VecDeque<(u64, B)>,
}

impl<B> Default for Repeater<B> {
    fn default() -> Self {
        Self { sent: VecDeque::new() }
    }
}

impl<B: AsRef<[u8]>> Repeater<B> {
    /// The payload for a packet with this time stamp (µs), if that is above the last one's. What is more than 65 ms
    /// older, from before a silence, is not repeated, nor what makes the payload longer than `room` (bytes).
    pub fn payload(&self, at: u64, packet: &[u8], room: usize) -> Vec<u8> {
        let aged = |(time, packet): &(u64, B)| {
            let age = at.checked_sub(*time).filter(|age| *age > 0);
            age.and_then(|age| u16::try_from(age).ok())
                .map(|age| (age, packet.as_ref().len()))
                .filter(|(_, len)| (1..=MAX_PACKET).contains(len))
        };
        let mut left = room.saturating_sub(1 + packet.len());
        // The younger ones are worth more; all before one that is too old are older.
        let fits = |sent: &&(u64, B)| {
            let rest = aged(sent).and_then(|(_, len)| left.checked_sub(4 + len));
            left = rest.unwrap_or(left);
            rest.is_some()
        };
        let some = self.sent.iter().rev().take_while(fits).count();
        let some = self.sent.iter().skip(self.sent.len() - some);
        let earlier = some.map(|sent| (aged(sent).map_or(0, |(age, _)| age), sent.1.as_ref()));
        encode(earlier, packet)
    }

    /// Remembers a packet that was sent.
    pub fn push(&mut self, at: u64, packet: B) {
        if self.sent.back().is_some_and(|(last, _)| *last >= at) || !(1..=MAX_PACKET).contains(&packet.as_ref().len()) {
            // Time has run backwards, or there is nothing to repeat: what came before is no longer of use.
            self.sent.clear();
            return;
        }
        if self.sent.len() == REPEATED {
            self.sent.pop_front();
        }
        self.sent.push_back((at, packet));
    }
}

/// One packet of a viewer's microphone, a datagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Microphone {
    /// Counts packets, from 1; wraps.
    pub seq: u32,
    /// When the packet's first sample was recorded, in µs of the server's clock as the viewer knows it.
    pub time: u64,
    /// Opus, one channel; 1 to [`MAX_MICROPHONE`] bytes.
    pub packet: Vec<u8>,
}

impl Microphone {
    /// The datagram's first byte.
    pub const KIND: u8 = 0x04;

    /// Reads one datagram.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut r = Reader::of_kind(bytes, Self::KIND)?;
        let (seq, time, len) = (r.u32()?, r.u64()?, usize::from(r.u16()?));
        let packet = r.bytes(check("packet", len, MAX_MICROPHONE)?)?.to_vec();
        r.end()?;
        Ok(Self { seq, time, packet })
    }

    /// The datagram's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![Self::KIND];
        put!(out, self.seq, self.time, self.packet.len() as u16);
        out.extend_from_slice(&self.packet);
        out
    }
}

/// A packet has at least its first byte.
fn check(what: &'static str, len: usize, cap: usize) -> Result<usize, Error> {
    match len {
        0 => Err(Error::Truncated),
        len if len > cap => Err(too_long(what, len, cap)),
        len => Ok(len),
    }
}

fn too_long(what: &'static str, len: usize, cap: usize) -> Error {
    Error::TooLong { what, len, cap }
}
