//! wlr-output-management: what is told of the output, and what becomes of a wish.

use crate::client::Client;
use crate::fixture::{Fixture, REFRESH};
use goggles_scope::link::{FromScope, Refresh, Size};
use wayland_client::protocol::wl_output::Transform;
use wayland_protocols_wlr::output_management::v1::client::{
    zwlr_output_configuration_head_v1::ZwlrOutputConfigurationHeadV1,
    zwlr_output_configuration_v1::ZwlrOutputConfigurationV1, zwlr_output_head_v1::AdaptiveSyncState,
    zwlr_output_manager_v1::ZwlrOutputManagerV1,
};

const MANAGER: &str = "zwlr_output_manager_v1";
const HEAD: &str = "zwlr_output_head_v1";
const MODE: &str = "zwlr_output_mode_v1";
const CONFIGURATION: &str = "zwlr_output_configuration_v1";

/// The serial of the newest `done`.
fn serial(c: &Client) -> u32 {
    let done = |line: &&String| line.starts_with(MANAGER) && line.contains("Done");
    let line = c.heard.log.iter().rfind(done).expect("it was done");
    let number: String = line.chars().filter(char::is_ascii_digit).collect();
    // The first digit is the interface's.
    number[1..].parse().expect("a number")
}

fn wish(c: &Client, manager: &ZwlrOutputManagerV1) -> (ZwlrOutputConfigurationV1, ZwlrOutputConfigurationHeadV1) {
    let configuration = manager.create_configuration(serial(c), &c.qh(), ());
    let head = configuration.enable_head(&c.heard.heads[0], &c.qh(), ());
    (configuration, head)
}

#[test]
fn the_head_is_told_with_its_mode() {
    let mut f = Fixture::new(64, 36);
    let mut c = f.client();
    let _: ZwlrOutputManagerV1 = c.global(4);
    f.settle(&mut [&mut c]);
    for (who, what) in [
        (HEAD, "Name { name: \"HEADLESS-1\" }"),
        (HEAD, "Enabled { enabled: 1 }"),
        (HEAD, "Scale { scale: 1.0 }"),
        (HEAD, "Position { x: 0, y: 0 }"),
        (HEAD, "CurrentMode"),
        (MODE, "Size { width: 64, height: 36 }"),
        (MODE, "Refresh { refresh: 62500 }"),
        (MODE, "Preferred"),
        (MANAGER, "Done"),
    ] {
        assert_eq!(c.heard.count(who, what), 1, "{what}: {:?}", c.heard.log);
    }
}

#[test]
fn another_size_and_rate_is_applied_to_the_stream_and_the_windows() {
    let mut f = Fixture::new(64, 36);
    let mut game = f.client();
    let w = game.toplevel();
    f.settle(&mut [&mut game]);
    game.fill(&w.surface, (64, 36), 0x334455);
    let mut c = f.client();
    let manager: ZwlrOutputManagerV1 = c.global(4);
    f.advance(20, &mut [&mut game, &mut c]);
    f.told();
    let (configuration, head) = wish(&c, &manager);
    head.set_custom_mode(80, 48, 50_000);
    configuration.apply();
    f.settle(&mut [&mut game, &mut c]);
    assert!(c.heard.said(CONFIGURATION, "Succeeded"), "{:?}", c.heard.log);
    assert!(c.heard.said(MODE, "Size { width: 80, height: 48 }"));
    assert_eq!(c.heard.count(MANAGER, "Done"), 2);
    assert_eq!(game.heard.mode, Some((80, 48, 50_000)));
    assert_eq!(game.heard.toplevel.as_ref().map(|t| (t.0, t.1)), Some((80, 48)));
    game.fill(&w.surface, (80, 48), 0x556677);
    f.advance(40, &mut [&mut game, &mut c]);
    let p = f.picture();
    assert_eq!((p.size, p.at(79, 47)), (Size { w: 80, h: 48 }, 0x556677));
    assert_eq!(f.state.scope.pacer.period().as_millis(), 20);
    let scene = f.told().into_iter().rev().find_map(|m| match m {
        FromScope::Scene(s) => Some((s.size, s.refresh)),
        _ => None,
    });
    assert_eq!(scene, Some((Size { w: 80, h: 48 }, Refresh(50_000))));
    // Back to the mode that is listed; the other one is no more.
    let (configuration, head) = wish(&c, &manager);
    head.set_mode(&c.heard.modes[0]);
    configuration.apply();
    f.settle(&mut [&mut game, &mut c]);
    assert_eq!(c.heard.count(CONFIGURATION, "Succeeded"), 2);
    assert_eq!(c.heard.count(MODE, "Finished"), 1);
    assert_eq!(f.state.scope.settings.output, Size { w: 64, h: 36 });
    assert_eq!(f.state.scope.settings.refresh, REFRESH);
}

