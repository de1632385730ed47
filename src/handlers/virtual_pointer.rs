//! wlr-virtual-pointer: a client moves the pointer, presses and scrolls.
//!
//! Requests take effect with their `frame`, and clients see them as one group of events. Buttons that are held when the
//! object goes are released. Owns what was asked for since the last frame.

use super::trusted;
use crate::state::State;
use goggles_protocols::input::Event;
use smithay::backend::input::{Axis, AxisSource};
use smithay::input::pointer::AxisFrame;
use smithay::reexports::wayland_protocols_wlr::virtual_pointer::v1::server::{
    zwlr_virtual_pointer_manager_v1::{self as manager, ZwlrVirtualPointerManagerV1},
    zwlr_virtual_pointer_v1::{Error, Request, ZwlrVirtualPointerV1},
};
use smithay::reexports::wayland_server::backend::ClientId;
use smithay::reexports::wayland_server::protocol::wl_pointer::{self, ButtonState};
use smithay::reexports::wayland_server::{
    Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, New, Resource, WEnum,
};
use std::collections::BTreeSet;
use std::sync::Mutex;

/// A wheel's detent in 120ths.
const DETENT: i32 = 120;

/// So many requests make a frame at most; then they take effect without one.
const MOST: usize = 256;

/// No wheel turns further at once.
const MOST_DETENTS: i32 = 1000;

/// What a virtual pointer is doing.
#[derive(Debug, Default)]
pub struct Virtual(Mutex<Doing>);

#[derive(Debug, Default)]
struct Doing {
    /// The buttons that it holds down.
    held: BTreeSet<u16>,
    /// Since the last frame, in order.
    events: Vec<Event>,
    /// Likewise, and last.
    scroll: Option<AxisFrame>,
}

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
            init.init(id, Virtual::default());
        }
    }
}

impl Dispatch<ZwlrVirtualPointerV1, Virtual> for State {
    fn request(
        state: &mut Self,
        _: &Client,
        pointer: &ZwlrVirtualPointerV1,
        request: Request,
        virtual_pointer: &Virtual,
        _: &DisplayHandle,
        _: &mut DataInit<'_, Self>,
    ) {
        let Ok(mut doing) = virtual_pointer.0.lock() else {
            return;
        };
        let time = state.time_ms();
        let done = doing.take_in(request, time);
        match done {
            Ok(false) if doing.events.len() < MOST => {}
            Ok(_) => {
                let events = std::mem::take(&mut doing.events);
                let scroll = doing.scroll.take();
                drop(doing);
                state.virtual_frame(events, scroll);
            }
            Err((error, what)) => pointer.post_error(error, what),
        }
    }

    fn destroyed(state: &mut Self, _: ClientId, _: &ZwlrVirtualPointerV1, virtual_pointer: &Virtual) {
        let left = virtual_pointer.0.lock().map(|mut doing| {
            // What was not framed never happened.
            doing.events.clear();
            std::mem::take(&mut doing.held)
        });
        for code in left.unwrap_or_default() {
            state.inject(Event::Button { code, pressed: false });
        }
    }
}

impl Doing {
    /// Adds a request to the frame. Whether the frame is complete.
    fn take_in(&mut self, request: Request, time: u32) -> Result<bool, (Error, &'static str)> {
        match request {
            Request::Motion { dx, dy, .. } => self.events.push(Event::Relative { dx, dy }),
            Request::MotionAbsolute {
                x,
                y,
                x_extent,
                y_extent,
                ..
            } if x_extent > 0 && y_extent > 0 => self.events.push(Event::Absolute {
                x: (f64::from(x) / f64::from(x_extent)).min(1.0),
                y: (f64::from(y) / f64::from(y_extent)).min(1.0),
            }),
            Request::Button { button, state, .. } => self.button(button, state == WEnum::Value(ButtonState::Pressed)),
            Request::Axis { axis, value, .. } => {
                let axis = known(axis)?;
                self.scrolls(time, |frame| frame.value(axis, value));
            }
            Request::AxisDiscrete {
                axis, value, discrete, ..
            } => {
                let axis = known(axis)?;
                let v120 = discrete.clamp(-MOST_DETENTS, MOST_DETENTS) * DETENT;
                self.scrolls(time, |frame| frame.value(axis, value).v120(axis, v120));
            }
            Request::AxisStop { axis, .. } => {
                let axis = known(axis)?;
                self.scrolls(time, |frame| frame.stop(axis));
            }
            Request::AxisSource { axis_source } => {
                let source = match axis_source {
                    WEnum::Value(wl_pointer::AxisSource::Wheel) => AxisSource::Wheel,
                    WEnum::Value(wl_pointer::AxisSource::Finger) => AxisSource::Finger,
                    WEnum::Value(wl_pointer::AxisSource::Continuous) => AxisSource::Continuous,
                    WEnum::Value(wl_pointer::AxisSource::WheelTilt) => AxisSource::WheelTilt,
                    _ => return Err((Error::InvalidAxisSource, "no such source")),
                };
                self.scrolls(time, |frame| frame.source(source));
            }
            Request::Frame => return Ok(true),
            _ => {}
        }
        Ok(false)
    }

    fn scrolls(&mut self, time: u32, how: impl FnOnce(AxisFrame) -> AxisFrame) {
        let frame = self.scroll.take().unwrap_or_else(|| AxisFrame::new(time));
        self.scroll = Some(how(frame));
    }

    /// A press of a held button, and the release of one that is not, mean nothing.
    fn button(&mut self, button: u32, pressed: bool) {
        // Linux has no codes beyond 0x2ff.
        let Ok(code) = u16::try_from(button) else { return };
        let changed = if pressed {
            self.held.insert(code)
        } else {
            self.held.remove(&code)
        };
        if changed {
            self.events.push(Event::Button { code, pressed });
        }
    }
}

fn known(axis: WEnum<wl_pointer::Axis>) -> Result<Axis, (Error, &'static str)> {
    match axis {
        WEnum::Value(wl_pointer::Axis::VerticalScroll) => Ok(Axis::Vertical),
        WEnum::Value(wl_pointer::Axis::HorizontalScroll) => Ok(Axis::Horizontal),
        _ => Err((Error::InvalidAxis, "no such axis")),
    }
}

impl State {
    fn virtual_frame(&mut self, events: Vec<Event>, scroll: Option<AxisFrame>) {
        if events.is_empty() && scroll.is_none() {
            return;
        }
        for event in events {
            self.inject_part(event);
        }
        if let Some(scroll) = scroll {
            self.inject_axis(scroll);
        }
        self.pointer_frame();
    }
}
