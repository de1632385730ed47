//! gamescope's and Steam's properties: what is obeyed, and what is told.

use crate::desk::{Desk, H, W};
use crate::x::{BLUE, GREEN, RED, X};
use goggles_protocols::input::Event;
use goggles_scope::config::{Filter, Scaler};
use goggles_scope::limiter::LimiterFile;
use goggles_scope::stats_fifo::Focus;
use std::time::Duration;
use x11rb::protocol::Event as XEvent;
use x11rb::protocol::xproto::{AtomEnum, ConnectionExt as _};
use x11rb::wrapper::ConnectionExt as _;

const STEAM: u32 = 769;
const WHOLE: (i16, i16, u16, u16) = (0, 0, W, H);

pub fn set(x: &X, window: u32, property: &str, words: &[u32]) {
    x.set_words(window, property, AtomEnum::CARDINAL, words);
}

pub fn text(x: &X, property: &str) -> String {
    x.text(x.root, property).trim_end_matches('\0').to_owned()
}

/// In Steam's mode.
pub fn steam_desk() -> (Desk, X) {
    let mut desk = Desk::unstarted();
    desk.f.state.scope.settings.steam = true;
    desk.start();
    let x = desk.x();
    (desk, x)
}

/// A window of this app, mapped.
fn of_app(x: &X, app: u32, colour: u32) -> u32 {
    let window = x.window(WHOLE, colour);
    set(x, window, "STEAM_GAME", &[app]);
    x.map(window);
    window
}

/// Lives until the root window's property has this value.
pub fn until_told(desk: &mut Desk, x: &X, property: &str, words: &[u32]) {
    desk.until(&format!("{property} is {words:?}"), |_| {
        x.words(x.root, property) == words
    });
}

#[test]
fn steam_is_told_of_the_windows_and_names_the_base() {
    let (mut desk, x) = steam_desk();
    let steam = of_app(&x, STEAM, BLUE);
    desk.until_seen(&[(1, 1, BLUE)]);
    until_told(&mut desk, &x, "GAMESCOPE_FOCUSED_APP", &[STEAM]);
    assert_eq!(desk.f.state.scope.focused_app(), Some(Focus::Steam));
    let game = of_app(&x, 570, RED);
    desk.until_seen(&[(1, 1, RED)]);
    until_told(&mut desk, &x, "GAMESCOPE_FOCUSED_APP", &[570]);
    until_told(&mut desk, &x, "GAMESCOPE_FOCUSED_APP_GFX", &[570]);
    until_told(&mut desk, &x, "GAMESCOPE_FOCUSED_WINDOW", &[game]);
    until_told(&mut desk, &x, "GAMESCOPE_FOCUSABLE_APPS", &[STEAM, 570]);
    assert_eq!(desk.f.state.scope.focused_app(), Some(Focus::App(570)));
    let windows = x.words(x.root, "GAMESCOPE_FOCUSABLE_WINDOWS");
    assert_eq!(windows[..2], [steam, STEAM]);
    assert_eq!(windows[3..5], [game, 570]);
    let display = format!(":{}", desk.display());
    assert_eq!(text(&x, "GAMESCOPE_KEYBOARD_FOCUS_DISPLAY"), display);
    assert_eq!(text(&x, "GAMESCOPE_MOUSE_FOCUS_DISPLAY"), display);

    set(&x, x.root, "GAMESCOPECTRL_BASELAYER_APPID", &[STEAM, 570]);
    desk.until_seen(&[(1, 1, BLUE)]);
    desk.until_focused(&x, steam);
    set(&x, x.root, "GAMESCOPECTRL_BASELAYER_WINDOW", &[game]);
    desk.until_seen(&[(1, 1, RED)]);
    x.forget(x.root, "GAMESCOPECTRL_BASELAYER_WINDOW");
    desk.until_seen(&[(1, 1, BLUE)]);
    // A window may get its app later.
    set(&x, x.root, "GAMESCOPECTRL_BASELAYER_APPID", &[400]);
    set(&x, steam, "STEAM_GAME", &[400]);
    until_told(&mut desk, &x, "GAMESCOPE_FOCUSED_APP", &[400]);
    x.destroy(game);
    until_told(&mut desk, &x, "GAMESCOPE_FOCUSABLE_APPS", &[400]);
}

