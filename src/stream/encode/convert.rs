//! From the compositor's or the client's pixels (32 bits a pixel, sRGB) to BT.709 limited-range 4:2:0.

use crate::link::{Pixels, Size};
use anyhow::{Context, Result, bail, ensure};
use gst_video::prelude::*;
use gstreamer_video as gst_video;
use smithay::reexports::wayland_server::protocol::wl_shm::Format;
use smithay::wayland::shm::{BufferData, with_buffer_contents};
use std::ops::Range;
use yuv::{BufferStoreMut, YuvBiPlanarImageMut, YuvConversionMode, YuvPlanarImageMut, YuvRange, YuvStandardMatrix};

/// A raw picture that can be written.
pub type Target = gst_video::VideoFrame<gst_video::video_frame::Writable>;

/// The order of the bytes of a pixel in memory; the fourth is not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Bgrx,
    Rgbx,
}

/// Pixels that have been checked to be readable: `size.h` rows of `size.w` pixels, `stride` bytes apart.
struct Source<'a> {
    first: *const u8,
    stride: usize,
    size: Size,
    order: Order,
    /// The same memory, if nobody else can write to it.
    ours: Option<&'a [u8]>,
}

/// Converts pictures; owns the rows that are in work.
#[derive(Debug, Default)]
pub struct Converter {
    /// [`BAND`] rows of the coded width.
    band: Vec<u8>,
}

/// Rows that are copied and converted at a time: even, and few enough to stay in the nearest cache.
const BAND: usize = 8;

impl Converter {
    /// Converts a picture of `size` into `target`, whose size is the same or larger; what is beyond `size` repeats the
    /// last column and row.
    ///
    /// Error: the pixels are not where the buffer says, or the client has cut its memory short.
    pub fn convert(&mut self, pixels: &Pixels, size: Size, target: &mut Target) -> Result<()> {
        match pixels {
            Pixels::Client(buffer) => with_buffer_contents(buffer, |pool, len, data| {
                let (at, stride, order) = locate(&data, len, size)?;
                // SAFETY: `at` lies inside the pool's `len` mapped bytes (`locate`). smithay keeps the mapping until
                // this closure returns, and a file that was cut short reads as zeros (its SIGBUS handler).
                let first = unsafe { pool.add(at.start) };
                self.bands(
                    &Source {
                        first,
                        stride,
                        size,
                        order,
                        ours: None,
                    },
                    target,
                )
            })?,
            Pixels::Composed(image) => {
                ensure!(image.size == size, "the image is {:?}, the job {size:?}", image.size);
                let Some(at) = span(image.data.len(), 0, image.stride, size) else {
                    bail!("the image is shorter than its size says");
                };
                let bytes = &image.data[at];
                self.bands(
                    &Source {
                        first: bytes.as_ptr(),
                        stride: image.stride,
                        size,
                        order: Order::Bgrx,
                        ours: Some(bytes),
                    },
                    target,
                )
            }
        }
    }

    /// Copies a few rows at a time, then converts them.
    ///
    /// The copy stays in the cache and costs half of a conversion. It makes the rows ours (a client may write to its
    /// buffer at any time), whole pairs of pixels, and as far apart as they are wide; where they are all that already,
    /// there is no copy.
    fn bands(&mut self, source: &Source<'_>, target: &mut Target) -> Result<()> {
        let (size, format) = (source.size, target.info().format());
        let coded = Size {
            w: target.info().width(),
            h: target.info().height(),
        };
        ensure!(
            coded.w >= size.w && coded.h >= size.h && (coded.w | coded.h) & 1 == 0,
            "a picture of {size:?} does not fit the coded size {coded:?}"
        );
        let strides = strides(target)?;
        let [y, u, v, _] = target.planes_data_mut();
        let row = coded.w as usize * 4;
        self.band.resize(row * BAND, 0);
        let as_it_is = source.ours.filter(|_| size == coded && source.stride == row);
        for top in (0..coded.h as usize).step_by(BAND) {
            let rows = BAND.min(coded.h as usize - top);
            let pixels = match as_it_is {
                Some(bytes) => &bytes[top * row..(top + rows) * row],
                None => {
                    for (i, to) in self.band.chunks_exact_mut(row).take(rows).enumerate() {
                        source.copy_row((top + i).min(size.h as usize - 1), to);
                    }
                    &self.band[..row * rows]
                }
            };
            let planes = Planes {
                y: part(y, strides[0], top, rows)?,
                u: part(u, strides[1], top / 2, rows / 2)?,
                v: if v.is_empty() {
                    v
                } else {
                    part(v, strides[2], top / 2, rows / 2)?
                },
                strides,
                size: Size {
                    w: coded.w,
                    h: rows as u32,
                },
            };
            convert_band(pixels, source.order, planes, format)?;
        }
        Ok(())
    }
}

