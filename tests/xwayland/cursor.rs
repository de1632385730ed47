//! Who says what the cursor looks like, and that X11 programs are told whether it is to be seen.

use crate::desk::{Desk, H, W};
use crate::fixture::{PIXELS, png, settings};
use crate::x::{RED, X};
use goggles_protocols::cursor::Update;
use goggles_protocols::input::Event;
use goggles_scope::config::Settings;
use goggles_scope::link::FromScope;
use std::time::Duration;
use x11rb::connection::Connection as _;
use x11rb::protocol::xfixes::ConnectionExt as _;
use x11rb::protocol::xproto::{ChangeWindowAttributesAux, ConnectionExt as _};

/// A window that the pointer is over.
fn pointed_at(desk: &mut Desk, x: &X) -> u32 {
    let window = x.window((0, 0, W, H), RED);
    x.map(window);
    desk.until_seen(&[(1, 1, RED)]);
    desk.f.state.inject(Event::Absolute { x: 0.5, y: 0.5 });
    window
}

/// Lives until the newest image that viewers were told, of those that an X11 program gave, `is` so.
fn until_image(desk: &mut Desk, what: &str, is: impl Fn(&Update) -> bool) {
    let mut newest = None;
    desk.until(what, |d| {
        for message in d.f.told() {
            if let FromScope::Cursor(update @ Update::Image { .. }) = message {
                newest = d.f.state.scope.cursor.surface().map(|_| update);
            }
        }
        newest.as_ref().is_some_and(&is)
    });
}

#[test]
fn the_users_image_is_x11_programs_default_and_their_own_wins() {
    let (_folder, path) = png();
    let mut desk = Desk::with(Settings {
        cursor: Some(path.into()),
        cursor_hotspot: (2, 0),
        ..settings(W.into(), H.into())
    });
    desk.start();
    let x = desk.x();
    let window = pointed_at(&mut desk, &x);
    let users = Update::Image {
        width: 3,
        height: 1,
        hot_x: 2,
        hot_y: 0,
        rgba: PIXELS.into(),
    };
    until_image(&mut desk, "it is the user's", |image| *image == users);
    let ids: [u32; 2] = std::array::from_fn(|_| x.conn.generate_id().expect("a number"));
    let [pixmap, cursor] = ids;
    x.conn.create_pixmap(1, pixmap, x.root, 8, 8).expect("a request");
    let (white, black) = (u16::MAX, 0);
    x.conn
        .create_cursor(
            cursor,
            pixmap,
            x11rb::NONE,
            white,
            white,
            white,
            black,
            black,
            black,
            0,
            0,
        )
        .expect("a request");
    let own = ChangeWindowAttributesAux::new().cursor(cursor);
    x.conn.change_window_attributes(window, &own).expect("a request");
    x.flush();
    until_image(&mut desk, "it is the program's", |image| *image != users);
}

#[test]
fn whether_it_is_to_be_seen_is_told() {
    let mut desk = Desk::new();
    let x = desk.x();
    let window = pointed_at(&mut desk, &x);
    let told = |x: &X| x.words(x.root, "GAMESCOPE_CURSOR_VISIBLE_FEEDBACK");
    desk.until("it is seen", |_| told(&x) == [1]);
    x.conn.xfixes_query_version(4, 0).unwrap().reply().unwrap();
    x.conn.xfixes_hide_cursor(window).unwrap();
    x.flush();
    desk.until("its program hid it", |_| told(&x) == [0]);
    x.conn.xfixes_show_cursor(window).unwrap();
    x.flush();
    desk.until("it shows it", |_| told(&x) == [1]);
}

#[test]
fn that_it_hides_by_itself_is_told_at_once() {
    let mut desk = Desk::with(Settings {
        hide_cursor: Some(Duration::from_millis(200)),
        ..settings(W.into(), H.into())
    });
    desk.start();
    let x = desk.x();
    pointed_at(&mut desk, &x);
    desk.until("it hides", |d| !d.f.state.scope.cursor.is_visible());
    // Nothing else may happen for long.
    let due = desk.f.state.deadline();
    assert!(due.is_some_and(|due| due <= desk.f.now()), "{due:?}");
    desk.until("it is told", |_| {
        x.words(x.root, "GAMESCOPE_CURSOR_VISIBLE_FEEDBACK") == [0]
    });
}

#[test]
fn a_program_that_hides_it_may_put_the_pointer_elsewhere() {
    let mut desk = Desk::new();
    let x = desk.x();
    let window = pointed_at(&mut desk, &x);
    desk.until("the program has set one", |d| {
        d.f.state.scope.cursor.surface().is_some()
    });
    x.conn.xfixes_query_version(4, 0).unwrap().reply().unwrap();
    x.conn.xfixes_hide_cursor(window).unwrap();
    x.flush();
    desk.until("it is hidden", |d| d.f.state.scope.cursor.is_hidden());
    x.conn.warp_pointer(x11rb::NONE, window, 0, 0, 0, 0, 200, 100).unwrap();
    x.flush();
    let at = |d: &Desk| {
        d.f.state
            .scope
            .seat
            .get_pointer()
            .expect("a pointer")
            .current_location()
    };
    desk.until("the pointer is there", |d| at(d) == (200.0, 100.0).into());
    x.conn.xfixes_show_cursor(window).unwrap();
    x.flush();
    desk.until("it is seen again", |d| {
        !d.f.state.scope.cursor.is_hidden() && !d.f.state.scope.wants_motion()
    });
    // From there it goes on.
    desk.f.state.inject(Event::Relative { dx: 5.0, dy: -3.0 });
    let query = |x: &X| x.conn.query_pointer(window).unwrap().reply().unwrap();
    desk.until("its program sees it there", |_| {
        let place = query(&x);
        (place.win_x, place.win_y) == (205, 97)
    });
}
