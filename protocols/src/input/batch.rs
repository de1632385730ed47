//! The layout of an input datagram and of its acknowledgement.

use super::keys::{Keys, is_button, is_code};
use crate::Error;
use crate::wire::{Reader, put};

/// The most edges one batch repeats.
pub const MAX_EDGES: usize = 16;

/// In an edge's code: it is a press.
const PRESSED: u16 = 1 << 15;

/// A sum of motion since the epoch began: wraps, so only differences mean something. In 1/256 of the unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Vector {
    /// To the right.
    pub x: i32,
    /// Downwards.
    pub y: i32,
}

impl Vector {
    /// What was added since `earlier`, in whole units.
    pub fn since(self, earlier: Self) -> (f64, f64) {
        let part = |a: i32, b: i32| f64::from(a.wrapping_sub(b)) / 256.0;
        (part(self.x, earlier.x), part(self.y, earlier.y))
    }
}

/// The newest absolute place; the higher `seq` (it wraps) wins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Absolute {
    /// Counts the places of an epoch, from 1; 0: there was none yet.
    pub seq: u32,
    /// From the left, in 65535ths of the output's width.
    pub x: u16,
    /// From the top, in 65535ths of the output's height.
    pub y: u16,
}

/// Where the pointer was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The sum of relative motion, in 1/256 pixels.
    pub motion: Vector,
    /// The last absolute place.
    pub absolute: Absolute,
}

/// A key or button went down or up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// evdev code, one that [`is_code`] accepts.
    pub code: u16,
    /// Down or up.
    pub pressed: bool,
    /// How long before the batch was sent, in µs.
    pub age: u32,
    /// Where the pointer was then; for buttons only, so that a click that comes late still hits.
    pub place: Option<Place>,
}

/// One input datagram.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Changes by one when the client forgets all it held and counts motion from zero again; wraps.
    pub epoch: u32,
    /// Counts the batches of an epoch, from 1; wraps.
    pub seq: u32,
    /// The client's clock at sending, in µs.
    pub time: u64,
    /// [`Ack::batch`] of the newest acknowledgement of this epoch; 0: none yet.
    pub last_ack: u32,
    /// How long ago that arrived, in µs.
    pub ack_age: u32,
    /// The newest frame shown when the input was made; 0: none.
    pub frame: u64,
    /// Where the pointer is.
    pub place: Place,
    /// The sum of scrolling, in 1/256 of a 120th of a detent.
    pub scroll: Vector,
    /// All that is down.
    pub held: Keys,
    /// Number of the newest edge, the last of `edges` if there are any; counts from 1 in an epoch; wraps.
    pub edge_seq: u32,
    /// The newest edges not known to be applied, in order, at most [`MAX_EDGES`], numbered without a gap.
    pub edges: Vec<Edge>,
}

impl Batch {
    /// The first byte.
    pub const KIND: u8 = 0x01;

    /// Reads a datagram, kind byte included.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut r = Reader::of_kind(bytes, Self::KIND)?;
        let mut batch = Self {
            epoch: r.u32()?,
            seq: r.u32()?,
            time: r.u64()?,
            last_ack: r.u32()?,
            ack_age: r.u32()?,
            frame: r.u64()?,
            place: read_place(&mut r)?,
            scroll: Vector {
                x: r.i32()?,
                y: r.i32()?,
            },
            held: Keys {
                keys: r.array()?,
                buttons: r.u16()?,
            },
            edge_seq: r.u32()?,
            edges: Vec::new(),
        };
        let count = r.u8()? as usize;
        if count > MAX_EDGES {
            return Err(Error::TooLong {
                what: "edges",
                len: count,
                cap: MAX_EDGES,
            });
        }
        batch.edges = (0..count).map(|_| read_edge(&mut r)).collect::<Result<_, _>>()?;
        r.end()?;
        Ok(batch)
    }

    /// The datagram's bytes. Of more than [`MAX_EDGES`] edges the newest go.
    pub fn encode(&self) -> Vec<u8> {
        let edges = &self.edges[self.edges.len().saturating_sub(MAX_EDGES)..];
        let mut out = Vec::with_capacity(96 + edges.len() * 22);
        put!(
            out,
            Self::KIND,
            self.epoch,
            self.seq,
            self.time,
            self.last_ack,
            self.ack_age,
            self.frame
        );
        put_place(&mut out, &self.place);
        put!(out, self.scroll.x, self.scroll.y);
        out.extend_from_slice(&self.held.keys);
        put!(out, self.held.buttons, self.edge_seq, edges.len() as u8);
        for edge in edges {
            put!(out, edge.code | if edge.pressed { PRESSED } else { 0 }, edge.age);
            if is_button(edge.code) {
                put_place(&mut out, &edge.place.unwrap_or(self.place));
            }
        }
        out
    }
}

fn read_place(r: &mut Reader<'_>) -> Result<Place, Error> {
    let motion = Vector {
        x: r.i32()?,
        y: r.i32()?,
    };
    Ok(Place {
        motion,
        absolute: Absolute {
            seq: r.u32()?,
            x: r.u16()?,
            y: r.u16()?,
        },
    })
}

fn put_place(out: &mut Vec<u8>, place: &Place) {
    put!(
        out,
        place.motion.x,
        place.motion.y,
        place.absolute.seq,
        place.absolute.x,
        place.absolute.y
    );
}

fn read_edge(r: &mut Reader<'_>) -> Result<Edge, Error> {
    let word = r.u16()?;
    let (code, pressed) = (word & !PRESSED, word & PRESSED != 0);
    if !is_code(code) {
        return Err(Error::Value {
            what: "code",
            value: code.into(),
        });
    }
    let age = r.u32()?;
    let place = if is_button(code) { Some(read_place(r)?) } else { None };
    Ok(Edge {
        code,
        pressed,
        age,
        place,
    })
}

/// What the server has applied; answers each batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ack {
    /// The epoch.
    pub epoch: u32,
    /// The newest batch received: its state is applied.
    pub batch: u32,
    /// All edges up to this one are settled: applied, dropped as stale, or made up for by the state.
    pub edge: u32,
}

impl Ack {
    /// The first byte.
    pub const KIND: u8 = 0x81;

    /// Reads a datagram, kind byte included.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut r = Reader::of_kind(bytes, Self::KIND)?;
        let ack = Self {
            epoch: r.u32()?,
            batch: r.u32()?,
            edge: r.u32()?,
        };
        r.end()?;
        Ok(ack)
    }

    /// The datagram's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(13);
        put!(out, Self::KIND, self.epoch, self.batch, self.edge);
        out
    }
}
