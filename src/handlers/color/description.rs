//! Image descriptions, and the checks of those that clients put together. Pure.

use crate::edid::Hdr;
use smithay::reexports::wayland_protocols::wp::color_management::v1::server::{
    wp_color_manager_v1::{Primaries as Named, TransferFunction},
    wp_image_description_creator_params_v1::Error,
};
use std::sync::atomic::{AtomicU64, Ordering};

/// A colour space that viewers know by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Color {
    /// Nothing was said; that is sRGB as a rule.
    #[default]
    Unknown,
    /// sRGB's primaries, and a curve of about 2.2.
    Srgb,
    /// BT.2020's primaries and SMPTE ST 2084, as for HDR10.
    Bt2020Pq,
    /// Windows' scRGB: sRGB's primaries, linear, beyond 0 and 1.
    Scrgb,
    /// Something else.
    Other,
}

/// x and y of red, green, blue and white, in millionths.
pub type Chromaticities = [i32; 8];

/// How values become light.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transfer {
    /// One that has a name.
    Named(TransferFunction),
    /// A power with this exponent, in ten thousandths.
    Power(u32),
}

/// Least (ten thousandths of cd/m²) and most (cd/m²).
pub type Range = (u32, u32);

/// A description by parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameters {
    pub(super) primaries: Chromaticities,
    pub(super) named: Option<Named>,
    pub(super) transfer: Transfer,
    pub(super) luminance: Range,
    /// In cd/m².
    pub(super) white: u32,
    pub(super) target: Chromaticities,
    pub(super) target_luminance: Range,
    pub(super) max_cll: Option<u32>,
    pub(super) max_fall: Option<u32>,
}

/// What pixels mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    Parameters(Parameters),
    WindowsScrgb,
}

/// A description of which clients hear by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Description {
    /// Never used again.
    pub(super) identity: u64,
    pub(super) content: Content,
}

/// The output's.
const OUTPUT: u64 = 1;
const SCRGB: u64 = 2;
const OUTPUT_HDR: u64 = 3;
static LAST: AtomicU64 = AtomicU64::new(OUTPUT_HDR);

/// The named primaries that are offered.
pub const PRIMARIES: [(Named, Chromaticities); 4] = [
    (
        Named::Srgb,
        [640_000, 330_000, 300_000, 600_000, 150_000, 60_000, 312_700, 329_000],
    ),
    (
        Named::Bt2020,
        [708_000, 292_000, 170_000, 797_000, 131_000, 46_000, 312_700, 329_000],
    ),
    (
        Named::DisplayP3,
        [680_000, 320_000, 265_000, 690_000, 150_000, 60_000, 312_700, 329_000],
    ),
    (
        Named::DciP3,
        [680_000, 320_000, 265_000, 690_000, 150_000, 60_000, 314_000, 351_000],
    ),
];

/// The named curves that are offered, with the first and the last version of the protocol that has each.
pub const TRANSFERS: [(TransferFunction, u32, u32); 7] = [
    (TransferFunction::Gamma22, 1, u32::MAX),
    (TransferFunction::Bt1886, 1, u32::MAX),
    (TransferFunction::ExtLinear, 1, u32::MAX),
    (TransferFunction::Srgb, 1, 1),
    (TransferFunction::St2084Pq, 1, u32::MAX),
    (TransferFunction::Hlg, 1, u32::MAX),
    (TransferFunction::CompoundPower24, 2, u32::MAX),
];

/// Least, most and white of a curve, where nothing else is said.
fn luminances(transfer: Transfer) -> (Range, u32) {
    match transfer {
        Transfer::Named(TransferFunction::Bt1886) => ((100, 100), 100),
        Transfer::Named(TransferFunction::St2084Pq) => ((50, 10_000), 203),
        Transfer::Named(TransferFunction::Hlg) => ((50, 1_000), 203),
        _ => ((2_000, 80), 80),
    }
}

impl Description {
    /// What clients had better draw: sRGB, or for an HDR monitor ([`Hdr::OURS`]) HDR10.
    pub fn output(hdr: bool) -> Self {
        let (named, primaries) = if hdr { PRIMARIES[1] } else { PRIMARIES[0] };
        let transfer = Transfer::Named(match hdr {
            true => TransferFunction::St2084Pq,
            false => TransferFunction::Gamma22,
        });
        let (luminance, white) = luminances(transfer);
        let Hdr {
            max_nits,
            max_average_nits,
            min_nits,
            ..
        } = Hdr::OURS;
        Self {
            identity: if hdr { OUTPUT_HDR } else { OUTPUT },
            content: Content::Parameters(Parameters {
                primaries,
                named: Some(named),
                transfer,
                luminance,
                white,
                target: primaries,
                target_luminance: match hdr {
                    true => ((min_nits * 10_000.0) as u32, max_nits as u32),
                    false => luminance,
                },
                max_cll: hdr.then_some(max_nits as u32),
                max_fall: hdr.then_some(max_average_nits as u32),
            }),
        }
    }

