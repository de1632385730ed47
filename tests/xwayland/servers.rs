//! Several X servers in one session.

use crate::desk::{Desk, H, W};
use crate::server::server;
use crate::x::{BLACK, BLUE, GREEN, RED, X};
use goggles_protocols::input::Event;
use goggles_scope::config::Filter;
use goggles_scope::edid;
use rustix::process::{Signal, kill_process};
use x11rb::connection::Connection as _;
use x11rb::protocol::Event as XEvent;
use x11rb::protocol::randr::ConnectionExt as _;
use x11rb::protocol::xproto::{
    AtomEnum, ConfigureWindowAux, ConnectionExt as _, EventMask, PropMode, SELECTION_NOTIFY_EVENT, SelectionNotifyEvent,
};
use x11rb::wrapper::ConnectionExt as _;

const WHOLE: (i16, i16, u16, u16) = (0, 0, W, H);
const KEY_A: u16 = 30;
const BTN_LEFT: u16 = 0x110;

/// A desk of two servers, and a client of each.
fn two() -> (Desk, X, X) {
    let mut desk = Desk::unstarted();
    desk.f.state.scope.settings.xwayland_count = 2;
    desk.start();
    let (first, second) = (desk.x(), desk.x_at(1));
    (desk, first, second)
}

fn window(desk: &mut Desk, x: &X, colour: u32) -> u32 {
    let window = x.window(WHOLE, colour);
    x.map(window);
    desk.until_seen(&[(1, 1, colour)]);
    window
}

fn press_key(desk: &mut Desk) {
    for pressed in [true, false] {
        desk.f.state.inject(Event::Key { code: KEY_A, pressed });
    }
}

/// Lives until the client has a press of a key or button: the window, and the place.
fn press(desk: &mut Desk, x: &mut X) -> (u32, i16, i16) {
    desk.event(x, "something is pressed", |e| match e {
        XEvent::KeyPress(e) => Some((e.event, e.event_x, e.event_y)),
        XEvent::ButtonPress(e) => Some((e.event, e.event_x, e.event_y)),
        _ => None,
    })
}

/// Whether the client has heard of any input since the last look; whatever came before the answer to its request has
/// been read.
fn heard_input(x: &mut X) -> bool {
    x.focus();
    let heard = x.read().iter().any(|e| {
        matches!(
            e,
            XEvent::KeyPress(_) | XEvent::ButtonPress(_) | XEvent::MotionNotify(_)
        )
    });
    x.events.clear();
    heard
}

fn click_at(desk: &mut Desk, x: f64, y: f64) {
    desk.f.state.inject(Event::Absolute { x, y });
    for pressed in [true, false] {
        desk.f.state.inject(Event::Button {
            code: BTN_LEFT,
            pressed,
        });
    }
}

#[test]
fn focus_and_input_go_to_the_server_whose_window_is_seen() {
    let (mut desk, mut first, mut second) = two();
    let displays = desk.f.state.scope.xwayland.displays().expect("both are ready");
    assert_eq!(displays.len(), 2);
    assert_ne!(displays[0], displays[1]);
    for (x, id) in [(&first, 0), (&second, 1)] {
        desk.until("it knows its place", |_| {
            x.words(x.root, "GAMESCOPE_XWAYLAND_SERVER_ID") == [id]
        });
    }
    let red = window(&mut desk, &first, RED);
    desk.until_focused(&first, red);
    let green = window(&mut desk, &second, GREEN);
    desk.until_focused(&second, green);
    desk.until("the first has no active window", |_| {
        first.active() == Some(x11rb::NONE)
    });
    let focus_display = |wanted: u32, first: &X, desk: &mut Desk| {
        for name in ["KEYBOARD", "MOUSE"] {
            desk.until("the display with the focus is told", |_| {
                let told = first.text(first.root, &format!("GAMESCOPE_{name}_FOCUS_DISPLAY"));
                told.trim_end_matches('\0') == format!(":{wanted}")
            });
        }
    };
    focus_display(displays[1], &first, &mut desk);

    heard_input(&mut first);
    press_key(&mut desk);
    assert_eq!(press(&mut desk, &mut second).0, green);
    click_at(&mut desk, 100.5 / f64::from(W), 50.5 / f64::from(H));
    assert_eq!(press(&mut desk, &mut second), (green, 100, 50));
    assert!(!heard_input(&mut first), "the hidden window's server hears nothing");

    // A client of the other server asks for the focus.
    first.ask(red, "_NET_ACTIVE_WINDOW", [1, 0, 0, 0, 0]);
    desk.until_seen(&[(1, 1, RED)]);
    desk.until_focused(&first, red);
    focus_display(displays[0], &first, &mut desk);
    second.read();
    second.events.clear();
    press_key(&mut desk);
    assert_eq!(press(&mut desk, &mut first).0, red);
    // Its window's end shows the other server's again.
    first.destroy(red);
    desk.until_seen(&[(1, 1, GREEN)]);
    desk.until_focused(&second, green);
}