#[test]
fn adaptive_sync_is_turned_off_and_on_again() {
    let mut f = Fixture::new(64, 36);
    let mut game = f.client();
    let w = game.toplevel();
    f.settle(&mut [&mut game]);
    let mut c = f.client();
    let manager: ZwlrOutputManagerV1 = c.global(4);
    f.settle(&mut [&mut game, &mut c]);
    assert!(
        c.heard.said(HEAD, "AdaptiveSync { state: Value(Enabled) }"),
        "{:?}",
        c.heard.log
    );
    for (state, color) in [
        (AdaptiveSyncState::Disabled, 0x112233),
        (AdaptiveSyncState::Enabled, 0x445566),
    ] {
        let told = format!("AdaptiveSync {{ state: Value({state:?}) }}");
        let before = c.heard.count(HEAD, &told);
        let (configuration, head) = wish(&c, &manager);
        head.set_adaptive_sync(state);
        configuration.apply();
        f.settle(&mut [&mut game, &mut c]);
        assert_eq!(c.heard.count(HEAD, &told), before + 1);
        game.fill(&w.surface, (64, 36), color);
        f.advance(40, &mut [&mut game, &mut c]);
        assert_eq!(f.picture().at(5, 5), color);
        let scope = &f.state.scope;
        let at_once = scope.pacer.shown_at(scope.now) == scope.now;
        assert_eq!(at_once, state == AdaptiveSyncState::Enabled);
    }
    assert_eq!(c.heard.count(CONFIGURATION, "Succeeded"), 2);
}

#[test]
fn what_can_not_be_is_refused_and_what_is_old_cancelled() {
    let mut f = Fixture::new(64, 36);
    let mut c = f.client();
    let manager: ZwlrOutputManagerV1 = c.global(4);
    f.settle(&mut [&mut c]);
    type Wish = fn(&ZwlrOutputConfigurationHeadV1);
    let impossible: [Wish; 5] = [
        |h| h.set_custom_mode(64, 15, 0),
        |h| h.set_custom_mode(16_384, 16_384, 0),
        |h| h.set_scale(2.0),
        |h| h.set_transform(Transform::_90),
        |h| h.set_position(5, 0),
    ];
    for (i, ask) in impossible.iter().enumerate() {
        let (configuration, head) = wish(&c, &manager);
        ask(&head);
        configuration.apply();
        f.settle(&mut [&mut c]);
        assert_eq!(c.heard.count(CONFIGURATION, "Failed"), i + 1);
    }
    let configuration = manager.create_configuration(serial(&c), &c.qh(), ());
    configuration.disable_head(&c.heard.heads[0]);
    configuration.test();
    f.settle(&mut [&mut c]);
    assert_eq!(c.heard.count(CONFIGURATION, "Failed"), 6);
    // What is only tested changes nothing.
    let (configuration, head) = wish(&c, &manager);
    head.set_custom_mode(32, 32, 0);
    configuration.test();
    f.settle(&mut [&mut c]);
    assert_eq!(c.heard.count(CONFIGURATION, "Succeeded"), 1);
    assert_eq!(f.state.scope.settings.output, Size { w: 64, h: 36 });
    let (old, head) = wish(&c, &manager);
    head.set_custom_mode(32, 32, 0);
    let changed = f.state.set_output(Size { w: 48, h: 48 }, REFRESH);
    changed.expect("it is changed");
    old.apply();
    f.settle(&mut [&mut c]);
    assert!(c.heard.said(CONFIGURATION, "Cancelled"), "{:?}", c.heard.log);
    assert!(c.error.is_none(), "{:?}", c.error);
}

#[test]
fn misuse_ends_the_connection() {
    type Misuse = fn(&Client, &ZwlrOutputManagerV1);
    let all: [Misuse; 6] = [
        |c, m| m.create_configuration(serial(c), &c.qh(), ()).apply(),
        |c, m| {
            let (configuration, _) = wish(c, m);
            configuration.enable_head(&c.heard.heads[0], &c.qh(), ());
        },
        |c, m| {
            let (configuration, _) = wish(c, m);
            configuration.test();
            configuration.apply();
        },
        |c, m| {
            let (_, head) = wish(c, m);
            head.set_scale(1.0);
            head.set_scale(1.0);
        },
        |c, m| wish(c, m).1.set_scale(-1.0),
        |c, m| wish(c, m).1.set_custom_mode(0, 10, 0),
    ];
    for (i, misuse) in all.iter().enumerate() {
        let mut f = Fixture::new(64, 36);
        let mut c = f.client();
        let manager: ZwlrOutputManagerV1 = c.global(4);
        f.settle(&mut [&mut c]);
        misuse(&c, &manager);
        f.settle(&mut [&mut c]);
        assert!(c.error.is_some(), "{i}");
    }
}
