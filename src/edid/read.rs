//! Reads an EDID of any make: what is damaged is refused, and what is known to nobody is passed on as it is.

use super::base::{DESCRIPTORS, HEADER, NAME};
use super::cta::{CTA, EXTENDED, STATIC_METADATA};
use super::spec::Vendor;
use super::{BLOCK, sum};
use crate::link::{Refresh, Size};

/// Why bytes are no EDID.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Flaw {
    /// Not one to 256 blocks.
    #[error("an EDID has a multiple of 128 bytes, at most 32768, and this has {0}")]
    Length(usize),
    /// It does not begin as EDIDs do.
    #[error("it does not begin with an EDID's eight bytes (00 FF FF FF FF FF FF 00)")]
    Header,
    /// Something newer or older.
    #[error("it is of version {0}.{1}, and 1.x is wanted")]
    Version(u8, u8),
    /// Blocks are missing, or too many.
    #[error("it says that {said} extensions follow, and {there} do")]
    Extensions {
        /// By its own count.
        said: u8,
        /// By its length.
        there: usize,
    },
    /// Damaged.
    #[error("the checksum of block {0} is wrong")]
    Checksum(usize),
    /// The vendor's letters are none.
    #[error("its vendor is not three letters")]
    Vendor,
}

/// What is told to clients of a monitor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// Who made it.
    pub vendor: Vendor,
    /// Its name, or the product's number where it has none.
    pub name: String,
    /// Its size in millimetres; `None`: it does not say.
    pub millimetres: Option<(u32, u32)>,
    /// The size and rate of its first detailed timing, by which it is best seen.
    pub mode: Option<(Size, Refresh)>,
    /// It can show SMPTE ST 2084 (CTA-861.3's static metadata).
    pub hdr: bool,
}

/// Takes an EDID apart.
pub fn read(bytes: &[u8]) -> Result<Read, Flaw> {
    if bytes.is_empty() || !bytes.len().is_multiple_of(BLOCK) || bytes.len() > 256 * BLOCK {
        return Err(Flaw::Length(bytes.len()));
    }
    if bytes[..8] != HEADER {
        return Err(Flaw::Header);
    }
    if let Some(damaged) = bytes.chunks_exact(BLOCK).position(|block| sum(block) != 0) {
        return Err(Flaw::Checksum(damaged));
    }
    if bytes[18] != 1 {
        return Err(Flaw::Version(bytes[18], bytes[19]));
    }
    let there = bytes.len() / BLOCK - 1;
    if usize::from(bytes[126]) != there {
        return Err(Flaw::Extensions {
            said: bytes[126],
            there,
        });
    }
    Ok(Read {
        vendor: vendor([bytes[8], bytes[9]])?,
        name: name(bytes).unwrap_or_else(|| format!("0x{:04x}", u16::from_le_bytes([bytes[10], bytes[11]]))),
        millimetres: millimetres(bytes),
        mode: mode(bytes),
        hdr: bytes.chunks_exact(BLOCK).skip(1).any(has_pq),
    })
}

fn vendor(packed: [u8; 2]) -> Result<Vendor, Flaw> {
    let packed = u16::from_be_bytes(packed);
    let letters = [10, 5, 0].map(|shift| b'@' + (packed >> shift & 31) as u8);
    if letters.iter().all(u8::is_ascii_uppercase) {
        Ok(Vendor(letters))
    } else {
        Err(Flaw::Vendor)
    }
}

fn descriptors(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes[DESCRIPTORS..126].chunks_exact(18)
}

fn name(bytes: &[u8]) -> Option<String> {
    let found = descriptors(bytes).find(|d| d[..3] == [0, 0, 0] && d[3] == NAME)?;
    let text: String = found[5..]
        .iter()
        .take_while(|b| **b != b'\n')
        .map(|b| if (b' '..=b'~').contains(b) { char::from(*b) } else { '?' })
        .collect();
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn mode(bytes: &[u8]) -> Option<(Size, Refresh)> {
    let d = descriptors(bytes).next().filter(|d| d[..2] != [0, 0])?;
    // Eight low bits each, and the four high ones of two in one byte.
    let pair = |at: usize| {
        let high = u32::from(d[at + 2]);
        (
            u32::from(d[at]) | (high >> 4) << 8,
            u32::from(d[at + 1]) | (high & 15) << 8,
        )
    };
    let ((w, blank), (h, down)) = (pair(2), pair(5));
    let dots = u64::from(w + blank) * u64::from(h + down);
    let clock = u64::from(u16::from_le_bytes([d[0], d[1]])) * 10_000;
    let rate = (clock * 1000).checked_div(dots)?;
    Some((Size { w, h }, Refresh(u32::try_from(rate).ok()?)))
}

/// Whether a block is CTA-861's, and one of its data blocks is HDR's with the bit of SMPTE ST 2084.
fn has_pq(block: &[u8]) -> bool {
    if block[0] != CTA {
        return false;
    }
    let mut data = block.get(4..usize::from(block[2]).min(BLOCK - 1)).unwrap_or_default();
    while let [head, rest @ ..] = data {
        let (payload, next) = rest.split_at(usize::from(head & 31).min(rest.len()));
        if matches!(payload, [STATIC_METADATA, curves, ..] if head >> 5 == EXTENDED && curves & 4 != 0) {
            return true;
        }
        data = next;
    }
    false
}

fn millimetres(bytes: &[u8]) -> Option<(u32, u32)> {
    let timing = descriptors(bytes).find(|d| d[..2] != [0, 0]);
    let exact = timing.map(|d| {
        let high = u32::from(d[14]);
        (u32::from(d[12]) | (high >> 4) << 8, u32::from(d[13]) | (high & 15) << 8)
    });
    // Where one of the two is zero, it is a ratio and no size.
    let rough = (u32::from(bytes[21]) * 10, u32::from(bytes[22]) * 10);
    exact.into_iter().chain([rough]).find(|(w, h)| *w > 0 && *h > 0)
}