#[test]
fn steam_on_one_server_chooses_a_game_on_the_other() {
    let mut desk = Desk::unstarted();
    desk.f.state.scope.settings.xwayland_count = 2;
    desk.f.state.scope.settings.steam = true;
    desk.start();
    let (first, second) = (desk.x(), desk.x_at(1));
    let cardinal = AtomEnum::CARDINAL;
    let steam = first.window(WHOLE, BLUE);
    first.set_words(steam, "STEAM_GAME", cardinal, &[769]);
    first.map(steam);
    desk.until_seen(&[(1, 1, BLUE)]);
    let game = second.window(WHOLE, RED);
    second.set_words(game, "STEAM_GAME", cardinal, &[570]);
    second.map(game);
    desk.until_seen(&[(1, 1, RED)]);
    desk.until("the game is told", |_| {
        first.words(first.root, "GAMESCOPE_FOCUSED_APP") == [570]
            && first.words(first.root, "GAMESCOPE_FOCUSABLE_APPS") == [769, 570]
            && first.words(first.root, "GAMESCOPE_FOCUSED_WINDOW") == [game]
    });
    first.set_words(first.root, "GAMESCOPECTRL_BASELAYER_APPID", cardinal, &[769, 570]);
    desk.until_seen(&[(1, 1, BLUE)]);
    desk.until_focused(&first, steam);
    first.set_words(first.root, "GAMESCOPECTRL_BASELAYER_WINDOW", cardinal, &[game]);
    desk.until_seen(&[(1, 1, RED)]);
    desk.until_focused(&second, game);
}

#[test]
fn each_server_has_its_own_output_and_mode() {
    let (mut desk, first, mut second) = two();
    let game = window(&mut desk, &second, GREEN);
    second.ask_state(game, 1, ["_NET_WM_STATE_FULLSCREEN", ""]);
    for x in [&first, &second] {
        let resources = x.conn.randr_get_screen_resources_current(x.root).unwrap();
        let outputs = resources.reply().unwrap().outputs;
        assert_eq!(outputs.len(), 1, "it sees no other's");
        let property = x.atom("EDID");
        let asked = x
            .conn
            .randr_get_output_property(outputs[0], property, AtomEnum::ANY, 0, 256, false, false);
        let told = edid::read(&asked.unwrap().reply().unwrap().data).expect("an EDID");
        assert_eq!(told.name, "goggles-scope");
    }
    let control = "GAMESCOPE_XWAYLAND_MODE_CONTROL";
    first.set_words(first.root, control, AtomEnum::CARDINAL, &[1, 320, 240, 0]);
    desk.until("screen and window are of that size", |_| {
        second.place(second.root) == (0, 0, 320, 240) && second.place(game) == (0, 0, 320, 240)
    });
    assert_eq!(first.place(first.root), WHOLE, "the other's is as it was");
    desk.until_seen(&[(1, 1, GREEN), (638, 478, GREEN)]);
    desk.until("the picture has its size", |d| d.f.state.scope.fit.scale == (2.0, 2.0));
    click_at(&mut desk, 201.0 / f64::from(W), 101.0 / f64::from(H));
    assert_eq!(press(&mut desk, &mut second), (game, 100, 50));
    let red = window(&mut desk, &first, RED);
    assert_eq!(first.place(red), WHOLE);
    assert!(desk.picture().expect("a picture").direct);
}

/// Marks a window as Steam's overlay over a game of half the size, and looks where both are and have their clicks.
fn overlay_over_a_small_game(desk: &mut Desk, steam: &mut X, x: &mut X, game: u32) {
    let overlay = steam.window((320, 240, 320, 240), BLUE);
    let cardinal = AtomEnum::CARDINAL;
    steam.set_words(overlay, "STEAM_OVERLAY", cardinal, &[1]);
    steam.map(overlay);
    steam.configure(overlay, ConfigureWindowAux::new().x(320).y(240));
    for filter in [Filter::Nearest, Filter::Linear] {
        desk.f.state.scope.settings.filter = filter;
        desk.f.state.scope.damage();
        desk.until_seen(&[(10, 10, GREEN), (316, 236, GREEN), (322, 242, BLUE), (638, 478, BLUE)]);
    }
    steam.set_words(overlay, "STEAM_INPUT_FOCUS", cardinal, &[1]);
    desk.until_focused(steam, overlay);
    steam.events.clear();
    click_at(desk, 400.5 / f64::from(W), 300.5 / f64::from(H));
    assert_eq!(press(desk, steam), (overlay, 80, 60));
    // The pointer stays where it is seen: at half that place of the game.
    steam.set_words(overlay, "STEAM_INPUT_FOCUS", cardinal, &[0]);
    desk.until_focused(x, game);
    click_at(desk, 201.0 / f64::from(W), 101.0 / f64::from(H));
    assert_eq!(press(desk, x), (game, 100, 50));
    steam.destroy(overlay);
    desk.until_seen(&[(638, 478, GREEN)]);
}

