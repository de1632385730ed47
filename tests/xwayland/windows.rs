//! Windows: what is seen, where, in which order, and which has the focus.

use crate::desk::{Desk, H, W};
use crate::modes::set_mode;
use crate::x::{BLACK, BLUE, GREEN, RED, X};
use x11rb::protocol::xproto::{AtomEnum, ConfigureWindowAux, StackMode};

const FULLSCREEN: [&str; 2] = ["_NET_WM_STATE_FULLSCREEN", ""];
const MAXIMIZED: [&str; 2] = ["_NET_WM_STATE_MAXIMIZED_HORZ", "_NET_WM_STATE_MAXIMIZED_VERT"];

/// A desk whose output a red window fills.
fn with_main() -> (Desk, X, u32) {
    let mut desk = Desk::new();
    let x = desk.x();
    let main = x.window((0, 0, W, H), RED);
    x.map(main);
    desk.until_seen(&[(1, 1, RED), (639, 479, RED)]);
    (desk, x, main)
}

#[test]
fn a_window_is_seen_has_the_focus_and_is_not_composed() {
    let (mut desk, x, main) = with_main();
    desk.until_focused(&x, main);
    assert!(desk.picture().unwrap().direct, "its buffer is the frame");
    assert_eq!(x.place(main), (0, 0, W, H));
    assert_eq!(desk.f.state.scope.windows.iter().count(), 1);
}

#[test]
fn the_screen_is_the_output() {
    let desk = Desk::new();
    let x = desk.x();
    assert_eq!(x.place(x.root), (0, 0, W, H));
}

#[test]
fn a_smaller_window_is_fitted_into_the_output() {
    let mut desk = Desk::new();
    let x = desk.x();
    let main = x.window((30, 20, 320, 240), RED);
    x.map(main);
    desk.until_seen(&[(1, 1, RED), (638, 478, RED)]);
    assert_eq!(x.place(main), (0, 0, 320, 240), "it did not choose its place");
}

#[test]
fn menus_are_over_their_window_wherever_they_place_themselves() {
    let (mut desk, x, main) = with_main();
    let menu = x.menu((100, 50, 40, 30), GREEN);
    x.map(menu);
    desk.until_seen(&[(99, 50, RED), (100, 50, GREEN), (139, 79, GREEN), (140, 79, RED)]);
    assert_eq!(x.focus(), main, "a menu takes no focus");
    x.configure(menu, ConfigureWindowAux::new().x(300).y(200).width(80));
    desk.until_seen(&[(110, 60, RED), (300, 200, GREEN), (379, 229, GREEN)]);
    x.destroy(menu);
    desk.until_seen(&[(300, 200, RED)]);
}

#[test]
fn a_window_that_places_itself_over_everything_is_the_game() {
    let (mut desk, x, main) = with_main();
    let game = x.menu((10, 10, 40, 30), GREEN);
    x.map(game);
    desk.until_seen(&[(20, 20, GREEN), (1, 1, RED)]);
    assert_eq!(x.focus(), main);
    let whole = ConfigureWindowAux::new()
        .x(0)
        .y(0)
        .width(u32::from(W))
        .height(u32::from(H));
    x.configure(game, whole);
    desk.until_seen(&[(1, 1, GREEN), (639, 479, GREEN)]);
    desk.until("it is the base and has the keys", |d| {
        let scope = &d.f.state.scope;
        let id = scope.windows.by_x11(0, game).map(|w| w.id);
        scope.choice.base == id && scope.choice.keyboard == id
    });
    x.configure(game, ConfigureWindowAux::new().x(10).y(10).width(40).height(30));
    desk.until_seen(&[(20, 20, GREEN), (1, 1, RED)]);
    desk.until_focused(&x, main);
}

#[test]
fn a_dialog_is_centred_over_its_window_and_has_the_focus() {
    let (mut desk, x, main) = with_main();
    let dialog = x.window((0, 0, 100, 80), BLUE);
    x.belongs_to(dialog, main);
    x.map(dialog);
    desk.until_seen(&[(320, 240, BLUE), (1, 1, RED)]);
    desk.until_focused(&x, dialog);
    assert_eq!(x.place(dialog), (270, 200, 100, 80));
    x.destroy(dialog);
    desk.until_seen(&[(320, 240, RED)]);
    desk.until_focused(&x, main);
}

#[test]
fn a_window_without_use_for_the_keyboard_does_not_take_it() {
    let (mut desk, x, main) = with_main();
    let toast = x.window((0, 0, 100, 80), BLUE);
    x.belongs_to(toast, main);
    // WM_HINTS: the input hint is given, and is no.
    x.set_words(toast, "WM_HINTS", AtomEnum::WM_HINTS, &[1, 0, 0, 0, 0, 0, 0, 0, 0]);
    x.map(toast);
    desk.until_seen(&[(320, 240, BLUE)]);
    desk.until_focused(&x, main);
}

