//! wlr-virtual-pointer: another client's window feels it.

use crate::fixture::Fixture;
use wayland_client::WEnum;
use wayland_client::protocol::wl_pointer::{Axis, AxisSource, ButtonState, Event};
use wayland_protocols_wlr::virtual_pointer::v1::client::zwlr_virtual_pointer_manager_v1::ZwlrVirtualPointerManagerV1;

#[test]
fn a_virtual_pointer_points_clicks_and_scrolls() {
    let mut f = Fixture::new(64, 64);
    let mut game = f.client();
    let w = game.toplevel();
    f.settle(&mut [&mut game]);
    game.fill(&w.surface, (64, 64), 0x808080);
    let mut driver = f.client();
    let manager: ZwlrVirtualPointerManagerV1 = driver.global(2);
    let pointer = manager.create_virtual_pointer(None, &driver.qh(), ());
    f.advance(20, &mut [&mut game, &mut driver]);
    game.heard.pointer.clear();
    // Nowhere at all: it is passed over.
    pointer.motion_absolute(0, 5, 5, 0, 0);
    pointer.motion_absolute(0, 50, 25, 100, 100);
    pointer.motion(0, 4.0, -2.0);
    pointer.button(0, 0x110, ButtonState::Pressed);
    pointer.axis_source(AxisSource::Wheel);
    pointer.axis_discrete(0, Axis::VerticalScroll, 15.0, 2);
    pointer.axis(0, Axis::HorizontalScroll, -7.5);
    f.settle(&mut [&mut game, &mut driver]);
    assert!(
        game.heard.pointer.is_empty(),
        "before their frame: {:?}",
        game.heard.pointer
    );
    pointer.frame();
    f.settle(&mut [&mut game, &mut driver]);
    assert!(driver.error.is_none(), "{:?}", driver.error);
    let frames = game.heard.pointer.iter().filter(|e| matches!(e, Event::Frame)).count();
    assert_eq!(frames, 1, "{:?}", game.heard.pointer);
    let said: Vec<String> = game.heard.pointer.iter().map(|e| format!("{e:?}")).collect();
    for want in [
        "AxisSource { axis_source: Value(Wheel) }",
        "AxisDiscrete { axis: Value(VerticalScroll), discrete: 2 }",
    ] {
        assert!(said.iter().any(|e| e == want), "{want}: {said:?}");
    }
    let mut places = Vec::new();
    let (mut buttons, mut axes) = (Vec::new(), Vec::new());
    for event in game.heard.pointer.drain(..) {
        match event {
            Event::Enter {
                surface_x, surface_y, ..
            }
            | Event::Motion {
                surface_x, surface_y, ..
            } => {
                places.push((surface_x, surface_y));
            }
            Event::Button { button, state, .. } => buttons.push((button, state)),
            Event::Axis { axis, value, .. } => axes.push((axis, value)),
            _ => {}
        }
    }
    assert!(places.ends_with(&[(32.0, 16.0), (36.0, 14.0)]), "{places:?}");
    assert_eq!(game.heard.relative, [(4.0, -2.0)]);
    assert_eq!(buttons, [(0x110, WEnum::Value(ButtonState::Pressed))]);
    assert_eq!(
        axes,
        [
            (WEnum::Value(Axis::HorizontalScroll), -7.5),
            (WEnum::Value(Axis::VerticalScroll), 15.0)
        ]
    );
    // What it held is let go with it.
    pointer.destroy();
    f.settle(&mut [&mut game, &mut driver]);
    let released = game.heard.pointer.iter().any(
        |e| matches!(e, Event::Button { button: 0x110, state, .. } if *state == WEnum::Value(ButtonState::Released)),
    );
    assert!(released, "{:?}", game.heard.pointer);
}
