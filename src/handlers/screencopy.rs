//! wlr-screencopy: a client takes pictures of the output, whole or a region, into its shared memory.
//!
//! The picture is what the stream shows, at the output's size. The cursor is never in it, though a client may ask for it:
//! viewers draw it themselves, so that there is no picture with it. Owns the copies that were asked for: all of one loop
//! iteration are taken from one picture, and `copy_with_damage` waits until a changed one is latched.

use super::trusted;
use crate::link::Size;
use crate::state::{Scope, State};
use smithay::reexports::wayland_protocols_wlr::screencopy::v1::server::{
    zwlr_screencopy_frame_v1::{self as frame, Error, Flags, Request, ZwlrScreencopyFrameV1},
    zwlr_screencopy_manager_v1::{self as manager, ZwlrScreencopyManagerV1},
};
use smithay::reexports::wayland_server::protocol::{wl_buffer::WlBuffer, wl_shm::Format};
use smithay::reexports::wayland_server::{Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, New, Resource};
use smithay::utils::{Logical, Rectangle};
use smithay::wayland::shm::{BufferData, with_buffer_contents, with_buffer_contents_mut};
use std::sync::atomic::{AtomicBool, Ordering};

/// Of what a frame is a picture.
#[derive(Debug)]
pub struct Frame {
    /// In the output's pixels, and on the output; empty: there is nothing.
    part: Rectangle<i32, Logical>,
    /// A copy was asked for.
    used: AtomicBool,
}

/// So many copies may a client ask for before they are done; one more fails. One that takes films has one or two.
const MOST: usize = 64;

/// The copies that are to be done.
#[derive(Debug, Default)]
pub struct Screencopy {
    asked: Vec<Copy>,
    /// Something new has been latched since they were looked at.
    latched: bool,
}

#[derive(Debug)]
struct Copy {
    frame: ZwlrScreencopyFrameV1,
    buffer: WlBuffer,
    /// Only once something has changed.
    wait: bool,
}

impl Screencopy {
    /// Makes the global.
    pub(super) fn new(dh: &DisplayHandle) -> Self {
        dh.create_global::<State, ZwlrScreencopyManagerV1, ()>(3, ());
        Self::default()
    }
}

impl GlobalDispatch<ZwlrScreencopyManagerV1, ()> for State {
    fn bind(
        _: &mut Self,
        _: &DisplayHandle,
        _: &Client,
        resource: New<ZwlrScreencopyManagerV1>,
        (): &(),
        init: &mut DataInit<'_, Self>,
    ) {
        init.init(resource, ());
    }

    fn can_view(client: Client, (): &()) -> bool {
        trusted(&client)
    }
}

impl Dispatch<ZwlrScreencopyManagerV1, ()> for State {
    fn request(
        state: &mut Self,
        _: &Client,
        _: &ZwlrScreencopyManagerV1,
        request: manager::Request,
        (): &(),
        _: &DisplayHandle,
        init: &mut DataInit<'_, Self>,
    ) {
        let out = state.scope.settings.output;
        let area = state.scope.area;
        let (id, wanted) = match request {
            manager::Request::CaptureOutput { frame, .. } => (frame, Rectangle::from_size(area)),
            manager::Request::CaptureOutputRegion {
                frame,
                x,
                y,
                width,
                height,
                ..
            } => (
                frame,
                Rectangle::new((x, y).into(), (width.max(0), height.max(0)).into()),
            ),
            _ => return,
        };
        let part = part(wanted, (area.w, area.h), out);
        let used = AtomicBool::new(false);
        let frame = init.init(id, Frame { part, used });
        if part.is_empty() {
            frame.failed();
            return;
        }
        let (w, h) = (part.size.w as u32, part.size.h as u32);
        frame.buffer(Format::Xrgb8888, w, h, w * 4);
        if frame.version() >= frame::EVT_BUFFER_DONE_SINCE {
            frame.buffer_done();
        }
    }
}

/// The pixels of a picture of size `out` that show this part of an output that clients see as `area`.
fn part(wanted: Rectangle<i32, Logical>, area: (i32, i32), out: Size) -> Rectangle<i32, Logical> {
    // A client's numbers are any; in 64 bits nothing overflows.
    let along = |at: i32, length: i32, area: i32, out: u32| {
        let scaled = |v: i64| (v.clamp(0, i64::from(area)) * i64::from(out) / i64::from(area.max(1))) as i32;
        let from = scaled(i64::from(at));
        (from, scaled(i64::from(at) + i64::from(length)) - from)
    };
    let (x, w) = along(wanted.loc.x, wanted.size.w, area.0, out.w);
    let (y, h) = along(wanted.loc.y, wanted.size.h, area.1, out.h);
    Rectangle::new((x, y).into(), (w, h).into())
}

