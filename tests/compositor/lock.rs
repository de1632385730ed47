//! ext-session-lock.

use crate::client::{Client, Window};
use crate::fixture::Fixture;
use goggles_protocols::input::Event;
use wayland_client::Proxy;
use wayland_client::protocol::{wl_pointer, wl_surface::WlSurface};
use wayland_protocols::ext::session_lock::v1::client::{
    ext_session_lock_manager_v1::ExtSessionLockManagerV1, ext_session_lock_v1::ExtSessionLockV1,
};
use wayland_protocols::wp::pointer_constraints::zv1::client::zwp_pointer_constraints_v1::Lifetime;

const NAME: &str = "ext_session_lock_v1";

/// A game that fills the output.
fn game(f: &mut Fixture) -> (Client, Window) {
    let mut game = f.client();
    let w = game.toplevel();
    f.settle(&mut [&mut game]);
    game.fill(&w.surface, (32, 32), 0x123456);
    f.advance(40, &mut [&mut game]);
    (game, w)
}

fn lock(c: &Client) -> ExtSessionLockV1 {
    let manager: ExtSessionLockManagerV1 = c.global(1);
    manager.lock(&c.qh(), ())
}

#[test]
fn a_locked_session_shows_and_drives_the_lock_only() {
    let mut f = Fixture::new(32, 32);
    let ((mut game, w), mut locker) = (game(&mut f), f.client());
    f.pictures();
    let held = lock(&locker);
    f.settle(&mut [&mut game, &mut locker]);
    assert!(locker.heard.said(NAME, "Locked"));
    assert_eq!(f.picture().at(3, 3), 0, "the game is gone before the lock is confirmed");
    assert_eq!(game.heard.keyboard_focus, None);
    let surface = locker.surface();
    held.get_lock_surface(&surface, &locker.globals().output, &locker.qh(), ());
    f.settle(&mut [&mut game, &mut locker]);
    assert!(
        locker
            .heard
            .said("ext_session_lock_surface_v1", "width: 32, height: 32")
    );
    locker.fill(&surface, (32, 32), 0xaa00aa);
    f.advance(20, &mut [&mut game, &mut locker]);
    assert_eq!(f.picture().at(3, 3), 0xaa00aa);
    assert_eq!(locker.heard.keyboard_focus, Some(surface.id().protocol_id()));
    let before = game.heard.pointer.len();
    f.state.inject(Event::Key {
        code: 30,
        pressed: true,
    });
    f.state.inject(Event::Absolute { x: 0.5, y: 0.5 });
    f.settle(&mut [&mut game, &mut locker]);
    assert_eq!((game.heard.keys.len(), game.heard.pointer.len()), (0, before));
    assert_eq!(locker.heard.keys, [(30, true)]);
    held.unlock_and_destroy();
    f.advance(20, &mut [&mut game, &mut locker]);
    assert_eq!(f.picture().at(3, 3), 0x123456);
    assert_eq!(game.heard.keyboard_focus, Some(w.surface.id().protocol_id()));
}

#[test]
fn only_the_holder_unlocks_and_a_dead_holders_lock_stays() {
    let mut f = Fixture::new(32, 32);
    let (mut game, mut first, mut second) = (f.client(), f.client(), f.client());
    let w = game.toplevel();
    f.settle(&mut [&mut game]);
    game.fill(&w.surface, (32, 32), 0x123456);
    let _held = lock(&first);
    f.advance(20, &mut [&mut game, &mut first, &mut second]);
    let denied = lock(&second);
    f.settle(&mut [&mut game, &mut first, &mut second]);
    assert!(second.heard.said(NAME, "Finished"));
    denied.unlock_and_destroy();
    f.settle(&mut [&mut game, &mut first, &mut second]);
    assert!(second.error.is_some(), "it has not locked anything");
    drop(first);
    game.fill(&w.surface, (32, 32), 0x123456);
    f.advance(40, &mut [&mut game]);
    f.headless().want_key_frame();
    f.settle(&mut [&mut game]);
    assert_eq!(f.picture().at(3, 3), 0, "still locked");
    let mut third = f.client();
    let taken = lock(&third);
    f.advance(20, &mut [&mut game, &mut third]);
    assert!(third.heard.said(NAME, "Locked"));
    taken.unlock_and_destroy();
    f.advance(20, &mut [&mut game, &mut third]);
    assert_eq!(f.picture().at(3, 3), 0x123456);
}

/// A surface of this lock, with this colour, shown if the lock holds the session.
fn cover(f: &mut Fixture, locker: &mut Client, held: &ExtSessionLockV1, colour: u32) -> WlSurface {
    let surface = locker.surface();
    held.get_lock_surface(&surface, &locker.globals().output, &locker.qh(), ());
    f.settle(&mut [locker]);
    locker.fill(&surface, (32, 32), colour);
    f.advance(20, &mut [locker]);
    surface
}

fn tap(f: &mut Fixture, code: u16) {
    f.state.inject(Event::edge(code, true));
    f.state.inject(Event::edge(code, false));
}