#[test]
fn full_screen_and_back() {
    let mut desk = Desk::new();
    let x = desk.x();
    let main = x.window((0, 0, 320, 200), RED);
    x.map(main);
    desk.until_seen(&[(320, 240, RED), (320, 1, BLACK)]);
    x.ask_state(main, 1, FULLSCREEN);
    desk.until("it fills the screen", |_| x.place(main) == (0, 0, W, H));
    desk.until_seen(&[(320, 1, RED), (639, 479, RED)]);
    let state = x.atom(FULLSCREEN[0]);
    desk.until("it is told so", |_| x.words(main, "_NET_WM_STATE").contains(&state));
    x.configure(main, ConfigureWindowAux::new().width(100).height(100));
    x.ask_state(main, 0, FULLSCREEN);
    desk.until("it is as it was", |_| x.place(main) == (0, 0, 320, 200));
    assert!(!x.words(main, "_NET_WM_STATE").contains(&state));
    desk.until_seen(&[(320, 240, RED), (320, 1, BLACK)]);
}

#[test]
fn full_screen_from_the_start() {
    let mut desk = Desk::new();
    let x = desk.x();
    let main = x.window((5, 5, 320, 200), RED);
    x.set_words(main, "_NET_WM_STATE", AtomEnum::ATOM, &[x.atom(FULLSCREEN[0])]);
    x.map(main);
    desk.until_seen(&[(1, 1, RED), (639, 479, RED)]);
    assert_eq!(x.place(main), (0, 0, W, H));
}

#[test]
fn maximised_and_back() {
    let mut desk = Desk::new();
    let x = desk.x();
    let main = x.window((0, 0, 320, 200), RED);
    x.map(main);
    desk.until_seen(&[(320, 240, RED)]);
    x.ask_state(main, 1, MAXIMIZED);
    desk.until("it fills the screen", |_| x.place(main) == (0, 0, W, H));
    x.ask_state(main, 0, MAXIMIZED);
    desk.until("it is as it was", |_| x.place(main) == (0, 0, 320, 200));
}

#[test]
fn a_window_may_resize_itself() {
    let (mut desk, x, main) = with_main();
    x.configure(main, ConfigureWindowAux::new().width(320).height(480));
    desk.until("it has its size", |_| x.place(main) == (0, 0, 320, 480));
    desk.until_seen(&[(1, 1, BLACK), (320, 240, RED), (638, 1, BLACK)]);
}

#[test]
fn the_newest_main_window_is_seen_and_the_other_comes_back() {
    let (mut desk, x, main) = with_main();
    let other = x.window((0, 0, 200, 480), GREEN);
    x.map(other);
    desk.until_seen(&[(320, 240, GREEN), (1, 1, BLACK)]);
    desk.until_focused(&x, other);
    x.ask(main, "_NET_ACTIVE_WINDOW", [1, 0, 0, 0, 0]);
    desk.until_seen(&[(320, 240, RED), (1, 1, RED)]);
    desk.until_focused(&x, main);
    x.configure(other, ConfigureWindowAux::new().stack_mode(StackMode::ABOVE));
    desk.until_seen(&[(320, 240, GREEN)]);
    x.destroy(other);
    desk.until_seen(&[(320, 240, RED)]);
    desk.until_focused(&x, main);
}

#[test]
fn the_x_server_picks_the_windows_that_are_seen() {
    let (mut desk, x, main) = with_main();
    let menu = x.menu((300, 220, 40, 40), GREEN);
    x.map(menu);
    let other = x.window((0, 0, 640, 400), BLUE);
    x.map(other);
    desk.until_seen(&[(10, 240, BLUE), (320, 280, GREEN)]);
    // The output is 80 rows higher than the window, which is centred in it: 40 rows further down than on the X screen.
    // The dialog of the window that is not seen any more comes last.
    let hidden = x.window((0, 0, 640, 400), RED);
    x.belongs_to(hidden, main);
    x.map(hidden);
    desk.until("it is known", |d| {
        d.f.state.scope.windows.by_x11(0, hidden).is_some_and(|w| w.mapped)
    });
    desk.until("what is seen is what is picked", |_| {
        x.at(10, 200) == other && x.at(320, 240) == menu
    });
    desk.until_seen(&[(10, 240, BLUE), (320, 280, GREEN)]);
    // Lowered by its own client, which nobody is asked for.
    x.configure(menu, ConfigureWindowAux::new().stack_mode(StackMode::BELOW));
    desk.until("the menu is picked again", |_| x.at(320, 240) == menu);
}

