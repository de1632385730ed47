//! The cursor as metadata: the payloads of the MoQ track `cursor`. Owns their layout and the [`State`] that a
//! late viewer is given.

use crate::Error;
use crate::wire::{Reader, put};

/// The widest and highest image, in pixels.
pub const MAX_SIDE: u16 = 512;
/// The most updates one payload may hold.
pub const MAX_UPDATES: usize = 8;

/// A change of the cursor.
#[derive(Clone, Debug, PartialEq)]
pub enum Update {
    /// A new image; also shows the cursor.
    Image {
        /// Width in pixels, 1 to [`MAX_SIDE`].
        width: u16,
        /// Height in pixels, 1 to [`MAX_SIDE`].
        height: u16,
        /// Hotspot from the left, in pixels.
        hot_x: u16,
        /// Hotspot from the top, in pixels.
        hot_y: u16,
        /// `width * height` pixels, R G B A in memory, not premultiplied.
        rgba: Vec<u8>,
    },
    /// A new place of the hotspot, in output pixels.
    Position {
        /// From the left.
        x: i32,
        /// From the top.
        y: i32,
    },
    /// The game hides its cursor.
    Hidden,
    /// The last image is shown again.
    Visible,
}

impl Update {
    /// Whether [`encode`] can carry it: an image's sides are within [`MAX_SIDE`] and its pixels complete.
    pub fn is_valid(&self) -> bool {
        match self {
            Self::Image {
                width, height, rgba, ..
            } => {
                (1..=MAX_SIDE).contains(width)
                    && (1..=MAX_SIDE).contains(height)
                    && rgba.len() == usize::from(*width) * usize::from(*height) * 4
            }
            Self::Position { .. } | Self::Hidden | Self::Visible => true,
        }
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, Error> {
        match r.u8()? {
            0x01 => {
                let side = |v: u16| match v {
                    1..=MAX_SIDE => Ok(v),
                    _ => Err(Error::TooLong {
                        what: "cursor side",
                        len: v.into(),
                        cap: MAX_SIDE.into(),
                    }),
                };
                let (width, height) = (side(r.u16()?)?, side(r.u16()?)?);
                let (hot_x, hot_y) = (r.u16()?, r.u16()?);
                let rgba = r.bytes(usize::from(width) * usize::from(height) * 4)?.to_vec();
                Ok(Self::Image {
                    width,
                    height,
                    hot_x,
                    hot_y,
                    rgba,
                })
            }
            0x02 => Ok(Self::Position {
                x: r.i32()?,
                y: r.i32()?,
            }),
            0x03 => Ok(Self::Hidden),
            0x04 => Ok(Self::Visible),
            kind => Err(Error::Kind(kind)),
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Image {
                width,
                height,
                hot_x,
                hot_y,
                rgba,
            } => {
                put!(out, 0x01u8, width, height, hot_x, hot_y);
                out.extend_from_slice(rgba);
            }
            Self::Position { x, y } => put!(out, 0x02u8, x, y),
            Self::Hidden => out.push(0x03),
            Self::Visible => out.push(0x04),
        }
    }
}

/// Reads one payload: one to [`MAX_UPDATES`] updates, back to back.
pub fn decode(bytes: &[u8]) -> Result<Vec<Update>, Error> {
    let mut r = Reader::new(bytes);
    let mut updates = vec![Update::read(&mut r)?];
    while !r.is_empty() {
        if updates.len() == MAX_UPDATES {
            return Err(Error::TooLong {
                what: "cursor updates",
                len: MAX_UPDATES + 1,
                cap: MAX_UPDATES,
            });
        }
        updates.push(Update::read(&mut r)?);
    }
    Ok(updates)
}

/// One payload of `updates`, at most [`MAX_UPDATES`]; those that aren't [valid](Update::is_valid) are left out.
pub fn encode(updates: &[Update]) -> Vec<u8> {
    let mut out = Vec::new();
    for update in updates.iter().filter(|u| u.is_valid()).take(MAX_UPDATES) {
        update.write(&mut out);
    }
    out
}

/// All that is known of the cursor; a group's first payload is its [`snapshot`](State::snapshot).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// The last [`Update::Image`].
    image: Option<Update>,
    position: (i32, i32),
    hidden: bool,
}

impl State {
    /// Takes a change in. An update that isn't [valid](Update::is_valid) changes nothing.
    pub fn apply(&mut self, update: &Update) {
        match update {
            Update::Image { .. } if update.is_valid() => {
                self.image = Some(update.clone());
                self.hidden = false;
            }
            Update::Image { .. } => (),
            Update::Position { x, y } => self.position = (*x, *y),
            Update::Hidden => self.hidden = true,
            Update::Visible => self.hidden = false,
        }
    }

    /// The payload that takes a viewer from nothing to here: image (if there is one), position, visibility.
    pub fn snapshot(&self) -> Vec<u8> {
        let (x, y) = self.position;
        let shown = if self.hidden { Update::Hidden } else { Update::Visible };
        let updates: Vec<_> = self
            .image
            .iter()
            .cloned()
            .chain([Update::Position { x, y }, shown])
            .collect();
        encode(&updates)
    }
}
