//! The virtual monitor's EDID: bytes in, bytes out; no file and no clock.
//!
//! [`build`] makes one of a [`Spec`]: an EDID 1.4 base block, a CTA-861 extension, and a DisplayID 2.0 extension where the
//! mode does not fit EDID's own detailed timing (beyond 655.35 MHz or 4095 pixels). [`read`] takes one apart that somebody
//! else made, and refuses what is damaged.
//!
//! | file | what it does |
//! |---|---|
//! | `timing` | CVT with reduced blanking |
//! | `modes` | which other modes are listed |
//! | `base` | the base block and its descriptors |
//! | `cta` | the CTA-861 extension: modes, HDR, colorimetry |
//! | `displayid` | the DisplayID 2.0 extension |
//! | `read` | the way back |

mod base;
mod cta;
mod displayid;
mod modes;
mod read;
mod spec;
mod timing;

pub use read::{Flaw, Read, read};
pub use spec::{Chromaticity, Hdr, Name, Spec, Vendor};
pub use timing::{Axis, Timing};

use modes::Plan;

/// Bytes of a block.
pub const BLOCK: usize = 128;

/// The EDID of this monitor: two blocks, or three.
pub fn build(spec: &Spec) -> Vec<u8> {
    let plan = Plan::new(spec);
    let mut bytes = Vec::with_capacity(3 * BLOCK);
    bytes.extend(base::block(spec, &plan));
    bytes.extend(cta::block(spec, &plan));
    if let Some(native) = &plan.beyond {
        bytes.extend(displayid::block(spec, native));
    }
    bytes
}

/// Sets the last byte so that the sum of all is 0 modulo 256.
fn seal<const N: usize>(mut block: [u8; N]) -> [u8; N] {
    block[N - 1] = 0;
    block[N - 1] = sum(&block).wrapping_neg();
    block
}

fn sum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum.wrapping_add(*byte))
}

#[cfg(test)]
mod tests;
