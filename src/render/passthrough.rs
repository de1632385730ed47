//! Pass-through: when one opaque `wl_shm` client fills the output, its buffer is the frame and nothing is composed.

use crate::handlers::unmodified;
use crate::link::Size;
use crate::scene::{layout::Fit, stack::Placed};
use smithay::backend::renderer::utils::{Buffer, CommitCounter, with_renderer_surface_state};
use smithay::reexports::wayland_server::{Resource, backend::ObjectId, protocol::wl_shm};
use smithay::utils::{Point, Rectangle, Transform};
use smithay::wayland::compositor::get_children;
use smithay::wayland::shm::with_buffer_contents;

/// A buffer that can be shown as it is.
#[derive(Debug)]
pub struct Direct {
    /// The client's buffer; its drop releases it.
    pub buffer: Buffer,
    /// Whose it is.
    pub surface: ObjectId,
    /// Which commit it belongs to.
    pub commit: CommitCounter,
    /// Whether anything changed since the commit given to [`find`].
    pub damaged: bool,
}

/// Looks for the one surface that is the whole picture. `last` is what the last frame was taken from.
pub fn find(placed: &[Placed], fit: &Fit, output: Size, last: Option<&(ObjectId, CommitCounter)>) -> Option<Direct> {
    let top = placed.first()?;
    // Whatever lies under an opaque surface that covers the output cannot be seen.
    if top.alpha < 1.0
        || !top.own.unwrap_or(*fit).is_identity()
        || top.at != Point::from((0, 0))
        || !get_children(&top.surface).is_empty()
        || !unmodified(&top.surface)
    {
        return None;
    }
    let whole = Rectangle::from_size((output.w as i32, output.h as i32).into());
    with_renderer_surface_state(&top.surface, |state| {
        let buffer = state.buffer()?;
        let view = state.view()?;
        let plain = state.buffer_scale() == 1
            && state.buffer_transform() == Transform::Normal
            && view.dst == whole.size
            && view.offset == Point::from((0, 0))
            && view.src == Rectangle::from_size(whole.size.to_f64());
        if !plain {
            return None;
        }
        let (format, size) = with_buffer_contents(buffer, |_, _, d| (d.format, (d.width, d.height))).ok()?;
        let opaque = match format {
            wl_shm::Format::Xrgb8888 => true,
            wl_shm::Format::Argb8888 => state
                .opaque_regions()
                .is_some_and(|r| Rectangle::subtract_rects_many([whole], r.iter().copied()).is_empty()),
            _ => false,
        };
        if !opaque || size != (whole.size.w, whole.size.h) {
            return None;
        }
        let surface = top.surface.id();
        let since = last.filter(|(id, _)| *id == surface).map(|(_, commit)| *commit);
        let damaged = since.is_none() || !state.damage_since(since).is_empty();
        Some(Direct {
            buffer: buffer.clone(),
            surface,
            commit: state.current_commit(),
            damaged,
        })
    })?
}
