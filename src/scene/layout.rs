//! How the game's picture is fitted into the output, and how a place on the output maps back into the game.

use crate::config::Scaler;

/// A scale and an offset: `output = game * scale + offset`, in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fit {
    /// Horizontal and vertical factor.
    pub scale: (f64, f64),
    /// Where the game's origin lies on the output, in output pixels.
    pub offset: (f64, f64),
}

impl Fit {
    /// Nothing is scaled or moved.
    pub const IDENTITY: Self = Self {
        scale: (1.0, 1.0),
        offset: (0.0, 0.0),
    };

    /// Fits `content` (the base window's rectangle: x, y, w, h in the game's coordinates) into an output of `w` × `h`
    /// pixels, centred. An empty content is left where it is.
    pub fn new(content: (i32, i32, i32, i32), output: (i32, i32), scaler: Scaler) -> Self {
        Self::limited(content, output, scaler, f64::INFINITY)
    }

    /// The same, at most so many times as large, unless it is to cover the output or to be stretched to it.
    fn limited(content: (i32, i32, i32, i32), output: (i32, i32), scaler: Scaler, most: f64) -> Self {
        let (x, y, w, h) = content;
        if w <= 0 || h <= 0 {
            return Self::IDENTITY;
        }
        let (rx, ry) = (f64::from(output.0) / f64::from(w), f64::from(output.1) / f64::from(h));
        let both = rx.min(ry).min(most);
        let scale = match scaler {
            Scaler::Auto | Scaler::Fit => (both, both),
            Scaler::Fill => (rx.max(ry), rx.max(ry)),
            Scaler::Stretch => (rx, ry),
            Scaler::Integer => {
                let s = if both >= 1.0 { both.floor() } else { both };
                (s, s)
            }
        };
        let centre = |out: i32, size: i32, s: f64| ((f64::from(out) - f64::from(size) * s) / 2.0).round();
        Self {
            scale,
            offset: (
                centre(output.0, w, scale.0) - f64::from(x) * scale.0,
                centre(output.1, h, scale.1) - f64::from(y) * scale.1,
            ),
        }
    }

    /// The same for a content that has `density` pixels of its own to one of the game's coordinates, horizontally and
    /// vertically: it is fitted by its own size and shape. It is made at most `most` times as large, unless it is to cover
    /// the output or to be stretched to it.
    pub fn dense(
        content: (i32, i32, i32, i32),
        density: (f64, f64),
        output: (i32, i32),
        scaler: Scaler,
        most: f64,
    ) -> Self {
        let (x, y, w, h) = content;
        let own = |v: i32, d: f64| (f64::from(v) * d).round() as i32;
        let (dx, dy) = density;
        let own = (own(x, dx), own(y, dy), own(w, dx), own(h, dy));
        let fit = Self::limited(own, output, scaler, most);
        Self {
            scale: (fit.scale.0 * dx, fit.scale.1 * dy),
            offset: fit.offset,
        }
    }

    /// The same so many times as large, about the middle of the output.
    pub fn zoomed(self, factor: f64, output: (i32, i32)) -> Self {
        if factor == 1.0 {
            return self;
        }
        let about = |at: f64, size: i32| {
            let middle = f64::from(size) / 2.0;
            middle + (at - middle) * factor
        };
        Self {
            scale: (self.scale.0 * factor, self.scale.1 * factor),
            offset: (about(self.offset.0, output.0), about(self.offset.1, output.1)),
        }
    }

    /// Nothing is scaled or moved.
    pub fn is_identity(&self) -> bool {
        *self == Self::IDENTITY
    }

    /// From the output's pixels to the game's coordinates.
    pub fn to_game(&self, x: f64, y: f64) -> (f64, f64) {
        ((x - self.offset.0) / self.scale.0, (y - self.offset.1) / self.scale.1)
    }