#[test]
fn without_steam_each_window_is_its_own_app() {
    let mut desk = Desk::new();
    let x = desk.x();
    let window = x.window(WHOLE, RED);
    x.map(window);
    desk.until_seen(&[(1, 1, RED)]);
    until_told(&mut desk, &x, "GAMESCOPE_FOCUSED_APP", &[window]);
    until_told(&mut desk, &x, "GAMESCOPE_FOCUSABLE_APPS", &[window]);
    assert_eq!(desk.f.state.scope.focused_app(), Some(Focus::App(window)));
}

#[test]
fn an_overlay_has_its_opacity_and_the_input_it_asks_for() {
    let (mut desk, mut x) = steam_desk();
    let game = of_app(&x, 570, RED);
    desk.until_seen(&[(1, 1, RED)]);
    desk.until_focused(&x, game);

    let overlay = x.window(WHOLE, GREEN);
    set(&x, overlay, "STEAM_GAME", &[STEAM]);
    set(&x, overlay, "STEAM_OVERLAY", &[1]);
    set(&x, overlay, "_NET_WM_WINDOW_OPACITY", &[0]);
    x.map(overlay);
    set(&x, overlay, "_NET_WM_WINDOW_OPACITY", &[u32::MAX / 2]);
    desk.until("half of each is seen", |d| {
        let half = |c: u32| (0x70..0x90).contains(&(c & 0xff));
        let picture = d.picture().expect("a picture");
        let colour = picture.at(320, 240);
        half(colour >> 16) && half(colour >> 8) && colour & 0xff == 0
    });
    assert_eq!(x.focus(), game, "it did not ask for the input");
    let to = Event::Absolute { x: 0.5, y: 0.5 };
    desk.f.state.inject(to);
    motion(&mut desk, &mut x, game);

    set(&x, overlay, "STEAM_INPUT_FOCUS", &[2]);
    desk.f.state.inject(Event::Absolute { x: 0.25, y: 0.25 });
    motion(&mut desk, &mut x, overlay);
    assert_eq!(x.focus(), game, "the keys are still the game's");
    set(&x, overlay, "STEAM_INPUT_FOCUS", &[1]);
    desk.until_focused(&x, overlay);
    until_told(&mut desk, &x, "GAMESCOPE_FOCUSED_APP", &[STEAM]);
    until_told(&mut desk, &x, "GAMESCOPE_FOCUSED_APP_GFX", &[570]);
    set(&x, overlay, "STEAM_INPUT_FOCUS", &[0]);
    set(&x, overlay, "_NET_WM_WINDOW_OPACITY", &[0]);
    desk.until_focused(&x, game);
    desk.until_seen(&[(1, 1, RED)]);
}

/// Lives until the pointer, which is moved to and fro, moves in this window: the X server hears of the windows' new order
/// some time after we have asked for it.
fn motion(desk: &mut Desk, x: &mut X, window: u32) {
    let mut dx = 1.0;
    desk.until(&format!("the pointer is in {window:#x}"), |d| {
        dx = -dx;
        d.f.state.inject(Event::Relative { dx, dy: 0.0 });
        let moved = x
            .read()
            .iter()
            .any(|e| matches!(e, XEvent::MotionNotify(e) if e.event == window));
        x.events.clear();
        moved
    });
}

#[test]
fn a_performance_display_is_over_all_and_never_in_the_way() {
    let (mut desk, mut x) = steam_desk();
    let game = of_app(&x, 570, RED);
    desk.until_seen(&[(1, 1, RED)]);
    let display = x.window((0, 0, 100, 50), GREEN);
    set(&x, display, "GAMESCOPE_EXTERNAL_OVERLAY", &[1]);
    x.map(display);
    desk.until_seen(&[(1, 1, GREEN), (101, 51, RED)]);
    desk.until_focused(&x, game);
    desk.f.state.inject(Event::Absolute { x: 0.01, y: 0.01 });
    motion(&mut desk, &mut x, game);
}

