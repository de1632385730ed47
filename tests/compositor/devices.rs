//! Touch, pen and gestures.

use crate::client::{Client, Window};
use crate::fixture::Fixture;
use goggles_protocols::input::Event;
use goggles_scope::input::{gesture::Gesture, pen::Pen, touch::Touch};
use wayland_client::protocol::wl_seat::Capability;
use wayland_protocols::wp::pointer_gestures::zv1::client::zwp_pointer_gestures_v1::ZwpPointerGesturesV1;
use wayland_protocols::wp::tablet::zv2::client::zwp_tablet_manager_v2::ZwpTabletManagerV2;

fn start(f: &mut Fixture) -> (Client, Window) {
    let mut c = f.client();
    let w = c.toplevel();
    f.settle(&mut [&mut c]);
    c.fill(&w.surface, (64, 64), 0x808080);
    f.advance(20, &mut [&mut c]);
    (c, w)
}

#[test]
fn a_seat_has_touch_from_the_first_finger_on() {
    let mut f = Fixture::new(64, 64);
    let (mut c, _w) = start(&mut f);
    assert_eq!(c.heard.seat & u32::from(Capability::Touch), 0);
    // The first finger's own down goes unheard: its client could not have asked for the touch object yet.
    f.state.touch(Touch::Down {
        finger: 0,
        x: 0.1,
        y: 0.1,
    });
    f.state.touch(Touch::Up { finger: 0 });
    f.settle(&mut [&mut c]);
    assert_ne!(c.heard.seat & u32::from(Capability::Touch), 0);
    c.globals().seat.get_touch(&c.qh(), ());
    f.settle(&mut [&mut c]);
    f.state.touch(Touch::Down {
        finger: 3,
        x: 0.5,
        y: 0.25,
    });
    f.state.touch(Touch::Down {
        finger: 4,
        x: 0.75,
        y: 0.5,
    });
    f.state.touch(Touch::Motion {
        finger: 3,
        x: 0.25,
        y: 0.25,
    });
    f.state.touch(Touch::Up { finger: 3 });
    f.settle(&mut [&mut c]);
    assert!(c.heard.said("wl_touch", "id: 3, x: 32.0, y: 16.0"), "{:?}", c.heard.log);
    assert!(c.heard.said("wl_touch", "id: 4, x: 48.0, y: 32.0"));
    assert!(c.heard.said("wl_touch: Motion", "id: 3, x: 16.0, y: 16.0"));
    assert!(c.heard.said("wl_touch: Up", "id: 3"));
    assert!(c.heard.count("wl_touch", "Frame") >= 4);
}

#[test]
fn a_pen_draws_with_pressure_and_tilt() {
    let mut f = Fixture::new(64, 64);
    let (mut c, _w) = start(&mut f);
    let manager: ZwpTabletManagerV2 = c.global(1);
    manager.get_tablet_seat(&c.globals().seat, &c.qh(), ());
    f.settle(&mut [&mut c]);
    assert!(
        !c.heard.said("zwp_tablet_seat_v2", "TabletAdded"),
        "there is no pen yet"
    );
    let at = |pressure| Pen::Motion {
        x: 0.5,
        y: 0.25,
        pressure,
        tilt: (10.0, -5.0),
    };
    f.state.pen(at(0.0));
    f.state.pen(Pen::Down);
    f.state.pen(at(0.5));
    f.state.pen(Pen::Button {
        code: 0x14b,
        pressed: true,
    });
    f.state.pen(Pen::Up);
    f.state.pen(Pen::Away);
    f.settle(&mut [&mut c]);
    let tool = "zwp_tablet_tool_v2";
    assert!(c.heard.said("zwp_tablet_seat_v2", "TabletAdded"));
    for what in [
        "ProximityIn",
        "Motion { x: 32.0, y: 16.0 }",
        "Down",
        "Pressure { pressure: 32768 }",
        "Tilt { tilt_x: 10.0, tilt_y: -5.0 }",
        "button: 331",
        "Up",
        "ProximityOut",
        "Frame",
    ] {
        assert!(c.heard.said(tool, what), "{what}: {:?}", c.heard.log);
    }
}

#[test]
fn gestures_reach_the_window_under_the_pointer() {
    let mut f = Fixture::new(64, 64);
    let (mut c, _w) = start(&mut f);
    let manager: ZwpPointerGesturesV1 = c.global(3);
    let pointer = &c.globals().pointer;
    manager.get_swipe_gesture(pointer, &c.qh(), ());
    manager.get_pinch_gesture(pointer, &c.qh(), ());
    manager.get_hold_gesture(pointer, &c.qh(), ());
    f.state.inject(Event::Absolute { x: 0.5, y: 0.5 });
    f.settle(&mut [&mut c]);
    for gesture in [
        Gesture::SwipeBegin { fingers: 3 },
        Gesture::Swipe { dx: 4.0, dy: -2.0 },
        Gesture::SwipeEnd { cancelled: false },
        Gesture::PinchBegin { fingers: 2 },
        Gesture::Pinch {
            dx: 0.0,
            dy: 0.0,
            scale: 1.5,
            rotation: 45.0,
        },
        Gesture::PinchEnd { cancelled: true },
        Gesture::HoldBegin { fingers: 4 },
        Gesture::HoldEnd { cancelled: false },
    ] {
        f.state.gesture(gesture);
    }
    f.settle(&mut [&mut c]);
    let log = &c.heard;
    assert!(
        log.said("zwp_pointer_gesture_swipe_v1: Begin", "fingers: 3"),
        "{:?}",
        log.log
    );
    assert!(log.said("zwp_pointer_gesture_swipe_v1: Update", "dx: 4.0, dy: -2.0"));
    assert!(log.said("zwp_pointer_gesture_pinch_v1: Update", "scale: 1.5, rotation: 45.0"));
    assert!(log.said("zwp_pointer_gesture_pinch_v1: End", "cancelled: 1"));
    assert!(log.said("zwp_pointer_gesture_hold_v1: Begin", "fingers: 4"));
    assert!(log.said("zwp_pointer_gesture_hold_v1: End", "cancelled: 0"));
}
