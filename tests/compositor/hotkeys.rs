//! Our hotkeys, which the game does not see; and who has the keyboard when a window comes.

use crate::client::{Client, Window};
use crate::fixture::{Fixture, settings};
use goggles_protocols::input::Event;
use goggles_scope::config::Filter;
use wayland_client::Proxy;

const SUPER: u16 = 125;
const BTN_LEFT: u16 = 0x110;

fn window(f: &mut Fixture, c: &mut Client, parent: Option<&Window>, size: (i32, i32)) -> Window {
    let w = c.toplevel();
    w.toplevel.set_parent(parent.map(|p| &p.toplevel));
    f.settle(&mut [c]);
    c.fill(&w.surface, size, 0x808080);
    f.advance(20, &mut [c]);
    w
}

/// Presses the keys one after the other and releases them.
pub fn tap(f: &mut Fixture, c: &mut Client, codes: &[u16]) {
    for code in codes {
        f.state.inject(Event::Key {
            code: *code,
            pressed: true,
        });
    }
    for code in codes.iter().rev() {
        f.state.inject(Event::Key {
            code: *code,
            pressed: false,
        });
    }
    f.settle(&mut [c]);
}

#[test]
fn chords_are_ours_and_their_modifier_is_the_games() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut s = settings(64, 64);
    s.screenshots = Some(folder.path().to_path_buf());
    s.sharpness = 2;
    let mut f = Fixture::with(s);
    let mut c = f.client();
    window(&mut f, &mut c, None, (64, 64));
    let (s_key, u, n, i, o, p) = (31, 22, 49, 23, 24, 25);
    tap(&mut f, &mut c, &[SUPER, s_key]);
    tap(&mut f, &mut c, &[SUPER, u]);
    assert_eq!(f.state.scope.settings.filter, Filter::Fsr);
    tap(&mut f, &mut c, &[SUPER, i]);
    assert_eq!(f.state.scope.settings.sharpness, 3);
    tap(&mut f, &mut c, &[SUPER, o]);
    tap(&mut f, &mut c, &[SUPER, o]);
    assert_eq!(f.state.scope.settings.sharpness, 1);
    tap(&mut f, &mut c, &[SUPER, u]);
    assert_eq!(f.state.scope.settings.filter, Filter::Linear);
    tap(&mut f, &mut c, &[SUPER, n]);
    assert_eq!(f.state.scope.settings.filter, Filter::Nearest);
    assert!(!f.state.scope.scene_info().pointer_locked);
    tap(&mut f, &mut c, &[SUPER, p]);
    assert!(f.state.scope.scene_info().pointer_locked);
    assert!(c.heard.keys.iter().all(|(code, _)| *code == u32::from(SUPER)));
    f.state.scope.screenshots.finish();
    assert_eq!(std::fs::read_dir(folder.path()).expect("the folder").count(), 1);

    tap(&mut f, &mut c, &[SUPER, 34]);
    c.heard.keys.clear();
    tap(&mut f, &mut c, &[SUPER, u]);
    assert_eq!(c.heard.keys.len(), 4, "while grabbed, the game has all keys");
    assert_eq!(f.state.scope.settings.filter, Filter::Nearest);
    tap(&mut f, &mut c, &[SUPER, 34]);
    tap(&mut f, &mut c, &[SUPER, u]);
    assert_eq!(f.state.scope.settings.filter, Filter::Fsr);
}

#[test]
fn a_new_dialog_has_the_keyboard_though_the_player_clicked_its_parent() {
    let mut f = Fixture::new(64, 64);
    let mut c = f.client();
    let main = window(&mut f, &mut c, None, (64, 64));
    let first = window(&mut f, &mut c, Some(&main), (16, 16));
    f.state.inject(Event::Absolute { x: 0.1, y: 0.1 });
    for pressed in [true, false] {
        f.state.inject(Event::Button {
            code: BTN_LEFT,
            pressed,
        });
    }
    f.settle(&mut [&mut c]);
    assert_eq!(c.heard.keyboard_focus, Some(main.surface.id().protocol_id()));
    let second = window(&mut f, &mut c, Some(&main), (16, 16));
    assert_eq!(c.heard.keyboard_focus, Some(second.surface.id().protocol_id()));
    // Minimised, the main window gives way to another one.
    let other = window(&mut f, &mut c, None, (64, 64));
    assert_eq!(c.heard.keyboard_focus, Some(other.surface.id().protocol_id()));
    other.toplevel.set_minimized();
    f.settle(&mut [&mut c]);
    let focus = c.heard.keyboard_focus;
    assert!(
        [&main, &first, &second]
            .iter()
            .any(|w| focus == Some(w.surface.id().protocol_id()))
    );
}