    /// From the game's coordinates to the output's pixels.
    pub fn to_output(&self, x: f64, y: f64) -> (f64, f64) {
        (x * self.scale.0 + self.offset.0, y * self.scale.1 + self.offset.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_size_is_the_identity() {
        for s in [
            Scaler::Auto,
            Scaler::Integer,
            Scaler::Fit,
            Scaler::Fill,
            Scaler::Stretch,
        ] {
            assert!(Fit::new((0, 0, 1280, 720), (1280, 720), s).is_identity());
        }
    }

    #[test]
    fn each_scaler_has_its_scale_and_is_centred() {
        let fit = |s| Fit::new((0, 0, 320, 240), (1280, 720), s);
        assert_eq!(
            fit(Scaler::Fit),
            Fit {
                scale: (3.0, 3.0),
                offset: (160.0, 0.0)
            }
        );
        assert_eq!(fit(Scaler::Auto), fit(Scaler::Fit));
        assert_eq!(
            fit(Scaler::Fill),
            Fit {
                scale: (4.0, 4.0),
                offset: (0.0, -120.0)
            }
        );
        assert_eq!(
            fit(Scaler::Stretch),
            Fit {
                scale: (4.0, 3.0),
                offset: (0.0, 0.0)
            }
        );
        let integer = Fit::new((0, 0, 500, 300), (1280, 720), Scaler::Integer);
        assert_eq!(
            integer,
            Fit {
                scale: (2.0, 2.0),
                offset: (140.0, 60.0)
            }
        );
    }

    #[test]
    fn a_lower_mode_is_fitted_by_its_own_shape() {
        // 320x180 that Xwayland has stretched to the screen's 640x480.
        let fit = |s| Fit::dense((0, 0, 640, 480), (0.5, 0.375), (640, 480), s, f64::INFINITY);
        let place = |s| {
            let (x, y) = fit(s).to_output(0.0, 0.0);
            let (right, bottom) = fit(s).to_output(640.0, 480.0);
            (x, y, right, bottom)
        };
        assert_eq!(place(Scaler::Fit), (0.0, 60.0, 640.0, 420.0));
        assert_eq!(place(Scaler::Stretch), (0.0, 0.0, 640.0, 480.0));
        let own = (0, 0, 640, 480);
        let same = Fit::new(own, (1280, 720), Scaler::Integer);
        let any = f64::INFINITY;
        assert_eq!(Fit::dense(own, (1.0, 1.0), (1280, 720), Scaler::Integer, any), same);
    }

    #[test]
    fn a_picture_is_no_larger_than_it_may_be() {
        let fit = |s, most| Fit::dense((0, 0, 320, 180), (1.0, 1.0), (1280, 720), s, most);
        for scaler in [Scaler::Auto, Scaler::Fit] {
            let half_as_much = Fit {
                scale: (2.5, 2.5),
                offset: (240.0, 135.0),
            };
            assert_eq!(fit(scaler, 2.5), half_as_much);
        }
        assert_eq!(fit(Scaler::Integer, 2.5).scale, (2.0, 2.0));
        for scaler in [Scaler::Fill, Scaler::Stretch] {
            assert_eq!(fit(scaler, 2.5).scale, (4.0, 4.0));
        }
        // A mode's own pixels count.
        let lower = Fit::dense((0, 0, 640, 480), (0.5, 0.5), (640, 480), Scaler::Fit, 1.0);
        assert_eq!((lower.scale, lower.offset), ((0.5, 0.5), (160.0, 120.0)));
    }

    #[test]
    fn zooming_keeps_the_middle() {
        let fit = Fit::new((0, 0, 640, 360), (1280, 720), Scaler::Fit);
        let half = fit.zoomed(0.5, (1280, 720));
        assert_eq!(half.scale, (1.0, 1.0));
        assert_eq!(half.offset, (320.0, 180.0));
        assert_eq!(fit.zoomed(1.0, (1280, 720)), fit);
    }

    #[test]
    fn a_place_survives_the_way_there_and_back() {
        let fit = Fit::new((100, 50, 484, 316), (1280, 720), Scaler::Fit);
        let (x, y) = fit.to_output(200.0, 70.0);
        let (gx, gy) = fit.to_game(x, y);
        assert!((gx - 200.0).abs() < 1e-9 && (gy - 70.0).abs() < 1e-9);
    }
}
