//! Text that a viewer sends: every character is typed, whether or not the layout has it.

use crate::client::Client;
use crate::fixture::Fixture;
use goggles_protocols::input::Event;
use goggles_scope::link::{ToScope, ViewerId};
use goggles_scope::xwayland::{Control, Layout};

const VIEWER: ViewerId = ViewerId(1);
const CAPS_LOCK: u16 = 58;
const F24: u32 = 194;

/// A window with the keyboard, and a viewer who plays.
fn start() -> (Fixture, Client) {
    let mut f = Fixture::new(32, 32);
    let mut game = f.client();
    let w = game.toplevel();
    f.settle(&mut [&mut game]);
    game.fill(&w.surface, (32, 32), 1);
    f.settle(&mut [&mut game]);
    f.state.from_network(ToScope::InputHolder(Some(VIEWER)));
    (f, game)
}

fn german() -> Layout {
    Layout {
        layout: "de".into(),
        ..Layout::default()
    }
}

/// What the game reads when the viewer sends `text`.
fn types(f: &mut Fixture, game: &mut Client, text: &str) -> String {
    game.heard.typed.clear();
    let text = text.to_owned();
    f.state.from_network(ToScope::Text { viewer: VIEWER, text });
    f.settle(&mut [game]);
    std::mem::take(&mut game.heard.typed)
}

#[test]
fn characters_beyond_the_layout_come_with_a_keymap_that_has_them() {
    let (mut f, mut game) = start();
    let first = game.heard.keymaps;
    assert_eq!(types(&mut f, &mut game, "Ab!\n"), "Ab!\r");
    assert_eq!(game.heard.keymaps, first, "the layout has them all");
    assert_eq!(types(&mut f, &mut game, "é, ß; Жизнь — 😀é"), "é, ß; Жизнь — 😀é");
    assert_eq!(game.heard.keymaps, first + 1, "one keymap for all of the text");
    assert_eq!(types(&mut f, &mut game, "ßé😀"), "ßé😀");
    assert_eq!(game.heard.keymaps, first + 1, "they are bound already");
}

#[test]
fn the_rest_of_a_text_with_more_than_the_spare_keys_comes_later() {
    let (mut f, mut game) = start();
    let text: String = ('А'..='я').collect();
    let before = types(&mut f, &mut game, &text);
    assert!(
        text.starts_with(&before) && (4..text.len()).contains(&before.len()),
        "{before}"
    );
    // What comes meanwhile waits for its turn.
    let more = "xЯ";
    f.state.from_network(ToScope::Text {
        viewer: VIEWER,
        text: more.into(),
    });
    f.advance(5_000, &mut [&mut game]);
    assert_eq!(before + &game.heard.typed, text + more);
    assert_eq!(f.state.scope.typing.deadline(), None);
}

#[test]
fn the_rest_is_typed_with_another_layout_too() {
    let (mut f, mut game) = start();
    let text: String = ('А'..='я').collect();
    let before = types(&mut f, &mut game, &text);
    assert!(before.len() < text.len());
    f.state.control(Control::Keyboard(Some(german())));
    f.advance(5_000, &mut [&mut game]);
    assert_eq!(before + &game.heard.typed, text);
}

#[test]
fn a_long_text_is_typed_bit_by_bit_while_the_picture_goes_on() {
    let (mut f, mut game) = start();
    let text: String = ('a'..='z').cycle().take(3_000).collect();
    let first = types(&mut f, &mut game, &text);
    assert!(
        text.starts_with(&first) && (64..1_000).contains(&first.len()),
        "{}",
        first.len()
    );
    let w = game.toplevel();
    f.settle(&mut [&mut game]);
    game.fill(&w.surface, (32, 32), 0x123456);
    f.pictures();
    f.advance(17, &mut [&mut game]);
    assert_eq!(f.picture().middle(), 0x123456);
    assert!(
        first.len() + game.heard.typed.len() < text.len(),
        "the picture did not wait for it"
    );
    f.advance(1_000, &mut [&mut game]);
    assert_eq!(first + &game.heard.typed, text);
    assert_eq!(f.state.scope.typing.deadline(), None);
}

#[test]
fn the_rest_is_not_typed_when_the_viewer_goes() {
    let (mut f, mut game) = start();
    let text: String = ('А'..='я').collect();
    types(&mut f, &mut game, &text);
    f.state.from_network(ToScope::InputHolder(None));
    f.advance(1_000, &mut [&mut game]);
    assert_eq!(game.heard.typed, "");
}

#[test]
fn locks_stay_and_hotkeys_do_not_see_it() {
    let (mut f, mut game) = start();
    let mut tap = |f: &mut Fixture, code: u16| {
        for pressed in [true, false] {
            f.state.inject(Event::Key { code, pressed });
        }
        f.settle(&mut [&mut game]);
        std::mem::take(&mut game.heard.typed)
    };
    tap(&mut f, CAPS_LOCK);
    assert_eq!(tap(&mut f, 30), "A");
    let mut read = |f: &mut Fixture, text: &str| types(f, &mut game, text);
    assert_eq!(read(&mut f, "é😀É"), "é😀É", "the lock is not for them");
    let all: String = ('а'..).take(18).collect();
    assert_eq!(read(&mut f, &all).chars().count(), 15, "all the others that us has");
    assert!(game.heard.keys.iter().any(|(code, _)| *code == F24));
    for pressed in [true, false] {
        f.state.inject(Event::Key { code: 30, pressed });
    }
    f.settle(&mut [&mut game]);
    assert!(game.heard.typed.ends_with('A'), "the lock is still on");
}

#[test]
fn another_layout_has_its_own_spare_keys() {
    let (mut f, mut game) = start();
    assert_eq!(types(&mut f, &mut game, "üé"), "üé");
    f.state.control(Control::Keyboard(Some(german())));
    f.settle(&mut [&mut game]);
    let keymaps = game.heard.keymaps;
    assert_eq!(types(&mut f, &mut game, "üz"), "üz");
    assert_eq!(game.heard.keymaps, keymaps, "this layout has both");
    assert_eq!(types(&mut f, &mut game, "éж"), "éж");
    assert_eq!(game.heard.keymaps, keymaps + 1);
}
