//! How the game's picture is shown: where, by which filter, and which part of it is seen at all.

use super::scale;
use crate::config::Filter;
use crate::link::Size;
use crate::scene::{layout::Fit, stack::Placed};
use smithay::backend::renderer::TextureFilter;
use smithay::desktop::utils::bbox_from_surface_tree;
use smithay::utils::{Logical, Rectangle};

/// How the game's picture is shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Look {
    /// Where.
    pub fit: Fit,
    /// How many pixels of its own it has to one of the game's coordinates, horizontally and vertically.
    pub density: (f64, f64),
    /// How it is scaled.
    pub filter: Filter,
    /// How much of FSR's or NIS's sharpening is left out, 0 to 20.
    pub sharpness: u8,
}

impl Look {
    /// How many pixels of the output one of the picture's own becomes.
    pub fn enlargement(&self) -> (f64, f64) {
        let (scale, density) = (self.fit.scale, self.density);
        (scale.0 / density.0, scale.1 / density.1)
    }

    /// How a surface of another size than its buffer is drawn.
    pub(super) fn texture_filter(&self) -> TextureFilter {
        match self.filter {
            Filter::Nearest => TextureFilter::Nearest,
            Filter::Linear | Filter::Pixel | Filter::Fsr | Filter::Nis => TextureFilter::Linear,
        }
    }

    /// How the picture of the game's size is scaled; `None`: each surface is drawn at the output's size at once, which is
    /// the same where nothing is interpolated.
    pub(super) fn scaling(&self) -> Option<scale::Kind> {
        let (x, y) = self.enlargement();
        if (x, y) == (1.0, 1.0) {
            return None;
        }
        // Pixel, FSR and NIS only enlarge.
        let enlarges = x >= 1.0 && y >= 1.0;
        match self.filter {
            Filter::Nearest => None,
            Filter::Pixel if enlarges => Some(scale::Kind::Pixel),
            Filter::Fsr if enlarges => Some(scale::Kind::Fsr(self.sharpness)),
            Filter::Nis if enlarges => Some(scale::Kind::Nis(self.sharpness)),
            Filter::Linear | Filter::Pixel | Filter::Fsr | Filter::Nis => Some(scale::Kind::Linear),
        }
    }
}

/// A picture with more pixels than 8K has is not drawn at its own size, for which a window may be of any size.
const LARGEST: i64 = 7680 * 4320;

/// How a picture that is first drawn at its own size is then scaled, and which part of it is. `None`: it is not.
pub(super) fn small(placed: &[Placed], look: &Look, size: Size) -> Option<(scale::Kind, Rectangle<i32, Logical>)> {
    let kind = look.scaling()?;
    let part = seen(placed, look, size);
    (i64::from(part.size.w) * i64::from(part.size.h) <= LARGEST).then_some((kind, part))
}

/// As far from the origin as places are looked at: differences of two fit into 32 bits, whatever a client says it has there.
const FAR: f64 = (1 << 29) as f64;
/// What is no part of a pixel, but a product that was rounded.
const ROUNDED: f64 = 1e-6;

/// The part of the picture, in its own pixels, that has a surface and is on the output.
fn seen(placed: &[Placed], look: &Look, size: Size) -> Rectangle<i32, Logical> {
    let boxes = placed.iter().map(|p| bbox_from_surface_tree(&p.surface, p.at));
    let Some(all) = boxes.reduce(|a, b| a.merge(b)) else {
        return Rectangle::default();
    };
    let all = all.to_f64().upscale(look.density);
    let own = Fit {
        scale: look.enlargement(),
        offset: look.fit.offset,
    };
    let (left, top) = own.to_game(0.0, 0.0);
    let (right, bottom) = own.to_game(f64::from(size.w), f64::from(size.h));
    // A pixel more on each side, for what the filters take from beyond the border.
    let along = |at: f64, length: f64, (from, to): (f64, f64)| {
        let low = at.max(from.floor() - 2.0).clamp(-FAR, FAR);
        let high = (at + length).min(to.ceil() + 2.0).clamp(-FAR, FAR);
        ((low + ROUNDED).floor() as i32, (high - ROUNDED).ceil() as i32)
    };
    let (left, right) = along(all.loc.x, all.size.w, (left, right));
    let (top, bottom) = along(all.loc.y, all.size.h, (top, bottom));
    if left >= right || top >= bottom {
        return Rectangle::default();
    }
    Rectangle::from_extremities((left, top), (right, bottom))
}
