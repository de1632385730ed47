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
        let (x, y, w, h) = content;
        if w <= 0 || h <= 0 {
            return Self::IDENTITY;
        }
        let (rx, ry) = (f64::from(output.0) / f64::from(w), f64::from(output.1) / f64::from(h));
        let scale = match scaler {
            Scaler::Auto | Scaler::Fit => (rx.min(ry), rx.min(ry)),
            Scaler::Fill => (rx.max(ry), rx.max(ry)),
            Scaler::Stretch => (rx, ry),
            Scaler::Integer => {
                let s = rx.min(ry);
                let s = if s >= 1.0 { s.floor() } else { s };
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
    /// vertically: it is fitted by its own size and shape.
    pub fn dense(content: (i32, i32, i32, i32), density: (f64, f64), output: (i32, i32), scaler: Scaler) -> Self {
        let (x, y, w, h) = content;
        let own = |v: i32, d: f64| (f64::from(v) * d).round() as i32;
        let (dx, dy) = density;
        let fit = Self::new((own(x, dx), own(y, dy), own(w, dx), own(h, dy)), output, scaler);
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
        let fit = |s| Fit::dense((0, 0, 640, 480), (0.5, 0.375), (640, 480), s);
        let place = |s| {
            let (x, y) = fit(s).to_output(0.0, 0.0);
            let (right, bottom) = fit(s).to_output(640.0, 480.0);
            (x, y, right, bottom)
        };
        assert_eq!(place(Scaler::Fit), (0.0, 60.0, 640.0, 420.0));
        assert_eq!(place(Scaler::Stretch), (0.0, 0.0, 640.0, 480.0));
        let own = (0, 0, 640, 480);
        let same = Fit::new(own, (1280, 720), Scaler::Integer);
        assert_eq!(Fit::dense(own, (1.0, 1.0), (1280, 720), Scaler::Integer), same);
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
