//! How the game's picture is shown: where, by which filter, and which part of it is seen at all.

use super::scale;
use crate::config::Filter;
use crate::link::Size;
use crate::scene::{layout::Fit, stack::Placed};
use smithay::backend::renderer::TextureFilter;
use smithay::desktop::utils::bbox_from_surface_tree;
use smithay::utils::{Logical, Point, Rectangle};

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

/// The part of the picture, in its own pixels, that has a surface and is on the output.
fn seen(placed: &[Placed], look: &Look, size: Size) -> Rectangle<i32, Logical> {
    let boxes = placed.iter().map(|p| bbox_from_surface_tree(&p.surface, p.at));
    let Some(all) = boxes.reduce(|a, b| a.merge(b)) else {
        return Rectangle::default();
    };
    let all = all.to_f64().upscale(look.density).to_i32_up();
    let own = Fit {
        scale: look.enlargement(),
        offset: look.fit.offset,
    };
    let (left, top) = own.to_game(0.0, 0.0);
    let (right, bottom) = own.to_game(f64::from(size.w), f64::from(size.h));
    // A pixel more on each side, for what the filters take from beyond the border.
    let low = Point::from((left.floor() as i32 - 2, top.floor() as i32 - 2));
    let high = Point::from((right.ceil() as i32 + 2, bottom.ceil() as i32 + 2));
    all.intersection(Rectangle::from_extremities(low, high))
        .unwrap_or_default()
}
