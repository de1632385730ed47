//! A game that sets a mode by RandR, as Xwayland emulates it: how it is scaled, and where the pointer is in it.

use crate::desk::{Desk, H, W};
use crate::fixture::settings;
use crate::x::{BLACK, BLUE, GREEN, RED, X};
use goggles_protocols::input::Event;
use goggles_scope::config::{Filter, Scaler};
use x11rb::protocol::Event as XEvent;
use x11rb::protocol::randr::{ConnectionExt as _, SetConfig};
use x11rb::protocol::xproto::{ChangeGCAux, ConnectionExt as _, CreateGCAux, Rectangle};

/// The game's picture: four quarters, so that its place and its corners are seen.
const QUARTERS: [u32; 4] = [RED, GREEN, BLUE, 0xffffff];

/// Sets the mode of this size.
pub fn set_mode(x: &X, size: (u16, u16)) {
    let asked = x.conn.randr_get_screen_resources_current(x.root).unwrap();
    let resources = asked.reply().unwrap();
    let mode = resources.modes.iter().find(|m| (m.width, m.height) == size);
    let known: Vec<_> = resources.modes.iter().map(|m| (m.width, m.height)).collect();
    let mode = mode
        .unwrap_or_else(|| panic!("Xwayland has no {size:?} among {known:?}"))
        .id;
    let crtc = resources.crtcs[0];
    let now = x.conn.randr_get_crtc_info(crtc, 0).unwrap().reply().unwrap();
    let set = x.conn.randr_set_crtc_config(
        crtc,
        x11rb::CURRENT_TIME,
        resources.config_timestamp,
        0,
        0,
        mode,
        now.rotation,
        &now.outputs,
    );
    assert_eq!(set.unwrap().reply().unwrap().status, SetConfig::SUCCESS);
}

/// Fills a window of this size with its quarters.
fn paint(x: &X, window: u32, (w, h): (u16, u16)) {
    let gc = x11rb::connection::Connection::generate_id(&x.conn).unwrap();
    x.conn.create_gc(gc, window, &CreateGCAux::new()).unwrap();
    let (w2, h2) = (w / 2, h / 2);
    for (at, colour) in QUARTERS.iter().enumerate() {
        let (right, below) = (at % 2 == 1, at / 2 == 1);
        let rect = Rectangle {
            x: if right { w2 as i16 } else { 0 },
            y: if below { h2 as i16 } else { 0 },
            width: if right { w - w2 } else { w2 },
            height: if below { h - h2 } else { h2 },
        };
        x.conn.change_gc(gc, &ChangeGCAux::new().foreground(*colour)).unwrap();
        x.conn.poly_fill_rectangle(window, gc, &[rect]).unwrap();
    }
    x.conn.free_gc(gc).unwrap();
    x.flush();
}

/// The place of the picture on the output: left, top, right, bottom.
type Place = (f64, f64, f64, f64);

