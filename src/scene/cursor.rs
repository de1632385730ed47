//! The cursor: who set it, where it is, and the updates that viewers must hear of. It is never drawn into the picture.

use super::cursor_scale::scaled;
use crate::time::Mono;
use goggles_protocols::cursor::Update;
use smithay::backend::renderer::utils::with_renderer_surface_state;
use smithay::input::pointer::{CursorIcon, CursorImageStatus, CursorImageSurfaceData};
use smithay::reexports::wayland_server::protocol::{wl_shm, wl_surface::WlSurface};
use smithay::wayland::{compositor::with_states, shm::with_buffer_contents};
use std::time::Duration;
use xcursor::parser::Image;

/// The usual size of a theme's cursor, in its own measure.
const SIZE: u32 = 24;

/// The largest side of an image that is sent, in pixels.
const MAX_SIDE: i32 = 512;

/// The cursor's state on the compositor's side.
#[derive(Debug)]
pub struct Cursor {
    status: CursorImageStatus,
    own: Option<Update>,
    factor: f64,
    theme: Option<xcursor::CursorTheme>,
    hide_after: Option<Duration>,
    moved: Mono,
    hidden_by_idle: bool,
    image_changed: bool,
    place: (i32, i32),
    place_sent: (i32, i32),
}

impl Cursor {
    /// A cursor that shows the default until a client says otherwise: the user's `own` image, or the theme's. All are shown
    /// `factor` times as large.
    pub fn new(own: Option<Update>, factor: f64, hide_after: Option<Duration>) -> Self {
        Self {
            status: CursorImageStatus::default_named(),
            own,
            factor,
            theme: None,
            hide_after,
            moved: Mono(0),
            hidden_by_idle: false,
            image_changed: true,
            place: (0, 0),
            place_sent: (i32::MIN, i32::MIN),
        }
    }

    /// The user's image of the default cursor, if there is one.
    pub fn own(&self) -> Option<&Update> {
        self.own.as_ref()
    }

    /// Shows all of them so many times as large.
    pub fn set_factor(&mut self, factor: f64) {
        self.image_changed |= self.factor != factor;
        self.factor = factor;
    }

    /// A client, or nobody, set the cursor.
    pub fn set(&mut self, status: CursorImageStatus) {
        if self.status != status {
            self.status = status;
            self.image_changed = true;
        }
    }

    /// Whether this surface is the cursor's image.
    pub fn is_surface(&self, surface: &WlSurface) -> bool {
        matches!(&self.status, CursorImageStatus::Surface(s) if s == surface)
    }

    /// The surface that the client gave as the cursor's image.
    pub fn surface(&self) -> Option<&WlSurface> {
        match &self.status {
            CursorImageStatus::Surface(s) => Some(s),
            _ => None,
        }
    }

    /// The client committed a new image to the cursor's surface.
    pub fn image_committed(&mut self) {
        self.image_changed = true;
    }

    /// The pointer is at this output pixel.
    pub fn moved(&mut self, now: Mono, x: f64, y: f64) {
        self.place = (x.floor() as i32, y.floor() as i32);
        self.moved = now;
        if self.hidden_by_idle {
            self.hidden_by_idle = false;
            self.image_changed = true;
        }
    }

    /// It is to be seen.
    pub fn is_visible(&self) -> bool {
        !self.hidden_by_idle && self.status != CursorImageStatus::Hidden
    }

    /// The client wants none.
    pub fn is_hidden(&self) -> bool {
        self.status == CursorImageStatus::Hidden
    }

    /// When [`Self::updates`] must be called again for the hide delay's sake.
    pub fn deadline(&self) -> Option<Mono> {
        (!self.hidden_by_idle)
            .then(|| self.hide_after.map(|d| self.moved + d))
            .flatten()
    }