#[test]
fn a_refused_locks_surface_is_neither_shown_nor_given_the_password() {
    let mut f = Fixture::new(32, 32);
    let (mut first, mut second) = (f.client(), f.client());
    let held = lock(&first);
    f.advance(20, &mut [&mut first]);
    let surface = cover(&mut f, &mut first, &held, 0xaa00aa);
    let refused = lock(&second);
    f.settle(&mut [&mut second]);
    assert!(second.heard.said(NAME, "Finished"));
    cover(&mut f, &mut second, &refused, 0x00ff00);
    f.headless().want_key_frame();
    f.settle(&mut [&mut first, &mut second]);
    assert_eq!(f.picture().at(3, 3), 0xaa00aa);
    tap(&mut f, 30);
    f.settle(&mut [&mut first, &mut second]);
    assert_eq!(first.heard.keyboard_focus, Some(surface.id().protocol_id()));
    assert_eq!((first.heard.keys.len(), second.heard.keys.len()), (2, 0));
    assert!(second.error.is_none(), "{:?}", second.error);
    refused.destroy();
    f.settle(&mut [&mut first, &mut second]);
    assert!(second.error.is_none() && f.state.scope.extras.lock.is_locked());
}

#[test]
fn a_lock_that_is_taken_back_before_it_is_confirmed_leaves_the_session_open() {
    let mut f = Fixture::new(32, 32);
    let ((mut game, w), mut locker) = (game(&mut f), f.client());
    lock(&locker).destroy();
    f.advance(20, &mut [&mut game, &mut locker]);
    assert!(!locker.heard.said(NAME, "Locked") && locker.error.is_none());
    f.headless().want_key_frame();
    f.settle(&mut [&mut game, &mut locker]);
    assert_eq!(f.picture().at(3, 3), 0x123456);
    assert_eq!(game.heard.keyboard_focus, Some(w.surface.id().protocol_id()));
}

#[test]
fn what_a_game_had_grabbed_goes_to_the_lock() {
    let mut f = Fixture::new(32, 32);
    let ((mut game, w), mut locker) = (game(&mut f), f.client());
    // A menu is open, and a button is held in it.
    f.state.inject(Event::Absolute { x: 0.5, y: 0.5 });
    let button = |pressed| Event::edge(0x110, pressed);
    f.state.inject(button(true));
    f.settle(&mut [&mut game]);
    let serial = game.heard.pointer.iter().find_map(|e| match e {
        wl_pointer::Event::Button { serial, .. } => Some(*serial),
        _ => None,
    });
    let menu = game.popup(&w, (2, 2, 4, 4), (16, 16), serial);
    f.settle(&mut [&mut game]);
    game.fill(&menu, (16, 16), 0xffffff);
    f.advance(20, &mut [&mut game]);
    assert!(!game.heard.popup_done);
    assert_eq!(game.heard.keyboard_focus, Some(menu.id().protocol_id()));
    let held = lock(&locker);
    f.advance(20, &mut [&mut game, &mut locker]);
    let surface = cover(&mut f, &mut locker, &held, 0xaa00aa);
    f.settle(&mut [&mut game]);
    assert!(game.heard.popup_done);
    let focus = (game.heard.keyboard_focus, locker.heard.keyboard_focus);
    assert_eq!(focus, (None, Some(surface.id().protocol_id())));
    // Nor can it take anything while the session is locked.
    game.popup(&w, (2, 2, 4, 4), (16, 16), serial);
    f.settle(&mut [&mut game, &mut locker]);
    let before = game.heard.pointer.len();
    tap(&mut f, 30);
    f.state.inject(Event::Relative { dx: 3.0, dy: 3.0 });
    for event in [button(false), button(true), button(false)] {
        f.state.inject(event);
    }
    f.settle(&mut [&mut game, &mut locker]);
    assert_eq!(locker.heard.keys, [(30, true), (30, false)]);
    assert_eq!((game.heard.keys.len(), game.heard.pointer.len()), (0, before));
    held.unlock_and_destroy();
    f.advance(20, &mut [&mut game, &mut locker]);
    assert_eq!(game.heard.keyboard_focus, Some(w.surface.id().protocol_id()));
}

#[test]
fn a_game_that_holds_the_pointer_hears_nothing_while_locked() {
    let mut f = Fixture::new(32, 32);
    let ((mut game, w), mut locker) = (game(&mut f), f.client());
    f.state.inject(Event::Absolute { x: 0.5, y: 0.5 });
    let (pointer, qh) = (game.globals().pointer.clone(), game.qh());
    let constraints = &game.globals().constraints;
    constraints.lock_pointer(&w.surface, &pointer, None, Lifetime::Persistent, &qh, ());
    f.advance(20, &mut [&mut game]);
    assert!(game.heard.locked);
    let held = lock(&locker);
    f.advance(20, &mut [&mut game, &mut locker]);
    f.state.inject(Event::Relative { dx: 3.0, dy: 3.0 });
    f.settle(&mut [&mut game, &mut locker]);
    cover(&mut f, &mut locker, &held, 0xaa00aa);
    f.state.inject(Event::Relative { dx: 3.0, dy: 3.0 });
    f.settle(&mut [&mut game, &mut locker]);
    assert!(game.heard.relative.is_empty() && !game.heard.locked);
    assert!(!locker.heard.relative.is_empty());
    held.unlock_and_destroy();
    f.advance(20, &mut [&mut game, &mut locker]);
    assert!(game.heard.locked, "it has it again");
}