#[test]
fn the_picture_is_as_the_root_window_asks() {
    let mut desk = Desk::new();
    let x = desk.x();
    let window = x.window((0, 0, 320, 480), RED);
    x.map(window);
    desk.until_seen(&[(320, 240, RED)]);

    set(&x, x.root, "GAMESCOPE_FPS_LIMIT", &[20]);
    desk.until("the limit holds", |d| {
        d.f.state.scope.pacer.period() == Duration::from_millis(50)
    });
    set(&x, x.root, "GAMESCOPE_DYNAMIC_REFRESH", &[10]);
    desk.until("the refresh holds", |d| {
        d.f.state.scope.pacer.period() == Duration::from_millis(100)
    });
    until_told(&mut desk, &x, "GAMESCOPE_DISPLAY_REFRESH_RATE_FEEDBACK", &[10]);
    set(&x, x.root, "GAMESCOPE_FPS_LIMIT", &[0]);
    set(&x, x.root, "GAMESCOPE_DYNAMIC_REFRESH", &[0]);
    desk.until("neither holds", |d| {
        d.f.state.scope.pacer.period() == Duration::from_millis(16)
    });

    set(&x, x.root, "GAMESCOPE_NEW_SCALING_SCALER", &[4]);
    desk.until_seen(&[(1, 1, RED), (638, 478, RED)]);
    set(&x, x.root, "GAMESCOPE_NEW_SCALING_SCALER", &[2]);
    desk.until_seen(&[(1, 1, 0), (320, 240, RED)]);
    set(&x, x.root, "GAMESCOPE_NEW_SCALING_FILTER", &[2]);
    set(&x, x.root, "GAMESCOPE_SHARPNESS", &[7]);
    desk.until("the filter is FSR", |d| {
        let settings = &d.f.state.scope.settings;
        (settings.filter, settings.sharpness, settings.scaler) == (Filter::Fsr, 7, Scaler::Fit)
    });
    // What makes no sense changes nothing.
    set(&x, x.root, "GAMESCOPE_NEW_SCALING_FILTER", &[77]);
    set(&x, x.root, "STEAM_SCREEN_SCALE", &[u32::MAX / 2]);
    desk.until_seen(&[(320, 100, 0), (320, 240, RED)]);
    let settings = &desk.f.state.scope.settings;
    assert_eq!((settings.filter, settings.sharpness), (Filter::Fsr, 7));
}

#[test]
fn another_mode_and_composition_are_obeyed() {
    let mut desk = Desk::new();
    let x = desk.x();
    let window = x.window(WHOLE, RED);
    x.map(window);
    desk.until_seen(&[(1, 1, RED)]);
    assert!(desk.picture().unwrap().direct);
    set(&x, x.root, "GAMESCOPE_COMPOSITE_FORCE", &[1]);
    desk.until("it is composed", |d| d.picture().is_some_and(|p| !p.direct));
    x.ask_state(window, 1, ["_NET_WM_STATE_FULLSCREEN", ""]);
    set(&x, x.root, "GAMESCOPE_XWAYLAND_MODE_CONTROL", &[0, 320, 240, 0]);
    desk.until("screen and window are of that size", |_| {
        x.place(x.root) == (0, 0, 320, 240) && x.place(window) == (0, 0, 320, 240)
    });
    desk.until_seen(&[(1, 1, RED), (638, 478, RED)]);
    until_told_text(
        &mut desk,
        &x,
        "GAMESCOPE_DISPLAY_MODE_LIST_EXTERNAL",
        "640x480@63 320x240@63",
    );
    let control = "GAMESCOPE_XWAYLAND_MODE_CONTROL";
    until_told(&mut desk, &x, control, &[]);
    set(&x, x.root, control, &[0, 0, 0, 0]);
    desk.until("both are as before", |_| {
        x.place(x.root) == WHOLE && x.place(window) == WHOLE
    });
    until_told(&mut desk, &x, control, &[]);
    // It is there already; and no larger than the output, unless that is asked for.
    set(&x, x.root, control, &[0, 1280, 960, 0]);
    until_told(&mut desk, &x, control, &[]);
    assert_eq!(x.place(x.root), WHOLE);
    set(&x, x.root, control, &[0, 1280, 960, 1]);
    desk.until("it is larger than the output", |_| x.place(x.root) == (0, 0, 1280, 960));
    until_told(&mut desk, &x, control, &[]);
}