impl Dispatch<ZwlrScreencopyFrameV1, Frame> for State {
    fn request(
        state: &mut Self,
        _: &Client,
        frame: &ZwlrScreencopyFrameV1,
        request: Request,
        data: &Frame,
        _: &DisplayHandle,
        _: &mut DataInit<'_, Self>,
    ) {
        let (buffer, wait) = match request {
            Request::Copy { buffer } => (buffer, false),
            Request::CopyWithDamage { buffer } => (buffer, true),
            _ => return,
        };
        if data.used.swap(true, Ordering::Relaxed) {
            frame.post_error(Error::AlreadyUsed, "the frame was used already");
            return;
        }
        if !with_buffer_contents(&buffer, |_, _, shape| fits(&shape, data.part)).unwrap_or(false) {
            frame.post_error(Error::InvalidBuffer, "the buffer is not as the frame asks for");
            return;
        }
        let asked = &mut state.scope.extras.screencopy.asked;
        asked.retain(|copy| copy.frame.is_alive());
        let its = asked.iter().filter(|copy| copy.frame.id().same_client_as(&frame.id()));
        if data.part.is_empty() || its.count() >= MOST {
            frame.failed();
            return;
        }
        let frame = frame.clone();
        asked.push(Copy { frame, buffer, wait });
    }
}

fn fits(shape: &BufferData, part: Rectangle<i32, Logical>) -> bool {
    shape.format == Format::Xrgb8888
        && (shape.width, shape.height) == (part.size.w, part.size.h)
        && shape.stride == part.size.w * 4
}

impl Scope {
    /// A frame with something new was latched: whoever waited for that has it.
    pub(crate) fn screencopy_latched(&mut self) {
        self.extras.screencopy.latched = true;
    }
}

impl State {
    /// Does the copies that are due.
    pub(crate) fn screencopy_turn(&mut self) {
        let screencopy = &mut self.scope.extras.screencopy;
        let latched = std::mem::take(&mut screencopy.latched);
        screencopy.asked.retain(|copy| copy.frame.is_alive());
        let all = std::mem::take(&mut screencopy.asked);
        let (due, later) = all.into_iter().partition(|copy| latched || !copy.wait);
        screencopy.asked = later;
        if !Vec::is_empty(&due) {
            self.copy_frames(&due);
        }
    }

    fn copy_frames(&mut self, copies: &[Copy]) {
        if self.scope.scene_dirty {
            self.relayout();
        }
        let picture = match self.backend.snapshot(&self.scope) {
            Ok(picture) => picture,
            Err(why) => {
                tracing::error!("{why:#}");
                copies.iter().for_each(|copy| copy.frame.failed());
                return;
            }
        };
        let stride = self.scope.settings.output.w as usize * 4;
        for Copy { frame, buffer, wait } in copies {
            let Some(data) = frame.data::<Frame>() else {
                continue;
            };
            if buffer.is_alive() && copy(&picture, stride, data.part, buffer) {
                self.tell_ready(frame, wait.then_some(data.part));
            } else {
                frame.failed();
            }
        }
    }

    fn tell_ready(&self, frame: &ZwlrScreencopyFrameV1, damage: Option<Rectangle<i32, Logical>>) {
        frame.flags(Flags::empty());
        if let Some(part) = damage {
            // Which part of it changed is not followed.
            frame.damage(0, 0, part.size.w as u32, part.size.h as u32);
        }
        let (seconds, rest) = (self.scope.now.0 / 1_000_000_000, self.scope.now.0 % 1_000_000_000);
        frame.ready((seconds >> 32) as u32, seconds as u32, rest as u32);
    }
}

/// Copies a part of the picture. Whether the client's memory held it.
fn copy(picture: &[u8], stride: usize, part: Rectangle<i32, Logical>, buffer: &WlBuffer) -> bool {
    let (x, y) = (part.loc.x as usize * 4, part.loc.y as usize);
    let (w, h) = (part.size.w as usize * 4, part.size.h as usize);
    let copied = with_buffer_contents_mut(buffer, |memory, length, shape| {
        let offset = shape.offset as usize;
        // The pool may have been made anew since the request.
        let fits = shape.offset >= 0 && fits(&shape, part) && offset.saturating_add(w * h) <= length;
        // Nor need the output still be as large.
        if !fits || x + w > stride || (y + h) * stride > picture.len() {
            return false;
        }
        for row in 0..h {
            let source = &picture[(y + row) * stride + x..][..w];
            // SAFETY: rows are `w` bytes each without gaps (`fits`), and all `h` of them lie within the pool's `length`
            // bytes; the client may write there meanwhile, so that no reference to its memory is made.
            unsafe {
                memory
                    .add(offset + row * w)
                    .copy_from_nonoverlapping(source.as_ptr(), w)
            };
        }
        true
    });
    copied.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_scaled_and_kept_on_the_output() {
        let out = Size { w: 200, h: 100 };
        let of = |x, y, w, h| {
            let r = part(Rectangle::new((x, y).into(), (w, h).into()), (100, 50), out);
            (r.loc.x, r.loc.y, r.size.w, r.size.h)
        };
        assert_eq!(of(0, 0, 100, 50), (0, 0, 200, 100));
        assert_eq!(of(10, 5, 20, 10), (20, 10, 40, 20));
        assert_eq!(of(-10, 40, 20, 100), (0, 80, 20, 20));
        assert_eq!(of(i32::MAX, 0, i32::MAX, 10), (200, 0, 0, 20));
        assert_eq!(of(i32::MIN, 0, i32::MAX, 10), (0, 0, 0, 20));
    }
}
