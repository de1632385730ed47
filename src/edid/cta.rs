//! The CTA-861 extension: modes that televisions know, detailed timings, colorimetry and HDR.

use super::base::detailed;
use super::modes::{Code, Plan};
use super::spec::{Hdr, Spec};
use super::{BLOCK, seal};

/// The data blocks' tags: the short one stands in the upper three bits of the first byte, over the length.
const VIDEO: u8 = 2;
pub const EXTENDED: u8 = 7;
const CAPABILITY: u8 = 0;
const COLORIMETRY: u8 = 5;
pub const STATIC_METADATA: u8 = 6;

/// The extension's tag.
pub const CTA: u8 = 2;

pub fn block(spec: &Spec, plan: &Plan) -> [u8; BLOCK] {
    let mut b = [0; BLOCK];
    // Tag and revision.
    b[..2].copy_from_slice(&[CTA, 0x03]);
    // No audio, RGB only, underscanned; one native timing, unless it is in the next block.
    b[3] = 0x80 | u8::from(plan.beyond.is_none());
    let mut at = 4;
    for data in data_blocks(spec, plan) {
        b[at..at + data.len()].copy_from_slice(&data);
        at += data.len();
    }
    b[2] = at as u8;
    for timing in &plan.detailed {
        if at + 18 < BLOCK {
            b[at..at + 18].copy_from_slice(&detailed(timing, spec.millimetres));
            at += 18;
        }
    }
    seal(b)
}

fn data_blocks(spec: &Spec, plan: &Plan) -> Vec<Vec<u8>> {
    let vics = plan.known.iter().filter_map(|k| match k.code {
        Code::Vic(vic) => Some(vic),
        _ => None,
    });
    let vics: Vec<u8> = vics.collect();
    let mut blocks = Vec::new();
    if !vics.is_empty() {
        blocks.push(data_block(VIDEO, &vics));
    }
    // The quantisation range of RGB can be chosen; all modes are underscanned.
    blocks.push(data_block(EXTENDED, &[CAPABILITY, 0x4a]));
    if let Some(hdr) = &spec.hdr {
        // BT.2020 RGB.
        blocks.push(data_block(EXTENDED, &[COLORIMETRY, 0x80, 0x00]));
        blocks.push(data_block(EXTENDED, &static_metadata(hdr)));
    }
    blocks
}

fn data_block(tag: u8, payload: &[u8]) -> Vec<u8> {
    let mut block = vec![tag << 5 | payload.len() as u8];
    block.extend(payload);
    block
}

/// CTA-861.3: traditional gamma for SDR, and SMPTE ST 2084; metadata of type 1.
fn static_metadata(hdr: &Hdr) -> [u8; 6] {
    [
        STATIC_METADATA,
        0x05,
        0x01,
        luminance(hdr.max_nits),
        luminance(hdr.max_average_nits),
        darkness(hdr.min_nits, luminance(hdr.max_nits)),
    ]
}

/// 50 · 2^(code / 32) nits.
fn luminance(nits: f64) -> u8 {
    (32.0 * (nits / 50.0).log2()).round().clamp(1.0, 255.0) as u8
}

/// maximum · (code / 255)² / 100 nits.
fn darkness(nits: f64, max: u8) -> u8 {
    let max = 50.0 * (f64::from(max) / 32.0).exp2();
    ((nits * 100.0 / max).sqrt() * 255.0).round().clamp(0.0, 255.0) as u8
}