#[test]
fn the_old_filter_and_the_external_refresh_are_obeyed() {
    let mut desk = Desk::new();
    let x = desk.x();
    set(&x, x.root, "GAMESCOPE_SCALING_FILTER", &[2]);
    desk.until("both are set", |d| {
        let settings = &d.f.state.scope.settings;
        (settings.filter, settings.scaler) == (Filter::Nearest, Scaler::Integer)
    });
    set(&x, x.root, "GAMESCOPE_SHARPNESS", &[99]);
    desk.until("it is the most", |d| d.f.state.scope.settings.sharpness == 20);
    set(&x, x.root, "GAMESCOPE_DYNAMIC_REFRESH_EXTERNAL", &[10]);
    until_told(&mut desk, &x, "GAMESCOPE_DISPLAY_REFRESH_RATE_FEEDBACK", &[10]);
}

#[test]
fn even_intervals_are_asked_for_while_it_runs() {
    let mut desk = Desk::new();
    let x = desk.x();
    let at_once = |d: &mut Desk| {
        let scope = &d.f.state.scope;
        scope.pacer.shown_at(scope.now) == scope.now
    };
    until_told(&mut desk, &x, "GAMESCOPE_VRR_CAPABLE", &[1]);
    until_told(&mut desk, &x, "GAMESCOPE_VRR_FEEDBACK", &[1]);
    assert!(at_once(&mut desk));
    set(&x, x.root, "GAMESCOPE_VRR_ENABLED", &[0]);
    until_told(&mut desk, &x, "GAMESCOPE_VRR_FEEDBACK", &[0]);
    assert!(!at_once(&mut desk));
    // Taken away, it is as the settings say.
    x.forget(x.root, "GAMESCOPE_VRR_ENABLED");
    until_told(&mut desk, &x, "GAMESCOPE_VRR_FEEDBACK", &[1]);
    assert!(at_once(&mut desk));
}

#[test]
fn drivers_are_told_whether_a_limit_is_set() {
    let mut desk = Desk::new();
    desk.f.state.scope.limiter = Some(LimiterFile::open(&|_| None).unwrap());
    desk.f.state.scope.tell_limit();
    let path = desk.f.state.scope.limiter.as_ref().unwrap().path().to_owned();
    let x = desk.x();
    for limit in [0, 30, 0] {
        set(&x, x.root, "GAMESCOPE_FPS_LIMIT", &[limit]);
        let wanted = u32::from(limit != 0).to_ne_bytes();
        desk.until("it is told", |_| std::fs::read(&path).unwrap() == wanted);
    }
}

#[test]
fn the_window_managers_selections_are_owned() {
    let desk = Desk::new();
    let x = desk.x();
    let check = x.words(x.root, "_NET_SUPPORTING_WM_CHECK");
    assert_eq!(x.words(check[0], "_NET_SUPPORTING_WM_CHECK"), check);
    assert_eq!(x.text(check[0], "_NET_WM_NAME"), "goggles-scope");
    for name in ["_NET_WM_CM_S0", "WM_S0", "_NET_SYSTEM_TRAY_S0"] {
        let asked = x.conn.get_selection_owner(x.atom(name)).unwrap();
        assert_eq!(asked.reply().unwrap().owner, check[0], "{name}");
    }
    let supported = x.words(x.root, "_NET_SUPPORTED");
    for name in [
        "_NET_WM_STATE",
        "_NET_WM_STATE_FULLSCREEN",
        "_NET_WM_STATE_SKIP_TASKBAR",
        "_NET_WM_STATE_SKIP_PAGER",
        "_NET_ACTIVE_WINDOW",
    ] {
        assert!(supported.contains(&x.atom(name)), "{name}");
    }
}

