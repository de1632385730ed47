//! What Steam's and gamescope's properties change is seen, and what is told of it is kept true.

use crate::desk::{Desk, H, W};
use crate::steam::{set, steam_desk, text, until_told};
use crate::x::{BLUE, GREEN, RED, X};

const WHOLE: (i16, i16, u16, u16) = (0, 0, W, H);

#[test]
fn the_picture_is_magnified_about_its_middle() {
    let mut desk = Desk::new();
    let x = desk.x();
    let window = x.window(WHOLE, RED);
    x.map(window);
    desk.until_seen(&[(1, 1, RED)]);
    let menu = x.menu((310, 230, 20, 20), GREEN);
    x.map(menu);
    desk.until_seen(&[(320, 240, GREEN), (305, 225, RED)]);
    set(&x, x.root, "STEAM_SCREEN_MAGNIFICATION", &[0x1_fffe]);
    desk.until_seen(&[(305, 225, GREEN), (298, 218, RED)]);
    set(&x, x.root, "STEAM_SCREEN_MAGNIFICATION", &[0xffff]);
    desk.until_seen(&[(320, 240, GREEN), (305, 225, RED)]);
}

#[test]
fn the_old_name_of_sharpness_is_obeyed() {
    let mut desk = Desk::new();
    let x = desk.x();
    set(&x, x.root, "GAMESCOPE_FSR_SHARPNESS", &[5]);
    desk.until("it is set", |d| d.f.state.scope.settings.sharpness == 5);
}

#[test]
fn steams_old_main_window_is_steams_by_its_mark() {
    let (mut desk, x) = steam_desk();
    let steam = x.window(WHOLE, BLUE);
    set(&x, steam, "STEAM_BIGPICTURE", &[1]);
    x.map(steam);
    desk.until_seen(&[(1, 1, BLUE)]);
    until_told(&mut desk, &x, "GAMESCOPE_FOCUSED_APP", &[769]);
    // A later window of no app is not before it.
    let other = x.window(WHOLE, GREEN);
    x.map(other);
    until_told(&mut desk, &x, "GAMESCOPE_FOCUSABLE_APPS", &[769]);
    desk.until("both are known", |d| {
        d.f.state.scope.windows.infos(&|_| d.f.state.scope.area, true).len() == 2
    });
    desk.until_seen(&[(1, 1, BLUE)]);
    set(&x, steam, "STEAM_BIGPICTURE", &[0]);
    desk.until_seen(&[(1, 1, GREEN)]);
}

#[test]
fn a_streaming_client_is_drawn_over_its_video() {
    let (mut desk, x) = steam_desk();
    let video = x.window(WHOLE, BLUE);
    set(&x, video, "STEAM_STREAMING_CLIENT_VIDEO", &[1]);
    x.map(video);
    let client = x.window(WHOLE, RED);
    set(&x, client, "STEAM_STREAMING_CLIENT", &[1]);
    set(&x, client, "_NET_WM_WINDOW_OPACITY", &[u32::MAX / 2]);
    x.map(client);
    desk.until("half of each is seen", |d| {
        let half = |c: u32| (0x70..0x90).contains(&(c & 0xff));
        let colour = d.picture().map_or(0, |p| p.at(320, 240));
        half(colour >> 16) && half(colour) && colour & 0xff00 == 0
    });
    desk.until_focused(&x, client);
    set(&x, client, "STEAM_STREAMING_CLIENT", &[0]);
    desk.until("the video is not seen", |d| {
        d.picture().is_some_and(|p| p.at(320, 240) & 0xff == 0)
    });
}

#[test]
fn the_display_of_what_is_shown_is_told() {
    let mut desk = Desk::new();
    desk.f.state.scope.wayland = "gamescope-7".into();
    let x = desk.x();
    let own = format!(":{}", desk.display());
    let window = x.window(WHOLE, RED);
    x.map(window);
    desk.until_seen(&[(1, 1, RED)]);
    let displays = ["FOCUS", "KEYBOARD_FOCUS", "MOUSE_FOCUS"].map(|of| format!("GAMESCOPE_{of}_DISPLAY"));
    let all = |x: &X, wanted: &str| displays.iter().all(|name| text(x, name) == wanted);
    desk.until("all are the X server's", |_| all(&x, &own));
    let mut game = desk.f.client();
    let w = game.toplevel();
    desk.f.settle(&mut [&mut game]);
    game.fill(&w.surface, (W.into(), H.into()), 0x808080);
    desk.f.settle(&mut [&mut game]);
    desk.until("all are the Wayland socket's", |_| all(&x, "gamescope-7"));
}

#[test]
fn what_another_changes_is_put_right() {
    let mut desk = Desk::new();
    let x = desk.x();
    let window = x.window(WHOLE, RED);
    x.map(window);
    until_told(&mut desk, &x, "GAMESCOPE_FOCUSED_APP", &[window]);
    until_told(&mut desk, &x, "GAMESCOPE_CURSOR_VISIBLE_FEEDBACK", &[1]);
    for _ in 0..3 {
        set(&x, x.root, "GAMESCOPE_FOCUSED_APP", &[7]);
        until_told(&mut desk, &x, "GAMESCOPE_FOCUSED_APP", &[window]);
        x.forget(x.root, "GAMESCOPE_CURSOR_VISIBLE_FEEDBACK");
        until_told(&mut desk, &x, "GAMESCOPE_CURSOR_VISIBLE_FEEDBACK", &[1]);
        set(&x, x.root, "GAMESCOPE_CREATE_XWAYLAND_SERVER_FEEDBACK", &[7]);
        until_told(&mut desk, &x, "GAMESCOPE_CREATE_XWAYLAND_SERVER_FEEDBACK", &[]);
    }
}
