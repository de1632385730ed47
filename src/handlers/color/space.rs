//! What `render::color` has to know of a description. Pure.

use super::description::{Chromaticities, Color, Content, Description, PRIMARIES, Transfer};
use crate::render::color::{Curve, Space};
use smithay::reexports::wayland_protocols::wp::color_management::v1::server::wp_color_manager_v1::TransferFunction;

/// The luminance of white that Windows' scRGB is made for (ITU-R BT.2408), and that of its 1, both in cd/m².
const SCRGB_WHITE: f64 = 203.0;
const SCRGB_ONE: f64 = 80.0;
/// Content of which nothing better is known is not taken to be brighter than this (cd/m²): few displays are that it was made on.
const USUAL_PEAK: f64 = 1_000.0;

impl Description {
    /// What pixels are converted from; `None`: they are sRGB.
    pub fn space(&self) -> Option<Space> {
        let [(_, srgb), ..] = PRIMARIES;
        let Content::Parameters(p) = &self.content else {
            return Some(Space {
                curve: Curve::Linear,
                primaries: points(srgb),
                full: SCRGB_ONE,
                white: SCRGB_WHITE,
                peak: SCRGB_ONE,
            });
        };
        if self.color() == Color::Srgb && p.luminance.1 <= p.white {
            return None;
        }
        let curve = match p.transfer {
            Transfer::Power(exponent) => Curve::Power(f64::from(exponent) / 10_000.0),
            Transfer::Named(TransferFunction::Bt1886) => Curve::Power(2.4),
            Transfer::Named(TransferFunction::ExtLinear) => Curve::Linear,
            Transfer::Named(TransferFunction::St2084Pq) => Curve::Pq,
            Transfer::Named(TransferFunction::Hlg) => Curve::Hlg,
            Transfer::Named(_) => Curve::Power(2.2),
        };
        let full = match curve {
            Curve::Pq => 10_000.0,
            _ => f64::from(p.luminance.1),
        };
        let white = f64::from(p.white.max(1));
        let said = p.max_cll.filter(|cll| *cll > 0).map(f64::from);
        let target = f64::from(p.target_luminance.1);
        let peak = said.map_or(target, |cll| cll.min(target));
        let peak = if peak >= 10_000.0 { USUAL_PEAK } else { peak };
        Some(Space {
            curve,
            primaries: points(p.primaries),
            full,
            white,
            peak: peak.min(full),
        })
    }
}

fn points(of: Chromaticities) -> [(f64, f64); 4] {
    let part = |i: usize| f64::from(of[i]) / 1e6;
    std::array::from_fn(|i| (part(2 * i), part(2 * i + 1)))
}
