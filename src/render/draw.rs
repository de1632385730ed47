//! Pixman drawing into plain memory: what has changed of a picture, or something over it.

use crate::link::Size;
use anyhow::{Context, Result};
use smithay::backend::renderer::damage::OutputDamageTracker;
use smithay::backend::renderer::element::{Element, RenderElement};
use smithay::backend::renderer::pixman::PixmanRenderer;
use smithay::backend::renderer::{Bind, Frame as _, Renderer};
use smithay::utils::{Rectangle, Scale, Transform};

/// Memory, and the width and height of the picture in it, B G R x.
type Picture<'a> = (&'a mut [u8], (usize, usize));

/// Pixman's places and factors are numbers of 16 bits before the point and 16 behind it.
const MOST: f64 = 32_767.0;
const LEAST: f64 = 1.0 / 32_768.0;

/// Whether Pixman can draw it. Where a window of 1 × 32767 pixels is to cover the output, it can't: nothing of it is drawn
/// then, rather than nothing at all.
pub fn is_drawable(element: &impl Element, scale: (f64, f64)) -> bool {
    let (place, src) = (element.geometry(scale.into()), element.src());
    let own = element.transform().transform_size(src.size);
    let along = |at: i32, shown: i32, from: f64, own: f64| {
        let factor = own / f64::from(shown);
        let most = f64::from(at).abs().max(f64::from(at) + f64::from(shown));
        (LEAST..=MOST).contains(&factor) && most <= MOST && most * factor + from <= MOST
    };
    own.to_i32_round::<i32>() == (place.size.w, place.size.h).into()
        || (along(place.loc.x, place.size.w, src.loc.x, own.w) && along(place.loc.y, place.size.h, src.loc.y, own.h))
}

/// Draws what has changed since the memory was drawn into, `age` compositions ago (0: never). Whether anything had.
pub fn damaged<E: RenderElement<PixmanRenderer>>(
    renderer: &mut PixmanRenderer,
    tracker: &mut OutputDamageTracker,
    (data, size): Picture<'_>,
    age: usize,
    elements: &[E],
) -> Result<bool> {
    // SAFETY: the image is dropped at the end of this function, before the memory.
    let mut image = unsafe { wrap(data, size) }?;
    let mut target = renderer.bind(&mut image).context("error binding a buffer")?;
    tracker
        .render_output(renderer, &mut target, age, elements, [0.0, 0.0, 0.0, 1.0])
        .map(|r| r.damage.is_some())
        .map_err(|why| anyhow::anyhow!("error composing: {why}"))
}

/// Draws elements (top to bottom) of this scale over a picture.
pub fn over<E: RenderElement<PixmanRenderer>>(
    renderer: &mut PixmanRenderer,
    (data, size): Picture<'_>,
    scale: (f64, f64),
    elements: &[E],
) -> Result<()> {
    let whole = Rectangle::from_size((size.0 as i32, size.1 as i32).into());
    // SAFETY: the image is dropped at the end of this function, before the memory.
    let mut image = unsafe { wrap(data, size) }?;
    let mut target = renderer.bind(&mut image).context("error binding a buffer")?;
    let mut frame = renderer
        .render(&mut target, whole.size, Transform::Normal)
        .context("error starting to compose")?;
    for element in elements.iter().rev() {
        let place = element.geometry(scale.into());
        let Some(mut seen) = place.intersection(whole) else {
            continue;
        };
        seen.loc -= place.loc;
        element
            .draw(&mut frame, element.src(), place, &[seen], &[])
            .context("error composing an overlay")?;
    }
    // Pixman draws at once: there is nothing to wait for.
    frame.finish().map(drop).context("error composing an overlay")
}

/// The memory as Pixman's.
///
/// # Safety
/// The image must not outlive the memory.
unsafe fn wrap(data: &mut [u8], (w, h): (usize, usize)) -> Result<pixman::Image<'static, 'static>> {
    anyhow::ensure!(
        data.len() >= w * h * 4 && (data.as_ptr() as usize).is_multiple_of(4),
        "a buffer is too small"
    );
    // SAFETY: the memory holds w * h * 4 bytes and is aligned for u32 (both checked above); that it lives long enough is
    // the caller's promise.
    unsafe {
        let pixels = data.as_mut_ptr().cast::<u32>();
        pixman::Image::from_raw_mut(pixman::FormatCode::X8R8G8B8, w, h, pixels, w * 4, false)
    }
    .ok()
    .context("error wrapping a buffer for Pixman")
}

/// What remembers the damage of pictures of this size, whose content has this scale.
pub fn tracker(size: Size, scale: (f64, f64)) -> OutputDamageTracker {
    let scale = Scale { x: scale.0, y: scale.1 };
    OutputDamageTracker::new((size.w as i32, size.h as i32), scale, Transform::Normal)
}
