//! When it is drawn, on a virtual clock.

use crate::fixture::{Fixture, settings};
use goggles_scope::config::Settings;
use goggles_scope::xwayland::Control;
use std::time::Duration;

#[test]
fn a_still_picture_makes_no_frames_and_a_key_frame_can_be_had() {
    let mut f = Fixture::new(32, 32);
    let mut c = f.client();
    let w = c.toplevel();
    f.settle(&mut [&mut c]);
    c.fill(&w.surface, (32, 32), 0x112233);
    f.settle(&mut [&mut c]);
    assert_eq!(f.pictures().len(), 1);
    // Past the seconds of the statistics.
    f.advance(2100, &mut [&mut c]);
    assert!(f.pictures().is_empty());
    assert_eq!(f.state.deadline(), None, "nothing is due: the process sleeps");
    // A commit without damage is no frame either.
    w.surface.commit();
    f.advance(50, &mut [&mut c]);
    assert!(f.pictures().is_empty());
    f.headless().want_key_frame();
    f.settle(&mut [&mut c]);
    let p = f.picture();
    assert!(p.key && p.at(3, 3) == 0x112233);
    assert!(f.pictures().is_empty());
}

#[test]
fn callbacks_come_at_the_refresh_and_each_commit_is_latched_at_once() {
    let mut f = Fixture::new(32, 32);
    let mut c = f.client();
    let w = c.toplevel();
    f.settle(&mut [&mut c]);
    f.pictures();
    let mut frames = 0;
    let mut drawn = 0;
    for ms in 0..160 {
        if c.heard.callbacks == drawn {
            drawn += 1;
            c.frame(&w.surface);
            c.fill(&w.surface, (32, 32), ms);
            f.settle(&mut [&mut c]);
            assert_eq!(f.pictures().len(), 1, "latched in the same instant");
            frames += 1;
        }
        f.advance(1, &mut [&mut c]);
    }
    assert_eq!(frames, 10);
}

#[test]
fn a_client_faster_than_the_refresh_is_sampled_and_the_newest_wins() {
    let mut f = Fixture::new(32, 32);
    let mut c = f.client();
    let w = c.toplevel();
    f.settle(&mut [&mut c]);
    f.pictures();
    let mut seen = Vec::new();
    for ms in 0..64 {
        c.fill(&w.surface, (32, 32), ms);
        f.settle(&mut [&mut c]);
        seen.extend(f.pictures().iter().map(|p| p.at(0, 0)));
        f.advance(1, &mut [&mut c]);
        seen.extend(f.pictures().iter().map(|p| p.at(0, 0)));
    }
    // At each tick, what is there is a millisecond old: fresh enough.
    assert_eq!(seen, [0, 15, 31, 47, 63]);
}

#[test]
fn a_network_that_takes_nothing_for_a_while_ends_nothing() {
    let mut f = Fixture::new(32, 32);
    let mut c = f.client();
    let w = c.toplevel();
    f.settle(&mut [&mut c]);
    f.network_is_full = true;
    for colour in 0..10 {
        c.fill(&w.surface, (32, 32), colour);
        f.advance(20, &mut [&mut c]);
    }
    f.pictures();
    f.network_is_full = false;
    c.fill(&w.surface, (32, 32), 0x5a5a5a);
    f.advance(20, &mut [&mut c]);
    let picture = f.picture();
    assert_eq!(picture.at(0, 0), 0x5a5a5a);
    assert!(picture.key, "it refers to none that was lost");
}

#[test]
fn with_no_viewer_nothing_is_rendered_and_the_game_runs_on() {
    let mut f = Fixture::new(32, 32);
    let mut c = f.client();
    let w = c.toplevel();
    f.settle(&mut [&mut c]);
    f.pictures();
    f.headless().set_viewers(0);
    let mut drawn = 0;
    for _ in 0..160 {
        if c.heard.callbacks == drawn {
            drawn += 1;
            c.frame(&w.surface);
            c.fill(&w.surface, (32, 32), 0x445566);
        }
        f.advance(1, &mut [&mut c]);
    }
    assert!(f.pictures().is_empty());
    assert!((9..=11).contains(&drawn), "{drawn} frames in ten intervals");
    f.headless().set_viewers(1);
    f.headless().want_key_frame();
    f.settle(&mut [&mut c]);
    assert_eq!(f.picture().at(0, 0), 0x445566);
}

#[test]
fn a_viewer_or_an_encoder_that_is_slower_does_not_slow_the_game() {
    for (network_is_full, encoder_is_busy) in [(true, false), (false, true)] {
        let mut f = Fixture::new(32, 32);
        let mut c = f.client();
        let w = c.toplevel();
        f.settle(&mut [&mut c]);
        (f.network_is_full, f.encoder_is_busy) = (network_is_full, encoder_is_busy);
        let mut drawn = 0;
        for ms in 0..160 {
            if c.heard.callbacks == drawn {
                drawn += 1;
                c.frame(&w.surface);
                c.fill(&w.surface, (32, 32), ms);
            }
            f.advance(1, &mut [&mut c]);
        }
        assert!((9..=11).contains(&drawn), "{drawn} frames in ten intervals");
    }
}

#[test]
fn the_red_zone_is_how_much_earlier_a_frame_is_latched() {
    let mut f = Fixture::with(Settings {
        adaptive_sync: false,
        ..settings(32, 32)
    });
    let mut c = f.client();
    let w = c.toplevel();
    f.settle(&mut [&mut c]);
    let mut early = |red_zone: u64| {
        let red_zone = Duration::from_millis(red_zone);
        f.state.control(Control::RedZone(Some(red_zone)));
        c.fill(&w.surface, (32, 32), 1);
        f.advance(40, &mut [&mut c]);
        f.pictures();
        c.fill(&w.surface, (32, 32), 2);
        while f.pictures().is_empty() {
            f.advance(1, &mut [&mut c]);
        }
        f.state.scope.pacer.shown_at(f.now()).since(f.now()).as_millis()
    };
    let (short, long) = (early(2), early(8));
    assert!((5..=7).contains(&(long - short)), "{short} ms and {long} ms");
}