    /// What viewers must hear of since the last call.
    pub fn updates(&mut self, now: Mono) -> Vec<Update> {
        if self.deadline().is_some_and(|d| now >= d) {
            self.hidden_by_idle = true;
            self.image_changed = true;
        }
        let mut out = Vec::new();
        if std::mem::take(&mut self.image_changed) {
            let (image, factor) = self.image();
            out.push(if factor == 1.0 {
                image
            } else {
                scaled(image, factor, MAX_SIDE as u16)
            });
        }
        if self.place != self.place_sent {
            self.place_sent = self.place;
            out.push(Update::Position {
                x: self.place.0,
                y: self.place.1,
            });
        }
        out
    }

    /// The image, and how many times as large it is to be shown.
    fn image(&mut self) -> (Update, f64) {
        let factor = self.factor;
        if self.hidden_by_idle {
            return (Update::Hidden, factor);
        }
        match (&self.status, &self.own) {
            (CursorImageStatus::Hidden, _) => (Update::Hidden, factor),
            (CursorImageStatus::Surface(surface), _) => (surface_image(surface).unwrap_or(Update::Hidden), factor),
            (CursorImageStatus::Named(CursorIcon::Default), Some(own)) => (own.clone(), factor),
            (CursorImageStatus::Named(icon), _) => {
                let icon = *icon;
                self.themed(icon).unwrap_or_else(|| (arrow(), factor))
            }
        }
    }

    fn themed(&mut self, icon: CursorIcon) -> Option<(Update, f64)> {
        let name = std::env::var("XCURSOR_THEME").unwrap_or_else(|_| "default".into());
        let theme = self.theme.get_or_insert_with(|| xcursor::CursorTheme::load(&name));
        let path = std::iter::once(icon.name())
            .chain(icon.alt_names().iter().copied())
            .find_map(|n| theme.load_icon(n))?;
        let images = xcursor::parser::parse_xcursor(&std::fs::read(path).ok()?)?;
        let (image, factor) = of_size(&images, f64::from(SIZE) * self.factor)?;
        let update = Update::Image {
            width: u16::try_from(image.width).ok()?,
            height: u16::try_from(image.height).ok()?,
            hot_x: u16::try_from(image.xhot).ok()?,
            hot_y: u16::try_from(image.yhot).ok()?,
            rgba: unpremultiply(image.pixels_rgba.chunks_exact(4).map(|p| [p[0], p[1], p[2], p[3]])),
        };
        Some((update, factor))
    }
}

/// Of a theme's images of one cursor the one whose size is nearest to this, and how many times as large it must be shown
/// to have it. One that is there in its own size is sharper than a smaller one made large.
fn of_size(images: &[Image], size: f64) -> Option<(&Image, f64)> {
    let wanted = size.round() as u32;
    let image = images.iter().min_by_key(|i| i.size.abs_diff(wanted))?;
    // The usual size is a theme's to interpret: what is nearest to it is shown as it is.
    let shown = if wanted == SIZE { image.size } else { wanted };
    Some((image, f64::from(shown) / f64::from(image.size.max(1))))
}

/// Reads a client's cursor surface. `None` when nothing can be shown.
fn surface_image(surface: &WlSurface) -> Option<Update> {
    let hot = with_states(surface, |states| {
        let data = states.data_map.get::<CursorImageSurfaceData>()?;
        data.lock().ok().map(|d| d.hotspot)
    })?;
    let buffer = with_renderer_surface_state(surface, |s| s.buffer().cloned())??;
    with_buffer_contents(&buffer, |ptr, len, data| {
        let alpha = match data.format {
            wl_shm::Format::Argb8888 => true,
            wl_shm::Format::Xrgb8888 => false,
            _ => return None,
        };
        if data.width <= 0 || data.height <= 0 || data.width > MAX_SIDE || data.height > MAX_SIDE {
            return None;
        }
        let (w, h) = (data.width as usize, data.height as usize);
        let (offset, stride) = (usize::try_from(data.offset).ok()?, usize::try_from(data.stride).ok()?);
        if stride < w * 4 || offset.checked_add(stride.checked_mul(h - 1)?)?.checked_add(w * 4)? > len {
            return None;
        }
        let pixels = (0..h).flat_map(|y| (0..w).map(move |x| (x, y))).map(|(x, y)| {
            // SAFETY: offset + stride * (h - 1) + 4 * w <= len was checked above, and the client may change the
            // memory at any time, so each pixel is read once, volatile, and never borrowed.
            let bgra = unsafe { ptr.add(offset + y * stride + x * 4).cast::<[u8; 4]>().read_volatile() };
            [bgra[2], bgra[1], bgra[0], if alpha { bgra[3] } else { 255 }]
        });
        Some(Update::Image {
            width: w as u16,
            height: h as u16,
            hot_x: hot.x.clamp(0, data.width - 1) as u16,
            hot_y: hot.y.clamp(0, data.height - 1) as u16,
            rgba: unpremultiply(pixels),
        })
    })
    .ok()?
}

