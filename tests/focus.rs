//! The focus policy, replayed: lists of windows, in the form of `--debug-focus`, and what must come of each. Chromium's is
//! recorded; the others are put together.

use goggles_scope::scene::policy::{Choice, Info, Wants, choose};
use serde::Deserialize;

#[derive(Deserialize)]
struct Session {
    what: String,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    windows: Vec<Info>,
    wants: Wants,
    choice: Choice,
}

fn replay(text: &str) {
    let session: Session = serde_json::from_str(text).expect("a recorded session");
    assert!(!session.steps.is_empty());
    for (at, step) in session.steps.iter().enumerate() {
        let chosen = choose(&step.windows, &step.wants);
        assert_eq!(chosen, step.choice, "step {at} of: {}", session.what);
    }
}

#[test]
fn a_launcher_gives_way_to_its_game_and_comes_back() {
    replay(include_str!("focus/launcher-game.json"));
}

#[test]
fn a_splash_gives_way_to_the_game() {
    replay(include_str!("focus/splash-game.json"));
}

#[test]
fn menus_are_over_their_window() {
    replay(include_str!("focus/dropdown.json"));
}

#[test]
fn dialogs_are_over_a_full_screen_game() {
    replay(include_str!("focus/dialog.json"));
}

#[test]
fn a_game_may_have_two_windows() {
    replay(include_str!("focus/two-windows.json"));
}

#[test]
fn chromium_as_it_was_recorded() {
    replay(include_str!("focus/chromium.json"));
}

#[test]
fn steam_its_game_and_its_overlay() {
    replay(include_str!("focus/steam.json"));
}
