//! The cursor's image in another size, for outputs on which it would be too small (`--cursor-scale-height`).

use goggles_protocols::cursor::Update;

/// The update with an image `factor` times as large, at most `most` pixels a side; others stay as they are.
pub fn scaled(update: Update, factor: f64, most: u16) -> Update {
    let Update::Image {
        width,
        height,
        hot_x,
        hot_y,
        rgba,
    } = update
    else {
        return update;
    };
    let largest = f64::from(width.max(height)).max(1.0);
    let factor = factor.min(f64::from(most) / largest);
    let side = |side: u16| ((f64::from(side) * factor).round() as u16).clamp(1, most);
    let (w, h) = (side(width), side(height));
    let point = |x: u16, last: u16| ((f64::from(x) * factor) as u16).min(last - 1);
    let from: &[[u8; 4]] = rgba.as_chunks().0;
    let size = (usize::from(width), usize::from(height));
    let pixels = (0..usize::from(h)).flat_map(|y| (0..usize::from(w)).map(move |x| (x, y)));
    let at = |i: usize| (i as f64 + 0.5) / factor - 0.5;
    Update::Image {
        width: w,
        height: h,
        hot_x: point(hot_x, w),
        hot_y: point(hot_y, h),
        rgba: pixels.flat_map(|(x, y)| blend(from, size, at(x), at(y))).collect(),
    }
}

/// Bilinear. A pixel's colour counts as much as it is opaque: transparent ones have none.
fn blend(from: &[[u8; 4]], (w, h): (usize, usize), x: f64, y: f64) -> [u8; 4] {
    let axis = |at: f64, length: usize| {
        let at = at.clamp(0.0, (length - 1) as f64);
        let first = at as usize;
        (first, (first + 1).min(length - 1), at - first as f64)
    };
    let ((x0, x1, fx), (y0, y1, fy)) = (axis(x, w), axis(y, h));
    let corners = [
        (x0, y0, (1.0 - fx) * (1.0 - fy)),
        (x1, y0, fx * (1.0 - fy)),
        (x0, y1, (1.0 - fx) * fy),
        (x1, y1, fx * fy),
    ];
    let (mut sum, mut alpha) = ([0.0; 3], 0.0);
    for (x, y, part) in corners {
        let [r, g, b, a] = from[y * w + x].map(f64::from);
        for (s, c) in sum.iter_mut().zip([r, g, b]) {
            *s += c * a * part;
        }
        alpha += a * part;
    }
    let [r, g, b] = sum.map(|s| if alpha > 0.0 { (s / alpha).round() as u8 } else { 0 });
    [r, g, b, alpha.round() as u8]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dot() -> Update {
        // White, and transparent beside it.
        Update::Image {
            width: 2,
            height: 1,
            hot_x: 1,
            hot_y: 0,
            rgba: vec![255, 255, 255, 255, 0, 0, 0, 0],
        }
    }

    #[test]
    fn it_grows_with_its_hotspot_and_without_dark_rims() {
        let Update::Image {
            width,
            height,
            hot_x,
            rgba,
            ..
        } = scaled(dot(), 3.0, 512)
        else {
            panic!("no image")
        };
        assert_eq!((width, height, hot_x), (6, 3, 3));
        let row: Vec<[u8; 4]> = rgba.as_chunks().0[..6].to_vec();
        assert!(row.iter().all(|p| p[3] == 0 || p[..3] == [255; 3]), "{row:?}");
        let alphas: Vec<u8> = row.iter().map(|p| p[3]).collect();
        assert_eq!(alphas, [255, 255, 170, 85, 0, 0]);
    }

    #[test]
    fn it_is_bounded_and_what_is_no_image_stays() {
        let Update::Image { width, height, .. } = scaled(dot(), 1000.0, 512) else {
            panic!("no image")
        };
        assert_eq!((width, height), (512, 256));
        assert_eq!(scaled(Update::Hidden, 3.0, 512), Update::Hidden);
    }
}
