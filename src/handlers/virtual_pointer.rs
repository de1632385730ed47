//! wlr-virtual-pointer: a client moves the pointer, presses and scrolls.
//!
//! Each request takes effect at once, as a mouse's event with a frame of its own. Buttons that are held when the object
//! goes are released.

use super::trusted;
use crate::state::State;
use goggles_protocols::input::Event;
use smithay::reexports::wayland_protocols_wlr::virtual_pointer::v1::server::{
    zwlr_virtual_pointer_manager_v1::{self as manager, ZwlrVirtualPointerManagerV1},
    zwlr_virtual_pointer_v1::{Error, Request, ZwlrVirtualPointerV1},
};
use smithay::reexports::wayland_server::backend::ClientId;
use smithay::reexports::wayland_server::protocol::wl_pointer::{Axis, ButtonState};
use smithay::reexports::wayland_server::{
    Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, New, Resource, WEnum,
};
use std::collections::BTreeSet;
use std::sync::Mutex;

/// A wheel's detent in `wl_pointer.axis` units, and in those of [`Event::Scroll`].
const DETENT: (f64, f64) = (15.0, 120.0);

/// The buttons that a virtual pointer holds down.
#[derive(Debug, Default)]
pub struct Held(Mutex<BTreeSet<u16>>);

/// Makes the global.
pub(super) fn init(dh: &DisplayHandle) {
    dh.create_global::<State, ZwlrVirtualPointerManagerV1, ()>(2, ());
}

impl GlobalDispatch<ZwlrVirtualPointerManagerV1, ()> for State {
    fn bind(
        _: &mut Self,
        _: &DisplayHandle,
        _: &Client,
        resource: New<ZwlrVirtualPointerManagerV1>,
        (): &(),
        init: &mut DataInit<'_, Self>,
    ) {
        init.init(resource, ());
    }

    fn can_view(client: Client, (): &()) -> bool {
        trusted(&client)
    }
}

impl Dispatch<ZwlrVirtualPointerManagerV1, ()> for State {
    fn request(
        _: &mut Self,
        _: &Client,
        _: &ZwlrVirtualPointerManagerV1,
        request: manager::Request,
        (): &(),
        _: &DisplayHandle,
        init: &mut DataInit<'_, Self>,
    ) {
        // There is one seat and one output, so that it does not matter which were named.
        if let manager::Request::CreateVirtualPointer { id, .. }
        | manager::Request::CreateVirtualPointerWithOutput { id, .. } = request
        {
            init.init(id, Held::default());
        }
    }
}

impl Dispatch<ZwlrVirtualPointerV1, Held> for State {
    fn request(
        state: &mut Self,
        _: &Client,
        pointer: &ZwlrVirtualPointerV1,
        request: Request,
        held: &Held,
        _: &DisplayHandle,
        _: &mut DataInit<'_, Self>,
    ) {
        match request {
            Request::Motion { dx, dy, .. } => state.inject(Event::Relative { dx, dy }),
            Request::MotionAbsolute {
                x,
                y,
                x_extent,
                y_extent,
                ..
            } if x_extent > 0 && y_extent > 0 => state.inject(Event::Absolute {
                x: (f64::from(x) / f64::from(x_extent)).min(1.0),
                y: (f64::from(y) / f64::from(y_extent)).min(1.0),
            }),
            Request::Button { button, state: how, .. } => {
                held.button(state, button, how == WEnum::Value(ButtonState::Pressed))
            }
            Request::Axis { axis, value, .. } => scroll(state, pointer, axis, value / DETENT.0 * DETENT.1),
            Request::AxisDiscrete { axis, discrete, .. } => {
                scroll(state, pointer, axis, f64::from(discrete) * DETENT.1);
            }
            Request::AxisSource { axis_source } if axis_source.into_result().is_err() => {
                pointer.post_error(Error::InvalidAxisSource, "no such source");
            }
            _ => {}
        }
    }

    fn destroyed(state: &mut Self, _: ClientId, _: &ZwlrVirtualPointerV1, held: &Held) {
        let left = held.0.lock().map(|mut codes| std::mem::take(&mut *codes));
        for code in left.unwrap_or_default() {
            state.inject(Event::Button { code, pressed: false });
        }
    }
}

impl Held {
    /// A press of a held button, and the release of one that is not, mean nothing.
    fn button(&self, state: &mut State, button: u32, pressed: bool) {
        // Linux has no codes beyond 0x2ff.
        let (Ok(code), Ok(mut codes)) = (u16::try_from(button), self.0.lock()) else {
            return;
        };
        let changed = if pressed {
            codes.insert(code)
        } else {
            codes.remove(&code)
        };
        drop(codes);
        if changed {
            state.inject(Event::Button { code, pressed });
        }
    }
}

fn scroll(state: &mut State, pointer: &ZwlrVirtualPointerV1, axis: WEnum<Axis>, v120: f64) {
    let (dx, dy) = match axis {
        WEnum::Value(Axis::VerticalScroll) => (0.0, v120),
        WEnum::Value(Axis::HorizontalScroll) => (v120, 0.0),
        _ => return pointer.post_error(Error::InvalidAxis, "no such axis"),
    };
    state.inject(Event::Scroll { dx, dy });
}
