//! Bilinear, by Pixman, which has it in SIMD. Beyond its border the source is its border, so that it does not fade into
//! the black around it, nor into the surface beside it.

use super::place::{Along, Place};
use super::{Source, bands, margins};
use anyhow::{Context, Result};
use pixman::{Fixed, FormatCode, Image, Operation, Repeat, Transform};

pub fn draw(
    source: Source<'_>,
    place: &Place,
    (x, y): (&Along, &Along),
    width: usize,
    output: &mut [[u8; 4]],
) -> Result<()> {
    let height = output.len() / width;
    bands::rows(output, width, |row, out| {
        margins(out, &x.inside, y.inside.contains(&row))
    });
    let output = output.as_flattened_mut();
    let whole = |data: &[u8], w: usize, h: usize, stride: usize| {
        data.len() >= h * stride && stride >= w * 4 && (data.as_ptr() as usize).is_multiple_of(4)
    };
    let fits = whole(source.data, source.w, source.h, source.stride) && whole(output, width, height, width * 4);
    anyhow::ensure!(
        fits && source.stride.is_multiple_of(4),
        "a buffer is too small or not aligned"
    );
    // SAFETY: its size and alignment were checked above; it is only read, as the source of a composition, and both images
    // are dropped before the memory they borrow.
    let mut from = unsafe {
        let pixels = source.data.as_ptr().cast_mut().cast::<u32>();
        Image::from_raw_mut(FormatCode::X8R8G8B8, source.w, source.h, pixels, source.stride, false)
    }
    .ok()
    .context("error wrapping a buffer for Pixman")?;
    // SAFETY: as above, and it is borrowed to be written.
    let mut to = unsafe {
        let pixels = output.as_mut_ptr().cast::<u32>();
        Image::from_raw_mut(FormatCode::X8R8G8B8, width, height, pixels, width * 4, false)
    }
    .ok()
    .context("error wrapping a buffer for Pixman")?;
    let (sx, sy) = place.scale;
    let one = |v: f64| Fixed::from_double(v);
    let matrix = [
        [one(1.0 / sx), one(0.0), one(-place.offset.0 / sx)],
        [one(0.0), one(1.0 / sy), one(-place.offset.1 / sy)],
        [one(0.0), one(0.0), one(1.0)],
    ];
    from.set_transform(Transform::from(matrix))
        .ok()
        .context("error setting the scale")?;
    from.set_filter(pixman::Filter::Bilinear, &[])
        .ok()
        .context("error setting the filter")?;
    from.set_repeat(Repeat::Pad);
    let at = (x.inside.start as i32, y.inside.start as i32);
    let size = (x.inside.len() as i32, y.inside.len() as i32);
    to.composite32(Operation::Src, &from, None, at, (0, 0), at, size);
    Ok(())
}
