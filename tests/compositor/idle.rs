//! ext-idle-notify, idle-inhibit and keyboard-shortcuts-inhibit.

use crate::client::Client;
use crate::fixture::Fixture;
use crate::hotkeys::tap;
use goggles_protocols::input::Event;
use goggles_scope::time::Mono;
use std::time::Duration;
use wayland_protocols::ext::idle_notify::v1::client::ext_idle_notifier_v1::ExtIdleNotifierV1;
use wayland_protocols::wp::idle_inhibit::zv1::client::zwp_idle_inhibit_manager_v1::ZwpIdleInhibitManagerV1;
use wayland_protocols::wp::keyboard_shortcuts_inhibit::zv1::client::zwp_keyboard_shortcuts_inhibit_manager_v1::ZwpKeyboardShortcutsInhibitManagerV1;

const SUPER: u16 = 125;
const U: u16 = 22;
const G: u16 = 34;
const NOTE: &str = "ext_idle_notification_v1";

/// smithay's timers run on the machine's clock, not on the test's.
fn wait_for(f: &mut Fixture, c: &mut Client, what: &str, count: usize) {
    let give_up = Mono::now() + Duration::from_secs(30);
    while c.heard.count(NOTE, what) < count {
        assert!(Mono::now() < give_up, "{what}: {:?}", c.heard.log);
        f.live(Duration::from_millis(5));
        f.settle(&mut [c]);
    }
}

#[test]
fn idleness_is_told_ended_by_input_and_inhibited() {
    let mut f = Fixture::new(32, 32);
    let mut c = f.client();
    let w = c.toplevel();
    f.settle(&mut [&mut c]);
    c.fill(&w.surface, (32, 32), 1);
    let notifier: ExtIdleNotifierV1 = c.global(1);
    notifier.get_idle_notification(20, &c.globals().seat, &c.qh(), ());
    f.settle(&mut [&mut c]);
    wait_for(&mut f, &mut c, "Idled", 1);
    assert!(!c.heard.said(NOTE, "Resumed"));
    f.state.inject(Event::Relative { dx: 1.0, dy: 0.0 });
    f.settle(&mut [&mut c]);
    assert!(c.heard.said(NOTE, "Resumed"));
    wait_for(&mut f, &mut c, "Idled", 2);
    // A film's player: what was idle is not any more, and what is idle with it is told after it only.
    let manager: ZwpIdleInhibitManagerV1 = c.global(1);
    let inhibitor = manager.create_inhibitor(&w.surface, &c.qh(), ());
    f.settle(&mut [&mut c]);
    assert_eq!(c.heard.count(NOTE, "Resumed"), 2);
    inhibitor.destroy();
    f.settle(&mut [&mut c]);
    wait_for(&mut f, &mut c, "Idled", 3);
}

#[test]
fn whoever_is_gone_or_not_shown_inhibits_nothing() {
    let mut f = Fixture::new(32, 32);
    let (mut c, mut film) = (f.client(), f.client());
    let w = film.toplevel();
    f.settle(&mut [&mut film]);
    film.fill(&w.surface, (32, 32), 1);
    let manager: ZwpIdleInhibitManagerV1 = film.global(1);
    manager.create_inhibitor(&w.surface, &film.qh(), ());
    f.settle(&mut [&mut film]);
    let notifier: ExtIdleNotifierV1 = c.global(2);
    // Of one of them, nobody can say that it is not to be told.
    notifier.get_input_idle_notification(1, &c.globals().seat, &c.qh(), ());
    notifier.get_idle_notification(1, &c.globals().seat, &c.qh(), ());
    wait_for(&mut f, &mut c, "Idled", 1);
    // The film is hidden by another window.
    let other = c.toplevel();
    f.settle(&mut [&mut c, &mut film]);
    c.fill(&other.surface, (32, 32), 2);
    wait_for(&mut f, &mut c, "Idled", 2);
    other.toplevel.destroy();
    f.settle(&mut [&mut c, &mut film]);
    assert_eq!(c.heard.count(NOTE, "Resumed"), 1, "it is seen again");
    // Its program crashes.
    drop(film);
    wait_for(&mut f, &mut c, "Idled", 3);
}

/// Whether Super+U is the game's; it is ours else, and changes the filter.
fn has_our_hotkey(f: &mut Fixture, c: &mut Client) -> bool {
    let filter = f.state.scope.settings.filter;
    c.heard.keys.clear();
    tap(f, c, &[SUPER, U]);
    let (had, changed) = (c.heard.keys.len() == 4, f.state.scope.settings.filter != filter);
    assert_ne!(had, changed, "{:?}", c.heard.keys);
    had
}

#[test]
fn shortcuts_are_inhibited_while_the_window_has_the_keyboard() {
    let mut f = Fixture::new(32, 32);
    let mut c = f.client();
    let w = c.toplevel();
    f.settle(&mut [&mut c]);
    c.fill(&w.surface, (32, 32), 1);
    f.settle(&mut [&mut c]);
    let manager: ZwpKeyboardShortcutsInhibitManagerV1 = c.global(1);
    let inhibitor = manager.inhibit_shortcuts(&w.surface, &c.globals().seat, &c.qh(), ());
    f.settle(&mut [&mut c]);
    let name = "zwp_keyboard_shortcuts_inhibitor_v1";
    assert!(c.heard.said(name, "Active") && has_our_hotkey(&mut f, &mut c));
    let other = c.toplevel();
    f.settle(&mut [&mut c]);
    c.fill(&other.surface, (32, 32), 2);
    f.settle(&mut [&mut c]);
    assert!(c.heard.said(name, "Inactive") && !has_our_hotkey(&mut f, &mut c));
    other.toplevel.destroy();
    other.xdg.destroy();
    f.settle(&mut [&mut c]);
    assert!(c.heard.count(name, ": Active") == 2 && has_our_hotkey(&mut f, &mut c));
    // What the player takes stays the player's.
    tap(&mut f, &mut c, &[SUPER, G]);
    assert!(f.state.scope.hotkeys.grabbed);
    tap(&mut f, &mut c, &[SUPER, G]);
    inhibitor.destroy();
    f.settle(&mut [&mut c]);
    assert!(!has_our_hotkey(&mut f, &mut c));
}