#[test]
fn a_window_that_is_mapped_again_is_seen_again() {
    let (mut desk, x, main) = with_main();
    let menu = x.menu((100, 50, 40, 30), GREEN);
    for _ in 0..10 {
        // The ids of the surfaces are used again, each time for the other window.
        x.map(menu);
        desk.until_seen(&[(110, 60, GREEN), (1, 1, RED)]);
        x.unmap(main);
        x.unmap(menu);
        desk.until("both are gone", |d| d.f.state.scope.windows.iter().count() == 0);
        x.map(main);
        x.map(menu);
        desk.until_seen(&[(110, 60, GREEN), (1, 1, RED)]);
        x.unmap(menu);
        desk.until_seen(&[(110, 60, RED)]);
    }
    // Without a pause between, so that one end of the pairing is behind the other.
    for _ in 0..20 {
        x.unmap(main);
        x.map(menu);
        x.map(main);
        x.unmap(menu);
    }
    x.map(menu);
    desk.until_seen(&[(110, 60, GREEN), (1, 1, RED), (639, 479, RED)]);
}

#[test]
fn a_client_that_dies_leaves_nothing() {
    let (mut desk, x, main) = with_main();
    let other = desk.x();
    let second = other.window((0, 0, W, H), GREEN);
    other.map(second);
    let menu = other.menu((100, 50, 40, 30), BLUE);
    other.map(menu);
    desk.until_seen(&[(1, 1, GREEN), (110, 60, BLUE)]);
    drop(other);
    desk.until_seen(&[(1, 1, RED), (110, 60, RED)]);
    desk.until_focused(&x, main);
    desk.until("one window is left", |d| d.f.state.scope.windows.iter().count() == 1);
    drop(x);
    desk.until_seen(&[(1, 1, BLACK)]);
    desk.until("nobody has the keyboard", |d| d.f.state.scope.choice.keyboard.is_none());
}

#[test]
fn a_game_that_sets_a_mode_fills_the_output_with_it() {
    let mut desk = Desk::new();
    let x = desk.x();
    set_mode(&x, (320, 240));
    let game = x.window((0, 0, 200, 200), RED);
    x.map(game);
    desk.until_seen(&[(320, 240, RED), (1, 240, BLACK)]);
    x.ask_state(game, 1, FULLSCREEN);
    desk.until("it has the mode's size", |_| x.place(game) == (0, 0, 320, 240));
    desk.until_seen(&[(1, 1, RED), (638, 478, RED)]);
    // And back to the output's own.
    set_mode(&x, (W, H));
    desk.until("it has the output's size", |_| x.place(game) == (0, 0, W, H));
    desk.until_seen(&[(1, 1, RED), (638, 478, RED)]);
}

#[test]
fn a_dialog_larger_than_its_window_is_seen_whole() {
    let mut desk = Desk::new();
    let x = desk.x();
    let main = x.window((0, 0, 320, 240), RED);
    x.map(main);
    desk.until_seen(&[(1, 1, RED), (638, 478, RED)]);
    // At the window's own scale it would be wider than the output.
    let dialog = x.window((0, 0, 400, 200), BLUE);
    x.belongs_to(dialog, main);
    x.map(dialog);
    desk.until_seen(&[(1, 160, BLUE), (638, 160, BLUE), (1, 478, BLACK)]);
    let scale = desk.f.state.scope.fit.scale;
    assert_eq!(scale, (1.6, 1.6));
    x.destroy(dialog);
    desk.until_seen(&[(1, 1, RED), (638, 478, RED)]);
}

#[test]
fn a_game_that_belongs_to_its_launcher_is_not_cut_off() {
    let mut desk = Desk::new();
    let x = desk.x();
    let launcher = x.window((0, 0, 320, 240), BLUE);
    x.map(launcher);
    desk.until_seen(&[(1, 1, BLUE), (638, 478, BLUE)]);
    let game = x.window((0, 0, 100, 80), RED);
    x.belongs_to(game, launcher);
    x.map(game);
    desk.until_seen(&[(1, 1, BLUE), (320, 240, RED)]);
    x.ask_state(game, 1, FULLSCREEN);
    // Were it fitted as the launcher is, it would be composed.
    desk.until("it is shown as it is", |d| {
        d.picture().is_some_and(|p| p.direct && p.at(1, 1) == RED)
    });
    x.ask_state(game, 0, FULLSCREEN);
    desk.until_seen(&[(1, 1, BLUE), (320, 240, RED)]);
}