impl Source<'_> {
    /// Copies row `y` to the start of `to` and repeats its last pixel up to the end.
    fn copy_row(&self, y: usize, to: &mut [u8]) {
        let len = self.size.w as usize * 4;
        debug_assert!(y < self.size.h as usize && len <= to.len());
        // SAFETY: `span` has checked that row `y` is readable, `to` is ours and not shorter (`bands` checks the sizes).
        // A client that writes meanwhile tears its own picture, no more: these bytes are only ever copied.
        unsafe { std::ptr::copy_nonoverlapping(self.first.add(y * self.stride), to.as_mut_ptr(), len) };
        let (pixels, rest) = to.split_at_mut(len);
        for pixel in rest.chunks_exact_mut(4) {
            pixel.copy_from_slice(&pixels[len - 4..]);
        }
    }
}

/// The rows of a plane from `top`.
fn part(plane: &mut [u8], stride: u32, top: usize, rows: usize) -> Result<&mut [u8]> {
    let stride = stride as usize;
    plane
        .get_mut(top * stride..(top + rows) * stride)
        .context("a plane is shorter than its size says")
}

/// Where a client's buffer lies in its pool of `len` bytes, its stride and its order.
fn locate(data: &BufferData, len: usize, size: Size) -> Result<(Range<usize>, usize, Order)> {
    let order = match data.format {
        Format::Argb8888 | Format::Xrgb8888 => Order::Bgrx,
        Format::Abgr8888 | Format::Xbgr8888 => Order::Rgbx,
        other => bail!("{other:?} is not a format that can be encoded"),
    };
    let (Ok(w), Ok(h)) = (u32::try_from(data.width), u32::try_from(data.height)) else {
        bail!("the buffer has a negative size");
    };
    ensure!(
        Size { w, h } == size,
        "the buffer is {w}x{h}, the job {}x{}",
        size.w,
        size.h
    );
    let (Ok(offset), Ok(stride)) = (usize::try_from(data.offset), usize::try_from(data.stride)) else {
        bail!("the buffer has a negative offset or stride");
    };
    match span(len, offset, stride, size) {
        Some(at) => Ok((at, stride, order)),
        None => bail!("the buffer does not lie inside its pool"),
    }
}

/// The bytes from the first pixel to the last; `None` if they are not all inside `len`, or rows overlap.
fn span(len: usize, offset: usize, stride: usize, size: Size) -> Option<Range<usize>> {
    let row = usize::try_from(size.w).ok()?.checked_mul(4)?;
    let rows = usize::try_from(size.h).ok()?;
    if row == 0 || rows == 0 || stride < row {
        return None;
    }
    let end = stride.checked_mul(rows - 1)?.checked_add(row)?.checked_add(offset)?;
    (end <= len).then_some(offset..end)
}

const RANGE: YuvRange = YuvRange::Limited;
const MATRIX: YuvStandardMatrix = YuvStandardMatrix::Bt709;
const MODE: YuvConversionMode = YuvConversionMode::Balanced;

