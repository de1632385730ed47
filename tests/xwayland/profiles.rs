//! An X11 window's class, and the app that it is marked with, say which profile is used.

use crate::desk::{Desk, H, W};
use crate::fixture::{settings, with_file};
use crate::x::{BLUE, GREEN, RED};
use x11rb::protocol::xproto::{AtomEnum, PropMode};
use x11rb::wrapper::ConnectionExt as _;

const FILE: &str = "[profile.class]\nmatch = { program = ['racer', 'Puzzle'] }\naudio-channels = 6\n\
                    [profile.app]\nmatch = { app = 570 }\naudio-channels = 8\n";

#[test]
fn the_class_or_the_app_of_the_window_in_front_says_which_profile_is_used() {
    let mut desk = Desk::with(with_file(FILE, settings(W.into(), H.into())));
    desk.start();
    let x = desk.x();
    let until = |desk: &mut Desk, profile: Option<&str>| {
        desk.until(&format!("the profile {profile:?} is followed"), |desk| {
            desk.f.state.scope.followed.profile.as_deref() == profile
        });
    };
    let shown = |class: &[u8], colour| {
        let window = x.window((0, 0, W, H), colour);
        let set = x
            .conn
            .change_property8(PropMode::REPLACE, window, AtomEnum::WM_CLASS, AtomEnum::STRING, class);
        set.expect("it is sent");
        x.map(window);
        window
    };
    // The instance, or the class.
    let racer = shown(b"racer\0Racer\0", RED);
    until(&mut desk, Some("class"));
    let other = shown(b"other\0Other\0", GREEN);
    until(&mut desk, None);
    let puzzle = shown(b"x\0Puzzle\0", BLUE);
    until(&mut desk, Some("class"));
    x.destroy(puzzle);
    until(&mut desk, None);
    x.set_words(other, "STEAM_GAME", AtomEnum::CARDINAL, &[570]);
    until(&mut desk, Some("app"));
    let proton = shown(b"steam_app_570\0steam_app_570\0", BLUE);
    x.destroy(other);
    x.destroy(racer);
    desk.until_seen(&[(1, 1, BLUE)]);
    until(&mut desk, Some("app"));
    x.destroy(proton);
}