fn until_told_text(desk: &mut Desk, x: &X, property: &str, wanted: &str) {
    desk.until(&format!("{property} is {wanted}"), |_| text(x, property) == wanted);
}

#[test]
fn the_keyboards_layout_follows_the_root_window() {
    let mut desk = Desk::new();
    let x = desk.x();
    let window = x.window(WHOLE, RED);
    x.map(window);
    desk.until_focused(&x, window);
    let set_layout = |layout: &str| {
        let atom = x.atom("GAMESCOPE_KEYBOARD_LAYOUT");
        let replace = x11rb::protocol::xproto::PropMode::REPLACE;
        x.conn
            .change_property8(replace, x.root, atom, AtomEnum::STRING, layout.as_bytes())
            .unwrap();
        x.flush();
    };
    // evdev's KEY_Y and eight; the X server takes the layout over with a key.
    let key = |desk: &mut Desk, wanted: char| {
        desk.until(&format!("the key says {wanted}"), |d| {
            for pressed in [true, false] {
                d.f.state.inject(Event::Key { code: 30, pressed });
            }
            let keys = x.conn.get_keyboard_mapping(29, 1).unwrap().reply().unwrap();
            keys.keysyms[0] == u32::from(wanted)
        });
    };
    key(&mut desk, 'y');
    set_layout("de(nodeadkeys)");
    key(&mut desk, 'z');
    set_layout("no such layout");
    set_layout("");
    key(&mut desk, 'y');
}

#[test]
fn what_there_is_not_is_denied_and_input_is_counted() {
    let mut desk = Desk::new();
    let x = desk.x();
    until_told(&mut desk, &x, "GAMESCOPE_XWAYLAND_SERVER_ID", &[0]);
    until_told(&mut desk, &x, "GAMESCOPE_PID", &[std::process::id()]);
    until_told(&mut desk, &x, "GAMESCOPE_INPUT_COUNTER", &[0]);
    for name in ["HDR_OUTPUT_FEEDBACK", "DISPLAY_SUPPORTS_HDR"] {
        until_told(&mut desk, &x, &format!("GAMESCOPE_{name}"), &[0]);
    }
    until_told(&mut desk, &x, "GAMESCOPE_DISPLAY_IS_EXTERNAL", &[1]);
    until_told(&mut desk, &x, "GAMESCOPE_CURSOR_VISIBLE_FEEDBACK", &[1]);
    for _ in 0..3 {
        desk.f.state.inject(Event::Relative { dx: 1.0, dy: 0.0 });
    }
    until_told(&mut desk, &x, "GAMESCOPE_INPUT_COUNTER", &[3]);
}

#[test]
fn screenshots_are_asked_for_one_after_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let mut desk = Desk::unstarted();
    // In place of gamescope's, which the machine's other sessions write, too.
    let path = folder.path().join("gamescope.png");
    desk.f.state.scope.screenshots.asked.clone_from(&path);
    desk.start();
    let x = desk.x();
    for name in [
        "GAMESCOPECTRL_REQUEST_SCREENSHOT",
        "GAMESCOPECTRL_DEBUG_REQUEST_SCREENSHOT",
    ] {
        for _ in 0..2 {
            set(&x, x.root, name, &[1]);
            // The request is taken back: the file is there, and the same request can be made again.
            until_told(&mut desk, &x, name, &[]);
            assert!(std::fs::read(&path).unwrap().starts_with(b"\x89PNG"));
            std::fs::remove_file(&path).unwrap();
        }
    }
}