    /// Windows' scRGB.
    pub fn windows_scrgb() -> Self {
        Self {
            identity: SCRGB,
            content: Content::WindowsScrgb,
        }
    }

    fn new(parameters: Parameters) -> Self {
        Self {
            identity: LAST.fetch_add(1, Ordering::Relaxed) + 1,
            content: Content::Parameters(parameters),
        }
    }

    /// By what name viewers know it.
    pub fn color(&self) -> Color {
        let Content::Parameters(p) = &self.content else {
            return Color::Scrgb;
        };
        let [(_, srgb), (_, bt2020), ..] = PRIMARIES;
        match p.transfer {
            Transfer::Named(TransferFunction::Gamma22 | TransferFunction::Srgb | TransferFunction::CompoundPower24)
            | Transfer::Power(22_000)
                if p.primaries == srgb =>
            {
                Color::Srgb
            }
            Transfer::Named(TransferFunction::St2084Pq) if p.primaries == bt2020 => Color::Bt2020Pq,
            Transfer::Named(TransferFunction::ExtLinear) if p.primaries == srgb => Color::Scrgb,
            _ => Color::Other,
        }
    }
}

/// What a client has set so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Draft {
    transfer: Option<Transfer>,
    primaries: Option<(Option<Named>, Chromaticities)>,
    luminances: Option<(Range, u32)>,
    target: Option<Chromaticities>,
    target_luminance: Option<Range>,
    max_cll: Option<u32>,
    max_fall: Option<u32>,
}

/// A protocol error.
pub type Wrong = (Error, &'static str);

fn once<T>(place: &mut Option<T>, value: T) -> Result<(), Wrong> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err((Error::AlreadySet, "it was set already")),
    }
}

fn rises((least, most): Range) -> Result<Range, Wrong> {
    match u64::from(most) * 10_000 > u64::from(least) {
        true => Ok((least, most)),
        false => Err((Error::InvalidLuminance, "the most is not above the least")),
    }
}

impl Draft {
    /// `version` is the protocol's that the client speaks.
    pub fn transfer(&mut self, name: Option<TransferFunction>, version: u32) -> Result<(), Wrong> {
        let offered = |name: &TransferFunction| {
            let same = TRANSFERS.iter().find(|(known, ..)| known == name);
            same.is_some_and(|(_, first, last)| (*first..=*last).contains(&version))
        };
        let name = name.filter(offered);
        let name = name.ok_or((Error::InvalidTf, "this transfer function is not offered"))?;
        once(&mut self.transfer, Transfer::Named(name))
    }

    /// A power, in ten thousandths.
    pub fn power(&mut self, exponent: u32) -> Result<(), Wrong> {
        if !(10_000..=100_000).contains(&exponent) {
            return Err((Error::InvalidTf, "the exponent is not from 1 to 10"));
        }
        once(&mut self.transfer, Transfer::Power(exponent))
    }

    pub fn named(&mut self, name: Option<Named>) -> Result<(), Wrong> {
        let known = PRIMARIES.iter().find(|(known, _)| Some(*known) == name);
        let (name, primaries) = known.ok_or((Error::InvalidPrimariesNamed, "these primaries are not offered"))?;
        once(&mut self.primaries, (Some(*name), *primaries))
    }

    pub fn primaries(&mut self, primaries: Chromaticities) -> Result<(), Wrong> {
        let named = PRIMARIES.iter().find(|(_, known)| *known == primaries);
        once(&mut self.primaries, (named.map(|(name, _)| *name), primaries))
    }

    pub fn luminances(&mut self, range: Range, white: u32) -> Result<(), Wrong> {
        rises((range.0, white))?;
        once(&mut self.luminances, (rises(range)?, white))
    }

    pub fn target(&mut self, primaries: Chromaticities) -> Result<(), Wrong> {
        once(&mut self.target, primaries)
    }

    pub fn target_luminance(&mut self, range: Range) -> Result<(), Wrong> {
        once(&mut self.target_luminance, rises(range)?)
    }

    /// The last word counts.
    pub fn max_cll(&mut self, cll: u32) {
        self.max_cll = Some(cll);
    }

    /// Likewise.
    pub fn max_fall(&mut self, fall: u32) {
        self.max_fall = Some(fall);
    }