#[test]
fn an_overlay_is_of_the_whole_screen_whatever_the_games_size() {
    let mut desk = Desk::unstarted();
    desk.f.state.scope.settings.xwayland_count = 2;
    desk.f.state.scope.settings.steam = true;
    desk.start();
    let (mut first, mut second) = (desk.x(), desk.x_at(1));
    // A game of another mode on another server.
    let control = "GAMESCOPE_XWAYLAND_MODE_CONTROL";
    first.set_words(first.root, control, AtomEnum::CARDINAL, &[1, 320, 240, 0]);
    desk.until("it has its mode", |_| second.place(second.root).2 == 320);
    let game = second.window((0, 0, 320, 240), GREEN);
    second.map(game);
    desk.until_seen(&[(1, 1, GREEN), (638, 478, GREEN)]);
    overlay_over_a_small_game(&mut desk, &mut first, &mut second, game);
    second.destroy(game);
    // A small window on the same server.
    let game = first.window((0, 0, 320, 240), GREEN);
    first.map(game);
    desk.until_seen(&[(1, 1, GREEN), (638, 478, GREEN)]);
    let mut other = desk.x();
    overlay_over_a_small_game(&mut desk, &mut other, &mut first, game);
}

#[test]
fn a_server_that_dies_takes_nothing_of_another_with_it() {
    let (mut desk, first, second) = two();
    let display = desk.f.state.scope.xwayland.display_of(1).expect("it is ready");
    let red = window(&mut desk, &first, RED);
    window(&mut desk, &second, GREEN);
    let before = server(display).expect("the server runs");
    kill_process(before, Signal::KILL).unwrap();
    desk.until_seen(&[(1, 1, RED)]);
    desk.until_focused(&first, red);
    desk.until("another server is ready", |d| {
        d.f.state.scope.xwayland.display_of(1) == Some(display) && server(display).is_some_and(|p| p != before)
    });
    let mut again = desk.x_at(1);
    let blue = window(&mut desk, &again, BLUE);
    desk.until_focused(&again, blue);
    desk.until("it knows its place", |_| {
        again.words(again.root, "GAMESCOPE_XWAYLAND_SERVER_ID") == [1]
    });
    press_key(&mut desk);
    assert_eq!(press(&mut desk, &mut again).0, blue);
    again.destroy(blue);
    desk.until_seen(&[(1, 1, RED)]);
    assert_eq!(
        first.place(red),
        WHOLE,
        "the first one's client never lost its connection"
    );
}

#[test]
fn servers_come_and_go_while_the_session_runs() {
    let mut desk = Desk::new();
    let first = desk.x();
    let red = window(&mut desk, &first, RED);
    let set = |property: &str, word: u32| {
        first.set_words(
            first.root,
            &format!("GAMESCOPE_{property}_XWAYLAND_SERVER"),
            AtomEnum::CARDINAL,
            &[word],
        );
    };
    set("CREATE", 77);
    let told = desk.wait("it is told of", |_| {
        let text = first.text(first.root, "GAMESCOPE_CREATE_XWAYLAND_SERVER_FEEDBACK");
        text.strip_prefix("77 1 :").and_then(|number| number.parse().ok())
    });
    assert_eq!(desk.f.state.scope.xwayland.display_of(1), Some(told));
    let second = desk.x_at(1);
    let green = window(&mut desk, &second, GREEN);
    desk.until_focused(&second, green);
    let process = server(told);
    assert!(process.is_some());
    // The first server cannot be taken away.
    set("DESTROY", 0);
    set("DESTROY", 1);
    desk.until_seen(&[(1, 1, RED)]);
    desk.until_focused(&first, red);
    // Another test's may have the display by then.
    desk.until("its process is gone", |_| server(told) != process);
    assert_eq!(desk.f.state.scope.xwayland.displays(), Some(vec![desk.display()]));
    assert!(desk.f.state.scope.windows.iter().all(|w| w.server == 0));
    set("CREATE", 78);
    desk.until("another one is told of", |_| {
        let text = first.text(first.root, "GAMESCOPE_CREATE_XWAYLAND_SERVER_FEEDBACK");
        text.starts_with("78 1 :")
    });
    first.destroy(red);
    desk.until_seen(&[(1, 1, BLACK)]);
}