/// With this scaler and filter, a game sets this mode and fills the screen: it is at this place, and a click at a pixel
/// of it is a click at that pixel.
fn check(scaler: Scaler, filter: Filter, mode: (u16, u16), place: Place) -> (Desk, X, u32) {
    let mut desk = Desk::with(goggles_scope::config::Settings {
        scaler,
        filter,
        ..settings(W.into(), H.into())
    });
    desk.start();
    let mut x = desk.x();
    set_mode(&x, mode);
    let game = x.window((0, 0, mode.0, mode.1), BLACK);
    x.map(game);
    x.ask_state(game, 1, ["_NET_WM_STATE_FULLSCREEN", ""]);
    desk.until("it has the mode's size", |_| x.place(game) == (0, 0, mode.0, mode.1));
    let (left, top, right, bottom) = place;
    // A fraction of the game's picture, as a pixel of the output, if it is on it.
    let at = |fx: f64, fy: f64| {
        let (px, py) = (left + (right - left) * fx, top + (bottom - top) * fy);
        let on = (0.0..f64::from(W)).contains(&px) && (0.0..f64::from(H)).contains(&py);
        on.then_some((px as usize, py as usize))
    };
    let corners = [(0.05, 0.05), (0.95, 0.05), (0.05, 0.95), (0.95, 0.95)];
    let middles = [(0.3, 0.3), (0.7, 0.3), (0.3, 0.7), (0.7, 0.7)];
    let mut wanted = Vec::new();
    for points in [corners, middles] {
        for ((fx, fy), colour) in points.into_iter().zip(QUARTERS) {
            wanted.extend(at(fx, fy).map(|(px, py)| (px, py, colour)));
        }
    }
    // Just outside of it there is nothing.
    let (middle_x, middle_y) = (usize::from(W / 2), usize::from(H / 2));
    if top >= 4.0 {
        wanted.push((middle_x, top as usize - 3, BLACK));
        wanted.push((middle_x, bottom as usize + 3, BLACK));
    }
    if left >= 4.0 {
        wanted.push((left as usize - 3, middle_y, BLACK));
        wanted.push((right as usize + 3, middle_y, BLACK));
    }
    desk.until("it is seen at its place", |desk| {
        // Xwayland shows what is drawn after the window has its size.
        paint(&x, game, mode);
        let picture = desk.picture();
        picture.is_some_and(|p| wanted.iter().all(|(px, py, colour)| p.at(*px, *py) == *colour))
    });
    for pixel in [(mode.0 / 4, mode.1 / 3), (mode.0 * 2 / 3, mode.1 * 3 / 4)] {
        let fraction = |v: u16, of: u16| (f64::from(v) + 0.5) / f64::from(of);
        let (fx, fy) = (fraction(pixel.0, mode.0), fraction(pixel.1, mode.1));
        let (px, py) = (left + (right - left) * fx, top + (bottom - top) * fy);
        desk.f.state.inject(Event::Absolute {
            x: px / f64::from(W),
            y: py / f64::from(H),
        });
        for pressed in [true, false] {
            desk.f.state.inject(Event::Button { code: 0x110, pressed });
        }
        let pressed = desk.event(&mut x, "a button is pressed", |e| match e {
            XEvent::ButtonPress(e) => Some((e.event, e.event_x as u16, e.event_y as u16)),
            _ => None,
        });
        assert_eq!(pressed, (game, pixel.0, pixel.1), "{scaler:?}");
    }
    (desk, x, game)
}

const WIDE: (u16, u16) = (320, 200);

#[test]
fn fit_keeps_the_shape() {
    let (desk, ..) = check(Scaler::Fit, Filter::Nearest, WIDE, (0.0, 40.0, 640.0, 440.0));
    drop(desk);
    check(Scaler::Auto, Filter::Nearest, WIDE, (0.0, 40.0, 640.0, 440.0));
}

#[test]
fn fill_covers_the_output() {
    let side = (640.0 - 480.0 * 1.6) / 2.0;
    check(Scaler::Fill, Filter::Nearest, WIDE, (side, 0.0, 640.0 - side, 480.0));
}

#[test]
fn stretch_takes_all_of_it() {
    check(Scaler::Stretch, Filter::Nearest, WIDE, (0.0, 0.0, 640.0, 480.0));
}

#[test]
fn integer_takes_whole_multiples() {
    let (desk, ..) = check(Scaler::Integer, Filter::Linear, (640, 350), (0.0, 65.0, 640.0, 415.0));
    drop(desk);
    check(Scaler::Integer, Filter::Nearest, WIDE, (0.0, 40.0, 640.0, 440.0));
}

#[test]
fn filters_take_the_games_own_pixels() {
    let (mut desk, x, game) = check(Scaler::Fit, Filter::Fsr, WIDE, (0.0, 40.0, 640.0, 440.0));
    desk.until("it is told", |_| x.words(x.root, "GAMESCOPE_FSR_FEEDBACK") == [1]);
    desk.f.state.scope.settings.filter = Filter::Pixel;
    desk.f.state.scope.damage();
    // Whole multiples have no blended pixels: the quarters meet in a sharp corner.
    desk.until("the borders are sharp", |desk| {
        paint(&x, game, WIDE);
        desk.picture().is_some_and(|p| {
            let corner = [(319, 239), (320, 239), (319, 240), (320, 240)];
            corner
                .iter()
                .zip(QUARTERS)
                .all(|((x, y), colour)| p.at(*x, *y) == colour)
        })
    });
}
