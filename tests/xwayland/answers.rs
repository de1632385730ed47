//! An X server that answers nobody, or that one of its clients would have for itself.

use crate::client::Client;
use crate::desk::{Desk, H, W};
use crate::server::server;
use crate::x::{BLUE, GREEN, RED};
use goggles_protocols::input::Event;
use goggles_scope::scene::window::Window;
use goggles_scope::xwayland::Control;
use rustix::process::{Signal, kill_process};
use std::sync::mpsc;
use std::time::Duration;
use x11rb::protocol::xproto::{AtomEnum, ConfigureWindowAux, ConnectionExt as _, PropMode};
use x11rb::wrapper::ConnectionExt as _;

const WHOLE: (i16, i16, u16, u16) = (0, 0, W, H);
const KEY_A: u16 = 30;

/// A Wayland client with a window that is seen and has the keyboard.
fn shown(desk: &mut Desk, colour: u32) -> Client {
    let mut client = desk.f.client();
    let toplevel = client.toplevel();
    desk.f.settle(&mut [&mut client]);
    client.fill(&toplevel.surface, (W.into(), H.into()), colour);
    client.flush();
    desk.until_seen(&[(1, 1, colour)]);
    until(desk, &mut client, "it has the keyboard", |c| {
        c.heard.keyboard_focus.is_some()
    });
    client
}

fn until(desk: &mut Desk, client: &mut Client, what: &str, done: impl Fn(&Client) -> bool) {
    desk.until(what, |desk| {
        client.flush();
        desk.f.live(Duration::from_millis(1));
        client.read();
        done(client)
    });
}

/// Its window is seen and has the player's keys.
fn plays(desk: &mut Desk, colour: u32) {
    let mut client = shown(desk, colour);
    for pressed in [true, false] {
        desk.f.state.inject(Event::Key { code: KEY_A, pressed });
    }
    until(desk, &mut client, "it has the key", |c| !c.heard.keys.is_empty());
}

#[test]
fn a_client_that_grabs_the_server_holds_up_nobody() {
    let mut desk = Desk::new();
    let (x, other) = (desk.x(), desk.x());
    let window = x.window(WHOLE, RED);
    x.map(window);
    desk.until_focused(&x, window);
    let utf8 = x.atom("UTF8_STRING");
    let title = x.atom("_NET_WM_NAME");
    x.conn.grab_server().unwrap();
    x.focus();
    // The manager reads what the client says of its window, as often as it says something, and answers what it asks for.
    for turn in 0..20u16 {
        let text = format!("turn {turn}");
        x.conn
            .change_property8(PropMode::REPLACE, window, title, utf8, text.as_bytes())
            .unwrap();
        x.set_words(window, "STEAM_GAME", AtomEnum::CARDINAL, &[turn.into()]);
        x.set_words(x.root, "GAMESCOPE_SHARPNESS", AtomEnum::CARDINAL, &[turn.into()]);
        x.configure(window, ConfigureWindowAux::new().width(u32::from(W - turn)));
        desk.until("the title is known", |d| {
            d.f.state.scope.windows.iter().map(Window::title).any(|t| t == text)
        });
        desk.until("the size is", |_| x.place(window) == (0, 0, W - turn, H));
        desk.until("the wish is granted", |d| {
            u16::from(d.f.state.scope.settings.sharpness) == turn
        });
    }
    plays(&mut desk, BLUE);
    plays(&mut desk, GREEN);
    desk.until_seen(&[(320, 240, RED)]);
    // The manager grabs the server for each window that comes or goes.
    let second = x.window(WHOLE, BLUE);
    x.map(second);
    desk.until_seen(&[(1, 1, BLUE)]);
    x.unmap(second);
    desk.until_seen(&[(320, 240, RED)]);
    // Xwayland grants no client a grab.
    x.conn.grab_server().unwrap();
    x.focus();
    let (told, answers) = mpsc::channel();
    let asking = std::thread::spawn(move || told.send(other.focus()));
    desk.until("the other client is answered", |_| answers.try_recv().is_ok());
    asking.join().unwrap().unwrap();
}

#[test]
fn a_server_that_does_not_answer_is_started_again() {
    let mut desk = Desk::new();
    let display = desk.display();
    let x = desk.x();
    let window = x.window(WHOLE, RED);
    x.map(window);
    desk.until_focused(&x, window);
    let before = server(display).expect("the server runs");
    kill_process(before, Signal::STOP).unwrap();
    // The property that asks for it is to be taken away, whose number the server is asked for.
    desk.f.state.control(Control::Mode {
        server: 0,
        size: None,
        beyond: false,
    });
    plays(&mut desk, GREEN);
    until_restarted(&mut desk, display, before);
}

fn until_restarted(desk: &mut Desk, display: u32, before: rustix::process::Pid) {
    desk.until("another server is ready", |d| {
        d.f.state.scope.xwayland.display() == Some(display) && server(display).is_some_and(|p| p != before)
    });
    let x = desk.x();
    let window = x.window(WHOLE, BLUE);
    x.map(window);
    desk.until_seen(&[(1, 1, BLUE)]);
    desk.until_focused(&x, window);
}