/// The part of a raw picture that a band fills.
struct Planes<'a> {
    y: &'a mut [u8],
    /// Or both U and V.
    u: &'a mut [u8],
    v: &'a mut [u8],
    strides: [u32; 3],
    size: Size,
}

fn convert_band(band: &[u8], order: Order, to: Planes<'_>, format: gst_video::VideoFormat) -> Result<()> {
    let (Size { w: width, h: height }, [y_stride, u_stride, v_stride]) = (to.size, to.strides);
    let (y_plane, u_plane) = (BufferStoreMut::Borrowed(to.y), BufferStoreMut::Borrowed(to.u));
    let stride = width * 4;
    match format {
        gst_video::VideoFormat::Nv12 => {
            let mut image = YuvBiPlanarImageMut {
                y_plane,
                y_stride,
                uv_plane: u_plane,
                uv_stride: u_stride,
                width,
                height,
            };
            let convert = match order {
                Order::Bgrx => yuv::bgra_to_yuv_nv12,
                Order::Rgbx => yuv::rgba_to_yuv_nv12,
            };
            convert(&mut image, band, stride, RANGE, MATRIX, MODE)?;
        }
        gst_video::VideoFormat::I420 => {
            let v_plane = BufferStoreMut::Borrowed(to.v);
            let mut image = YuvPlanarImageMut {
                y_plane,
                y_stride,
                u_plane,
                u_stride,
                v_plane,
                v_stride,
                width,
                height,
            };
            let convert = match order {
                Order::Bgrx => yuv::bgra_to_yuv420,
                Order::Rgbx => yuv::rgba_to_yuv420,
            };
            convert(&mut image, band, stride, RANGE, MATRIX, MODE)?;
        }
        other => bail!("{other:?} is not a format we convert to"),
    }
    Ok(())
}

fn strides(target: &Target) -> Result<[u32; 3]> {
    let mut strides = [0; 3];
    for (to, from) in strides.iter_mut().zip(target.plane_stride()) {
        *to = u32::try_from(*from)?;
    }
    Ok(strides)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn data(offset: i32, stride: i32, w: i32, h: i32, format: Format) -> BufferData {
        BufferData {
            offset,
            width: w,
            height: h,
            stride,
            format,
        }
    }

    #[test]
    fn a_lying_buffer_is_refused() {
        let size = Size { w: 10, h: 4 };
        let x = Format::Xrgb8888;
        assert!(locate(&data(0, 40, 10, 4, x), 160, size).is_ok());
        assert!(locate(&data(16, 48, 10, 4, x), 200, size).is_ok());
        for (lie, len) in [
            (data(0, 40, 10, 4, x), 159),
            (data(1, 40, 10, 4, x), 160),
            (data(-4, 40, 10, 4, x), 1000),
            (data(0, 39, 10, 4, x), 1000),
            (data(0, -40, 10, 4, x), 1000),
            (data(0, 0, 10, 4, x), 1000),
            (data(0, 40, -10, 4, x), 1000),
            (data(0, 40, 10, 5, x), 1000),
            (data(i32::MAX, i32::MAX, 10, 4, x), 1000),
            (data(0, 40, 10, 4, Format::Rgb565), 1000),
        ] {
            assert!(locate(&lie, len, size).is_err(), "{lie:?}");
        }
    }

    proptest! {
        #[test]
        fn a_span_is_inside(len in 0usize..5000, offset: usize, stride: usize, w: u32, h: u32) {
            let _ = span(len, offset, stride, Size { w, h });
            let (offset, stride, size) = (offset % 300, stride % 300, Size { w: w % 60, h: h % 60 });
            if let Some(at) = span(len, offset, stride, size) {
                prop_assert!(at.start == offset && at.end <= len && !at.is_empty());
                prop_assert_eq!(at.len(), stride * (size.h as usize - 1) + size.w as usize * 4);
            }
        }
    }
}