/// From premultiplied to straight alpha, which is what browsers and PNG take.
fn unpremultiply(pixels: impl Iterator<Item = [u8; 4]>) -> Vec<u8> {
    let straight = |c: u8, a: u8| match a {
        0 => 0,
        a => ((u32::from(c) * 255 + u32::from(a) / 2) / u32::from(a)).min(255) as u8,
    };
    pixels
        .flat_map(|[r, g, b, a]| [straight(r, a), straight(g, a), straight(b, a), a])
        .collect()
}

/// A straight image's pixels as X servers take them: premultiplied, in the order blue, green, red, alpha.
pub fn to_argb(rgba: &[u8]) -> Vec<u8> {
    let of = |c: u8, a: u8| ((u32::from(c) * u32::from(a) + 127) / 255) as u8;
    let pixels = rgba.as_chunks().0.iter();
    pixels
        .flat_map(|&[r, g, b, a]| [of(b, a), of(g, a), of(r, a), a])
        .collect()
}

/// A plain arrow for machines without a cursor theme: white with a black rim.
fn arrow() -> Update {
    const SIZE: usize = self::SIZE as usize;
    let inside = |x: i32, y: i32| x >= 0 && (0..20).contains(&y) && x <= y * 5 / 8 && (y < 15 || x <= (20 - y) * 2);
    let mut rgba = vec![0; SIZE * SIZE * 4];
    for (i, p) in rgba.chunks_exact_mut(4).enumerate() {
        let (x, y) = ((i % SIZE) as i32, (i / SIZE) as i32);
        if !inside(x, y) {
            continue;
        }
        let rim = [(-1, 0), (1, 0), (0, -1), (0, 1)]
            .iter()
            .any(|(dx, dy)| !inside(x + dx, y + dy));
        let c = if rim { 0 } else { 255 };
        p.copy_from_slice(&[c, c, c, 255]);
    }
    Update::Image {
        width: SIZE as u16,
        height: SIZE as u16,
        hot_x: 0,
        hot_y: 0,
        rgba,
    }
}