    /// The description, if it is a whole one.
    pub fn finish(&self, version: u32) -> Result<Description, Wrong> {
        let incomplete = (Error::IncompleteSet, "transfer function and primaries must be set");
        let transfer = self.transfer.ok_or(incomplete)?;
        let (named, primaries) = self.primaries.ok_or(incomplete)?;
        let (mut luminance, white) = self.luminances.unwrap_or_else(|| luminances(transfer));
        if transfer == Transfer::Named(TransferFunction::St2084Pq) {
            // What the client says of the most is not looked at.
            luminance.1 = 10_000u32.saturating_add(luminance.0 / 10_000);
        }
        let target_luminance = self.target_luminance.unwrap_or(luminance);
        if matches!((self.max_fall, self.max_cll), (Some(fall), Some(cll)) if fall > cll) {
            return Err((Error::InvalidLuminance, "max_fall is above max_cll"));
        }
        let within = |level: u32| level <= target_luminance.1 && rises((target_luminance.0, level)).is_ok();
        let levels = [self.max_cll, self.max_fall];
        if version == 1 && !levels.into_iter().flatten().all(within) {
            return Err((
                Error::InvalidLuminance,
                "a content light level is outside of the mastering range",
            ));
        }
        Ok(Description::new(Parameters {
            primaries,
            named,
            transfer,
            luminance,
            white,
            target: self.target.unwrap_or(primaries),
            target_luminance,
            max_cll: self.max_cll,
            max_fall: self.max_fall,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(named: Named, transfer: TransferFunction) -> Draft {
        let mut draft = Draft::default();
        draft.named(Some(named)).unwrap();
        draft.transfer(Some(transfer), 1).unwrap();
        draft
    }

    fn error(result: Result<(), Wrong>) -> Option<Error> {
        result.err().map(|(error, _)| error)
    }

    #[test]
    fn well_known_spaces_have_their_name() {
        let color = |named, transfer| draft(named, transfer).finish(1).unwrap().color();
        assert_eq!(color(Named::Srgb, TransferFunction::Gamma22), Color::Srgb);
        assert_eq!(color(Named::Bt2020, TransferFunction::St2084Pq), Color::Bt2020Pq);
        assert_eq!(color(Named::Srgb, TransferFunction::ExtLinear), Color::Scrgb);
        assert_eq!(color(Named::Bt2020, TransferFunction::Hlg), Color::Other);
        assert_eq!(Description::output(false).color(), Color::Srgb);
        assert_eq!(Description::output(true).color(), Color::Bt2020Pq);
        assert_eq!(Description::windows_scrgb().color(), Color::Scrgb);
    }

    #[test]
    fn descriptions_have_numbers_of_their_own() {
        let one = draft(Named::Srgb, TransferFunction::Gamma22).finish(1).unwrap();
        let two = draft(Named::Srgb, TransferFunction::Gamma22).finish(1).unwrap();
        assert!(one.identity != two.identity && one.identity > OUTPUT_HDR && two.identity > OUTPUT_HDR);
    }

    #[test]
    fn a_draft_must_be_whole_and_each_part_set_once() {
        assert_eq!(Draft::default().finish(1).unwrap_err().0, Error::IncompleteSet);
        let mut d = draft(Named::Srgb, TransferFunction::Gamma22);
        assert_eq!(error(d.power(22_000)), Some(Error::AlreadySet));
        assert_eq!(error(d.primaries([0; 8])), Some(Error::AlreadySet));
        assert_eq!(error(d.luminances((1, 10), 5)), None);
        assert_eq!(error(d.luminances((1, 10), 5)), Some(Error::AlreadySet));
    }

    #[test]
    fn numbers_must_make_sense() {
        let mut d = Draft::default();
        assert_eq!(error(d.power(9_999)), Some(Error::InvalidTf));
        assert_eq!(
            error(d.transfer(Some(TransferFunction::Srgb), 2)),
            Some(Error::InvalidTf)
        );
        assert_eq!(
            error(d.transfer(Some(TransferFunction::Log100), 1)),
            Some(Error::InvalidTf)
        );
        assert_eq!(error(d.named(Some(Named::Ntsc))), Some(Error::InvalidPrimariesNamed));
        assert_eq!(error(d.luminances((10_000, 1), 1)), Some(Error::InvalidLuminance));
        assert_eq!(error(d.luminances((10_000, 2), 1)), Some(Error::InvalidLuminance));
        assert_eq!(error(d.target_luminance((20_000, 2))), Some(Error::InvalidLuminance));
        let mut d = draft(Named::Bt2020, TransferFunction::St2084Pq);
        d.target_luminance((50, 1_000)).unwrap();
        d.max_cll(2_000);
        assert_eq!(d.finish(1).unwrap_err().0, Error::InvalidLuminance);
        assert!(d.finish(2).is_ok());
        d.max_fall(3_000);
        assert_eq!(d.finish(2).unwrap_err().0, Error::InvalidLuminance);
    }

    #[test]
    fn pq_swings_by_ten_thousand() {
        let mut d = draft(Named::Bt2020, TransferFunction::St2084Pq);
        d.luminances((50, 400), 100).unwrap();
        let Content::Parameters(p) = d.finish(1).unwrap().content else {
            panic!("by parameters");
        };
        assert_eq!(
            (p.luminance, p.white, p.target_luminance),
            ((50, 10_000), 100, (50, 10_000))
        );
    }
}
