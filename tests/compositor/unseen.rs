//! Windows that are hidden, on a virtual clock: they draw on slowly, hear that nobody saw it, and are in no other's way.

use crate::client::{Client, Window};
use crate::fixture::{Fixture, settings};
use goggles_scope::link::Refresh;
use goggles_scope::time::Mono;
use wayland_protocols::ext::session_lock::v1::client::ext_session_lock_manager_v1::ExtSessionLockManagerV1;

/// One window below another.
fn start(unfocused: Refresh) -> (Fixture, Client, Window, Window) {
    let mut s = settings(32, 32);
    s.unfocused_refresh = unfocused;
    let mut f = Fixture::with(s);
    let mut c = f.client();
    let hidden = c.toplevel();
    f.settle(&mut [&mut c]);
    c.fill(&hidden.surface, (32, 32), 1);
    f.settle(&mut [&mut c]);
    let top = c.toplevel();
    f.settle(&mut [&mut c]);
    c.fill(&top.surface, (32, 32), 2);
    f.advance(96, &mut [&mut c]);
    f.pictures();
    (f, c, hidden, top)
}

/// The times at which the window is told to draw if it always asks, of some after the first.
fn told(f: &mut Fixture, c: &mut Client, w: &Window, ms: u64, mut also: impl FnMut(&Client)) -> Vec<Mono> {
    let (mut heard, mut at) = (c.heard.callbacks, Vec::new());
    c.frame(&w.surface);
    w.surface.commit();
    for _ in 0..ms {
        also(c);
        f.advance(1, &mut [c]);
        if c.heard.callbacks > heard {
            heard = c.heard.callbacks;
            at.push(f.now());
            c.frame(&w.surface);
            w.surface.commit();
        }
    }
    at
}

fn steps(at: &[Mono]) -> Vec<u128> {
    at.windows(2).map(|w| w[1].since(w[0]).as_millis()).collect()
}

#[test]
fn a_hidden_window_draws_on_behind_a_still_one() {
    for (refresh, steps_ms) in [(2_000, vec![500]), (5_000, vec![200; 5]), (25_000, vec![40; 27])] {
        let (mut f, mut c, hidden, _top) = start(Refresh(refresh));
        let at = told(&mut f, &mut c, &hidden, 1120, |_| {});
        assert_eq!(steps(&at), steps_ms, "at {refresh} mHz");
        assert!(f.pictures().is_empty());
    }
}

#[test]
fn a_hidden_window_draws_on_behind_one_that_draws() {
    // No faster than the output, whatever is asked for.
    for (refresh, steps_ms) in [(5_000, vec![200; 5]), (62_500, vec![16; 69]), (200_000, vec![16; 69])] {
        let (mut f, mut c, hidden, top) = start(Refresh(refresh));
        let mut colour = 0;
        let at = told(&mut f, &mut c, &hidden, 1120, |c| {
            colour += 1;
            c.fill(&top.surface, (32, 32), colour);
        });
        assert_eq!(steps(&at), steps_ms, "at {refresh} mHz");
    }
}

#[test]
fn a_window_that_is_hidden_while_it_waits_is_told_and_one_that_comes_back_draws_at_once() {
    let (mut f, mut c, below, top) = start(Refresh(1_000));
    c.frame(&top.surface);
    top.surface.commit();
    c.frame(&below.surface);
    c.fill(&below.surface, (32, 32), 3);
    f.advance(1, &mut [&mut c]);
    let heard = c.heard.callbacks;
    c.frame(&below.surface);
    below.surface.commit();
    top.toplevel.set_minimized();
    // Both: the one that was shown, and the one that was not.
    f.advance(17, &mut [&mut c]);
    assert_eq!(c.heard.callbacks, heard + 2);
    assert_eq!(f.picture().at(0, 0), 3);
}

#[test]
fn all_windows_and_their_popups_draw_on_while_the_session_is_locked() {
    let (mut f, mut c, hidden, top) = start(Refresh(25_000));
    let popups = [&hidden, &top].map(|w| c.popup(w, (0, 0, 1, 1), (8, 8), None));
    f.settle(&mut [&mut c]);
    for popup in &popups {
        c.fill(popup, (8, 8), 5);
    }
    f.advance(96, &mut [&mut c]);
    let manager: ExtSessionLockManagerV1 = c.global(1);
    let _lock = manager.lock(&c.qh(), ());
    f.advance(96, &mut [&mut c]);
    assert_eq!(f.picture().at(0, 0), 0);
    for surface in [&hidden.surface, &top.surface, &popups[0], &popups[1]] {
        let heard = c.heard.callbacks;
        for n in 1..=3 {
            c.globals().presentation.feedback(surface, &c.qh(), ());
            c.frame(surface);
            surface.commit();
            f.advance(41, &mut [&mut c]);
            assert_eq!(c.heard.callbacks, heard + n);
        }
    }
    assert_eq!((c.heard.presented.len(), c.heard.discarded), (0, 12));
}

#[test]
fn frames_that_nobody_sees_are_discarded_within_an_interval() {
    let (mut f, mut c, hidden, _top) = start(Refresh(1_000));
    for n in 1..=3 {
        c.globals().presentation.feedback(&hidden.surface, &c.qh(), ());
        c.fill(&hidden.surface, (32, 32), n);
        f.advance(17, &mut [&mut c]);
        assert_eq!((c.heard.presented.len(), c.heard.discarded), (0, n as usize));
    }
    f.advance(2100, &mut [&mut c]);
    assert_eq!(f.state.deadline(), None, "nothing is due: the process sleeps");
}

#[test]
fn a_hidden_window_takes_no_latch_from_the_game() {
    let (mut f, mut c, hidden, top) = start(Refresh(1_000));
    game_is_latched_at_once(&mut f, &mut c, &hidden, &top, 0);
}

#[test]
fn a_dialog_takes_no_latch_from_the_game() {
    let (mut f, mut c, _hidden, top) = start(Refresh(1_000));
    let dialog = c.toplevel();
    dialog.toplevel.set_parent(Some(&top.toplevel));
    f.settle(&mut [&mut c]);
    c.fill(&dialog.surface, (4, 4), 7);
    f.advance(96, &mut [&mut c]);
    f.pictures();
    // Nobody waits for the first frame of a game that stood still.
    game_is_latched_at_once(&mut f, &mut c, &dialog, &top, 2);
}

/// The game draws 3 ms after each callback, and another window all the time; each frame but the first `some`.
fn game_is_latched_at_once(f: &mut Fixture, c: &mut Client, other: &Window, top: &Window, some: usize) {
    let (mut heard, mut told, mut frames) = (c.heard.callbacks, f.now(), 0);
    c.frame(&top.surface);
    top.surface.commit();
    for ms in 0..320 {
        c.fill(&other.surface, (4, 4), ms);
        f.settle(&mut [c]);
        if c.heard.callbacks > heard {
            (heard, told) = (c.heard.callbacks, f.now());
        }
        if f.now().since(told).as_millis() == 3 {
            c.frame(&top.surface);
            c.fill(&top.surface, (32, 32), 0x0100_0000 | ms);
            f.pictures();
            f.settle(&mut [c]);
            assert!(
                frames < some || f.pictures().len() == 1,
                "{frames} is latched in the same instant"
            );
            frames += 1;
        }
        f.advance(1, &mut [c]);
    }
    assert!((19..=20).contains(&frames), "{frames}");
}
