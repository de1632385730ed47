//! The encoders we can use, and how each of their elements is set up for play rather than for film.

use super::element::Setup;
use crate::config::Encoder as Choice;
use crate::link::{Rate, Refresh};
use anyhow::{Context, Result};
use gst::prelude::*;
use gstreamer as gst;

/// An encoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// GStreamer's x264enc.
    X264,
    /// GStreamer's openh264enc.
    OpenH264,
}

/// x264's presets that are fast enough for play.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Preset {
    /// The least work.
    #[default]
    Ultrafast,
    /// A quarter more work for 0.7 dB more at as many bits (a moving texture at 720p, CRF 23).
    Superfast,
    /// Half as much work again as the least, for a twentieth fewer bits still.
    Veryfast,
}

impl Preset {
    fn name(self) -> &'static str {
        match self {
            Self::Ultrafast => "ultrafast",
            Self::Superfast => "superfast",
            Self::Veryfast => "veryfast",
        }
    }

    /// x264's own options on top of the preset.
    fn options(self) -> &'static str {
        match self {
            // Looking for blocks that are nearly empty, to drop them, costs a tenth of the whole encoder (720p: 4.4 to
            // 3.9 ms of processor time a frame) and saves a twentieth of the bits, at 0.1 dB less.
            Self::Ultrafast => "scenecut=0:no-dct-decimate=1",
            Self::Superfast | Self::Veryfast => "scenecut=0",
        }
    }
}

/// How many frames' worth of bits one frame may take at a constant rate: the decoder never waits longer than this for
/// a frame on a link of just that rate.
const CONSTANT_VBV_FRAMES: u64 = 3;
/// The same where quality leads and the rate is only a bound: room for a key frame.
const QUALITY_VBV_FRAMES: u64 = 6;

impl Kind {
    /// In the order of preference.
    pub const ALL: [Self; 2] = [Self::X264, Self::OpenH264];

    /// Those that a choice allows, best first.
    pub fn candidates(choice: Choice) -> &'static [Self] {
        match choice {
            Choice::Auto => &Self::ALL,
            Choice::X264 => &[Self::X264],
            Choice::OpenH264 => &[Self::OpenH264],
        }
    }

    /// The GStreamer element's name.
    pub fn element(self) -> &'static str {
        match self {
            Self::X264 => "x264enc",
            Self::OpenH264 => "openh264enc",
        }
    }

    /// The Debian package that has it.
    pub fn package(self) -> &'static str {
        match self {
            Self::X264 => "gstreamer1.0-plugins-ugly",
            Self::OpenH264 => "gstreamer1.0-plugins-bad",
        }
    }

    /// The raw format it takes with the least work.
    pub(super) fn raw_format(self) -> gstreamer_video::VideoFormat {
        match self {
            Self::X264 => gstreamer_video::VideoFormat::Nv12,
            Self::OpenH264 => gstreamer_video::VideoFormat::I420,
        }
    }

    /// The smallest side it can code, in pixels.
    pub(super) fn min_side(self) -> u32 {
        match self {
            Self::X264 => 2,
            Self::OpenH264 => 16,
        }
    }

    /// It writes into the bitstream what its input caps say of colours.
    pub(super) fn describes_colours(self) -> bool {
        match self {
            Self::X264 => true,
            Self::OpenH264 => false,
        }
    }

    /// Makes the element.
    pub(super) fn make(self, setup: &Setup, rate: Rate) -> Result<gst::Element> {
        let factory = gst::ElementFactory::make(self.element());
        let element = match self {
            Self::X264 => x264(factory, setup),
            Self::OpenH264 => openh264(factory, setup),
        }
        .with_context(|| format!("error making the element {}", self.element()))?;
        self.apply_rate(&element, setup, rate);
        Ok(element)
    }

    /// Sets what may change while the element runs. The constant rate factor may not: it is part of the set-up.
    pub(super) fn apply_rate(self, element: &gst::Element, setup: &Setup, rate: Rate) {
        let kbps = max_kbps(rate);
        match self {
            Self::X264 => {
                element.set_property("bitrate", kbps.clamp(1, 2_048_000));
                element.set_property("vbv-buf-capacity", vbv_ms(rate, setup.refresh));
            }
            Self::OpenH264 => {
                let bits = kbps.saturating_mul(1000);
                element.set_property("bitrate", bits);
                element.set_property("max-bitrate", bits);
            }
        }
    }
}

/// The bound of a rate in kilobits a second.
pub fn max_kbps(rate: Rate) -> u32 {
    match rate {
        Rate::Quality { max_kbps, .. } => max_kbps,
        Rate::Constant { kbps } => kbps,
    }
}

/// The size of the VBV in milliseconds at the bound.
fn vbv_ms(rate: Rate, refresh: Refresh) -> u32 {
    let frames = match rate {
        Rate::Quality { .. } => QUALITY_VBV_FRAMES,
        Rate::Constant { .. } => CONSTANT_VBV_FRAMES,
    };
    (frames * 1_000_000)
        .div_ceil(u64::from(refresh.0.max(1)))
        .clamp(1, 10_000) as u32
}

fn x264(factory: gst::element_factory::ElementBuilder<'_>, setup: &Setup) -> Result<gst::Element> {
    let factory = match setup.crf {
        Some(crf) => factory
            .property_from_str("pass", "qual")
            .property("quantizer", u32::from(crf.min(50))),
        None => factory.property_from_str("pass", "cbr"),
    };
    Ok(factory
        .property_from_str("speed-preset", setup.preset.name())
        // No look-ahead, no B frames, slice threads: a frame comes out in the call that put it in.
        .property_from_str("tune", "zerolatency")
        .property("threads", setup.threads)
        .property("sliced-threads", true)
        .property("byte-stream", true)
        .property("aud", false)
        // Key frames only when we ask for one.
        .property("key-int-max", i32::MAX as u32)
        .property("option-string", setup.preset.options())
        .build()?)
}

fn openh264(factory: gst::element_factory::ElementBuilder<'_>, setup: &Setup) -> Result<gst::Element> {
    // It has no constant rate factor: a floor for the quantiser under a bounded rate comes closest.
    let floor = setup.crf.map_or(0, |crf| u32::from(crf.min(51)));
    Ok(factory
        .property_from_str("complexity", "low")
        .property_from_str("rate-control", "bitrate")
        .property("qp-min", floor)
        .property("gop-size", 0u32)
        .property("multi-thread", setup.threads)
        .property_from_str("slice-mode", "n-slices")
        .property("num-slices", setup.threads)
        .property("enable-frame-skip", false)
        .property("scene-change-detection", false)
        .property("background-detection", false)
        .property("adaptive-quantization", false)
        .build()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vbv_is_a_few_frames() {
        let constant = Rate::Constant { kbps: 8000 };
        let quality = Rate::Quality {
            crf: 23,
            max_kbps: 8000,
        };
        assert_eq!(vbv_ms(constant, Refresh(60_000)), 50);
        assert_eq!(vbv_ms(quality, Refresh(60_000)), 100);
        assert_eq!(vbv_ms(constant, Refresh(240_000)), 13);
        assert_eq!(vbv_ms(constant, Refresh(1)), 10_000);
        assert_eq!(vbv_ms(constant, Refresh(0)), 10_000);
    }
}