#[test]
fn what_is_copied_on_one_server_is_pasted_on_the_other() {
    let (mut desk, mut first, mut second) = two();
    let red = window(&mut desk, &first, RED);
    let green = window(&mut desk, &second, GREEN);
    desk.until_focused(&second, green);
    let owner = |x: &X| {
        let asked = x.conn.get_selection_owner(x.atom("CLIPBOARD")).unwrap();
        asked.reply().unwrap().owner
    };
    let text = "grüße".repeat(40_000);
    let clipboard = first.atom("CLIPBOARD");
    first
        .conn
        .set_selection_owner(red, clipboard, x11rb::CURRENT_TIME)
        .unwrap();
    first.flush();
    desk.until("the other server has an owner", |_| {
        answer(&mut first, &text);
        owner(&second) != x11rb::NONE
    });
    assert_eq!(paste(&mut desk, &mut second, green, || answer(&mut first, &text)), text);
    // And the other way round: the first one's owner loses it.
    let clipboard = second.atom("CLIPBOARD");
    second
        .conn
        .set_selection_owner(green, clipboard, x11rb::CURRENT_TIME)
        .unwrap();
    second.flush();
    desk.until("the first server has another owner", |_| {
        answer(&mut second, "back");
        owner(&first) != red
    });
    first.ask(red, "_NET_ACTIVE_WINDOW", [1, 0, 0, 0, 0]);
    desk.until_focused(&first, red);
    assert_eq!(
        paste(&mut desk, &mut first, red, || answer(&mut second, "back")),
        "back"
    );
    second.destroy(green);
    desk.until("nobody owns it", |_| owner(&first) == x11rb::NONE);
}

/// Answers whoever asks for the text that this client owns.
fn answer(x: &mut X, text: &str) {
    x.read();
    let (targets, utf8) = (x.atom("TARGETS"), x.atom("UTF8_STRING"));
    for event in std::mem::take(&mut x.events) {
        let XEvent::SelectionRequest(r) = event else { continue };
        let known = r.target == targets || r.target == utf8;
        if r.target == targets {
            x.conn
                .change_property32(PropMode::REPLACE, r.requestor, r.property, AtomEnum::ATOM, &[utf8])
                .unwrap();
        } else if known {
            x.conn
                .change_property8(PropMode::REPLACE, r.requestor, r.property, utf8, text.as_bytes())
                .unwrap();
        }
        let notify = SelectionNotifyEvent {
            response_type: SELECTION_NOTIFY_EVENT,
            sequence: 0,
            time: r.time,
            requestor: r.requestor,
            selection: r.selection,
            target: r.target,
            property: if known { r.property } else { x11rb::NONE },
        };
        x.conn
            .send_event(false, r.requestor, EventMask::NO_EVENT, notify)
            .unwrap();
        x.flush();
    }
}

/// What this client reads of the clipboard, while the owner answers.
fn paste(desk: &mut Desk, x: &mut X, window: u32, mut owner: impl FnMut()) -> String {
    let (clipboard, utf8) = (x.atom("CLIPBOARD"), x.atom("UTF8_STRING"));
    let (property, incr) = (x.atom("PASTE"), x.atom("INCR"));
    x.conn
        .convert_selection(window, clipboard, utf8, property, x11rb::CURRENT_TIME)
        .unwrap();
    x.flush();
    let mut bytes = Vec::new();
    let mut parts = false;
    desk.until("all is pasted", |_| {
        owner();
        let mut done = false;
        x.read();
        for event in std::mem::take(&mut x.events) {
            let new = match event {
                XEvent::SelectionNotify(e) => {
                    assert_eq!(e.property, property, "it is refused");
                    true
                }
                XEvent::PropertyNotify(e) => parts && e.atom == property && u8::from(e.state) == 0,
                _ => false,
            };
            if !new {
                continue;
            }
            let asked = x
                .conn
                .get_property(true, window, property, AtomEnum::ANY, 0, u32::MAX / 4);
            let reply = asked.unwrap().reply().unwrap();
            if reply.type_ == incr {
                parts = true;
                continue;
            }
            done |= !parts || reply.value.is_empty();
            bytes.extend(reply.value);
        }
        x.conn.flush().unwrap();
        done
    });
    String::from_utf8(bytes).expect("text")
}