/// Reads a PNG file as a cursor with this hotspot, which must be on it.
pub fn from_png(bytes: &[u8], hotspot: (u16, u16)) -> anyhow::Result<Update> {
    use anyhow::Context;
    let mut decoder = png::Decoder::new(std::io::Cursor::new(bytes));
    decoder.set_transformations(
        png::Transformations::ALPHA | png::Transformations::STRIP_16 | png::Transformations::EXPAND,
    );
    let mut reader = decoder.read_info().context("not a PNG file")?;
    let info = reader.info();
    if info.width > MAX_SIDE as u32 || info.height > MAX_SIDE as u32 {
        anyhow::bail!(
            "a cursor has at most {MAX_SIDE}x{MAX_SIDE} pixels, this has {}x{}",
            info.width,
            info.height
        );
    }
    let mut buf = vec![0; reader.output_buffer_size().context("the PNG is too large")?];
    let frame = reader.next_frame(&mut buf).context("the PNG is damaged")?;
    if u32::from(hotspot.0) >= frame.width || u32::from(hotspot.1) >= frame.height {
        anyhow::bail!(
            "the hotspot {},{} is not on the image, which has {}x{} pixels",
            hotspot.0,
            hotspot.1,
            frame.width,
            frame.height
        );
    }
    let rgba = match frame.color_type {
        png::ColorType::Rgba => buf[..frame.buffer_size()].to_vec(),
        png::ColorType::GrayscaleAlpha => buf[..frame.buffer_size()]
            .chunks_exact(2)
            .flat_map(|p| [p[0], p[0], p[0], p[1]])
            .collect(),
        other => anyhow::bail!("unexpected colour type {other:?}"),
    };
    Ok(Update::Image {
        width: frame.width as u16,
        height: frame.height as u16,
        hot_x: hotspot.0,
        hot_y: hotspot.1,
        rgba,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arrow_has_its_tip_at_the_hotspot_and_a_rim() {
        let Update::Image { width, rgba, .. } = arrow() else {
            panic!("an image")
        };
        let at = |x: usize, y: usize| &rgba[(y * usize::from(width) + x) * 4..][..4];
        assert_eq!(at(0, 0), [0, 0, 0, 255]);
        assert_eq!(at(3, 10), [255, 255, 255, 255]);
        assert_eq!(at(20, 2), [0, 0, 0, 0]);
    }

    #[test]
    fn alpha_is_made_straight() {
        assert_eq!(
            unpremultiply([[64, 0, 128, 128], [9, 9, 9, 0]].into_iter()),
            [128, 0, 255, 128, 0, 0, 0, 0]
        );
        assert_eq!(to_argb(&[128, 0, 255, 128, 9, 9, 9, 0]), [128, 0, 64, 128, 0, 0, 0, 0]);
    }

    #[test]
    fn a_hotspot_must_be_on_the_image() {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, 3, 2);
        encoder.set_color(png::ColorType::Rgba);
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(&[9; 24]).unwrap();
        writer.finish().unwrap();
        let read = from_png(&bytes, (2, 1)).unwrap();
        assert!(matches!(
            read,
            Update::Image {
                width: 3,
                height: 2,
                hot_x: 2,
                hot_y: 1,
                ..
            }
        ));
        let why = from_png(&bytes, (3, 1)).unwrap_err().to_string();
        assert_eq!(why, "the hotspot 3,1 is not on the image, which has 3x2 pixels");
        assert!(from_png(&bytes, (0, 2)).is_err());
    }

    #[test]
    fn of_a_themes_images_the_nearest_is_taken() {
        let image = |size| Image {
            size,
            width: size,
            height: size,
            xhot: 0,
            yhot: 0,
            delay: 0,
            pixels_rgba: Vec::new(),
            pixels_argb: Vec::new(),
        };
        let images = [24, 32, 48, 64].map(image);
        let chosen = |images: &[Image], size| of_size(images, size).map(|(image, factor)| (image.size, factor));
        assert_eq!(chosen(&images, 24.0), Some((24, 1.0)));
        assert_eq!(chosen(&images, 48.0), Some((48, 1.0)));
        assert_eq!(chosen(&images, 36.0), Some((32, 1.125)));
        assert_eq!(chosen(&images, 128.0), Some((64, 2.0)));
        assert_eq!(chosen(&images[1..], 24.0), Some((32, 1.0)), "the theme's smallest");
        assert_eq!(chosen(&[], 24.0), None);
    }

    #[test]
    fn it_hides_when_idle_and_comes_back_with_motion() {
        let mut c = Cursor::new(None, 1.0, Some(Duration::from_secs(1)));
        c.moved(Mono(0), 1.0, 2.0);
        assert!(matches!(
            c.updates(Mono(0))[..],
            [Update::Image { .. }, Update::Position { x: 1, y: 2 }]
        ));
        assert!(c.updates(Mono(500_000_000)).is_empty());
        assert_eq!(c.updates(Mono(1_000_000_000)), [Update::Hidden]);
        assert_eq!(c.deadline(), None);
        c.moved(Mono(2_000_000_000), 1.0, 2.0);
        assert!(matches!(c.updates(Mono(2_000_000_000))[..], [Update::Image { .. }]));
    }
}
