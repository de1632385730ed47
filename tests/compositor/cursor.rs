//! What viewers hear of the cursor with the options that are about it.

use crate::client::{Client, Heard};
use crate::fixture::{Fixture, PIXELS, REFRESH, png, settings};
use goggles_protocols::cursor::Update;
use goggles_protocols::input::Event;
use goggles_scope::cli::{Action, parse};
use goggles_scope::config::Settings;
use goggles_scope::link::{FromScope, Size};
use std::ffi::OsString;
use wayland_client::delegate_noop;
use wayland_client::protocol::wl_pointer;
use wayland_client::protocol::wl_shm::Format;
use wayland_protocols::wp::cursor_shape::v1::client::{
    wp_cursor_shape_device_v1::{Shape, WpCursorShapeDeviceV1},
    wp_cursor_shape_manager_v1::WpCursorShapeManagerV1,
};

/// A session with these options about the cursor.
fn fixture(args: &[OsString]) -> Fixture {
    let first = ["goggles-scope", "-H", "2160"].map(OsString::from);
    let Ok(Action::Run(read)) = parse(first.into_iter().chain(args.iter().cloned()), &|_| None) else {
        panic!("the options are refused")
    };
    Fixture::with(Settings {
        cursor: read.cursor,
        cursor_hotspot: read.cursor_hotspot,
        cursor_scale_height: read.cursor_scale_height,
        ..settings(32, 2160)
    })
}

/// The images, or that there is none, since the last call.
fn heard(f: &mut Fixture) -> Vec<Update> {
    let cursors = f.told().into_iter().filter_map(|message| match message {
        FromScope::Cursor(update @ (Update::Image { .. } | Update::Hidden)) => Some(update),
        _ => None,
    });
    cursors.collect()
}

/// A window that the pointer is over, and the serial by which its client may set the cursor.
fn entered(f: &mut Fixture, c: &mut Client) -> u32 {
    let w = c.toplevel();
    f.settle(&mut [c]);
    c.fill(&w.surface, (32, 32), 0x335577);
    f.advance(20, &mut [c]);
    f.state.inject(Event::Absolute { x: 0.5, y: 0.5 });
    f.settle(&mut [c]);
    let serial = c.heard.pointer.iter().find_map(|e| match e {
        wl_pointer::Event::Enter { serial, .. } => Some(*serial),
        _ => None,
    });
    f.told();
    serial.expect("the pointer entered")
}

/// The client sets an image of 2 x 1 pixels, opaque and half transparent.
fn set_image(f: &mut Fixture, c: &mut Client, serial: u32) {
    let cursor = c.surface();
    let image = c.buffer(2, 1, Format::Argb8888, |x, _| [0xff11_2233, 0x8040_0000][x as usize]);
    c.show(&cursor, &image, (2, 1));
    c.globals().pointer.set_cursor(serial, Some(&cursor), 1, 0);
    f.advance(20, &mut [c]);
}

#[test]
fn the_users_image_is_the_default_and_a_games_own_wins() {
    let (_folder, path) = png();
    let mut f = fixture(&["--cursor".into(), path, "--cursor-hotspot".into(), "2,0".into()]);
    let own = Update::Image {
        width: 3,
        height: 1,
        hot_x: 2,
        hot_y: 0,
        rgba: PIXELS.into(),
    };
    assert_eq!(heard(&mut f), std::slice::from_ref(&own));
    let mut c = f.client();
    let serial = entered(&mut f, &mut c);
    set_image(&mut f, &mut c, serial);
    let images = heard(&mut f);
    assert!(
        matches!(images.last(), Some(Update::Image { width: 2, .. })),
        "{images:?}"
    );
    c.globals().pointer.set_cursor(serial, None, 0, 0);
    f.advance(20, &mut [&mut c]);
    assert_eq!(heard(&mut f), [Update::Hidden]);
    let shapes: WpCursorShapeManagerV1 = c.global(1);
    let shape = shapes.get_pointer(&c.globals().pointer, &c.qh(), ());
    shape.set_shape(serial, Shape::Text);
    f.settle(&mut [&mut c]);
    let text = heard(&mut f);
    assert!(
        matches!(&text[..], [image @ Update::Image { .. }] if *image != own),
        "{text:?}"
    );
    shape.set_shape(serial, Shape::Default);
    f.settle(&mut [&mut c]);
    assert_eq!(heard(&mut f), [own]);
}

#[test]
fn without_a_hotspot_it_is_the_corner() {
    let (_folder, path) = png();
    let mut f = fixture(&["--cursor".into(), path]);
    assert!(matches!(heard(&mut f)[..], [Update::Image { hot_x: 0, hot_y: 0, .. }]));
}

#[test]
fn it_grows_with_the_output_whosever_it_is() {
    let (_folder, path) = png();
    let args = ["--cursor-scale-height", "720", "--cursor"].map(OsString::from);
    let args: Vec<_> = args
        .into_iter()
        .chain([path, "--cursor-hotspot".into(), "1,0".into()])
        .collect();
    // 2160 rows are three times 720.
    let size = |update: &Update| match update {
        Update::Image {
            width,
            height,
            hot_x,
            hot_y,
            rgba,
        } => {
            assert_eq!(rgba.len(), usize::from(*width) * usize::from(*height) * 4);
            (*width, *height, *hot_x, *hot_y)
        }
        other => panic!("{other:?}"),
    };
    let mut f = fixture(&args);
    assert_eq!(heard(&mut f).iter().map(size).collect::<Vec<_>>(), [(9, 3, 3, 0)]);
    // And with it, while the session runs.
    f.state
        .set_output(Size { w: 32, h: 1440 }, REFRESH)
        .expect("it is changed");
    f.settle(&mut []);
    assert_eq!(heard(&mut f).iter().map(size).collect::<Vec<_>>(), [(6, 2, 2, 0)]);
    let mut f = fixture(&args[..2]);
    let theme = heard(&mut f);
    assert_eq!(theme.len(), 1);
    let mut c = f.client();
    let serial = entered(&mut f, &mut c);
    set_image(&mut f, &mut c, serial);
    let images = heard(&mut f);
    assert_eq!(images.last().map(size), Some((6, 3, 3, 0)));
    let Some(Update::Image { rgba, .. }) = images.last() else {
        panic!("no image")
    };
    assert_eq!(
        (&rgba[..4], &rgba[20..24]),
        (&[0x11, 0x22, 0x33, 0xff][..], &[0x80, 0, 0, 0x80][..])
    );
}

delegate_noop!(Heard: WpCursorShapeManagerV1);
delegate_noop!(Heard: WpCursorShapeDeviceV1);
