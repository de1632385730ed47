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

#[cfg(test)]
mod tests {
    use super::super::description::Draft;
    use super::*;
    use smithay::reexports::wayland_protocols::wp::color_management::v1::server::wp_color_manager_v1::Primaries;

    fn described(primaries: Primaries, transfer: TransferFunction) -> Description {
        let mut draft = Draft::default();
        draft.named(Some(primaries)).unwrap();
        draft.transfer(Some(transfer), 1).unwrap();
        draft.finish(1).unwrap()
    }

    /// The curve, red's x, and full, white and peak in cd/m².
    fn told(space: Space) -> (Curve, f64, [f64; 3]) {
        (space.curve, space.primaries[0].0, [space.full, space.white, space.peak])
    }

    #[test]
    fn each_description_has_its_space() {
        use TransferFunction::{Bt1886, ExtLinear, Gamma22, Hlg, Srgb, St2084Pq};
        let of = |primaries, transfer| described(primaries, transfer).space();
        assert_eq!(of(Primaries::Srgb, Gamma22), None);
        assert_eq!(of(Primaries::Srgb, Srgb), None);
        for (primaries, transfer, wanted) in [
            (Primaries::Srgb, ExtLinear, (Curve::Linear, 0.64, [80.0; 3])),
            (Primaries::Srgb, Bt1886, (Curve::Power(2.4), 0.64, [100.0; 3])),
            (Primaries::DisplayP3, Gamma22, (Curve::Power(2.2), 0.68, [80.0; 3])),
            (Primaries::DciP3, Gamma22, (Curve::Power(2.2), 0.68, [80.0; 3])),
            (Primaries::Bt2020, Hlg, (Curve::Hlg, 0.708, [1_000.0, 203.0, 1_000.0])),
            (
                Primaries::Bt2020,
                St2084Pq,
                (Curve::Pq, 0.708, [10_000.0, 203.0, 1_000.0]),
            ),
        ] {
            assert_eq!(
                of(primaries, transfer).map(told),
                Some(wanted),
                "{primaries:?} {transfer:?}"
            );
        }
        let scrgb = Description::windows_scrgb().space();
        assert_eq!(scrgb.map(told), Some((Curve::Linear, 0.64, [80.0, 203.0, 80.0])));
    }

    #[test]
    fn what_is_said_of_the_content_is_its_peak() {
        let peak = |cll: u32, mastering: u32| {
            let mut draft = Draft::default();
            draft.named(Some(Primaries::Bt2020)).unwrap();
            draft.transfer(Some(TransferFunction::St2084Pq), 1).unwrap();
            draft.target_luminance((50, mastering)).unwrap();
            draft.max_cll(cll);
            draft.finish(2).unwrap().space().map(|space| space.peak)
        };
        assert_eq!(peak(600, 4_000), Some(600.0));
        assert_eq!(peak(5_000, 4_000), Some(4_000.0));
        assert_eq!(peak(0, 10_000), Some(USUAL_PEAK));
    }
}
