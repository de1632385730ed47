//! ext-session-lock.

use crate::client::Client;
use crate::fixture::Fixture;
use goggles_protocols::input::Event;
use wayland_client::Proxy;
use wayland_protocols::ext::session_lock::v1::client::{
    ext_session_lock_manager_v1::ExtSessionLockManagerV1, ext_session_lock_v1::ExtSessionLockV1,
};

const NAME: &str = "ext_session_lock_v1";

fn lock(c: &Client) -> ExtSessionLockV1 {
    let manager: ExtSessionLockManagerV1 = c.global(1);
    manager.lock(&c.qh(), ())
}

#[test]
fn a_locked_session_shows_and_drives_the_lock_only() {
    let mut f = Fixture::new(32, 32);
    let (mut game, mut locker) = (f.client(), f.client());
    let w = game.toplevel();
    f.settle(&mut [&mut game, &mut locker]);
    game.fill(&w.surface, (32, 32), 0x123456);
    f.advance(40, &mut [&mut game, &mut locker]);
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
