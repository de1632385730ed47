//! What is latched, and when clients are told to draw, at the times that matter.

use super::*;

const MS: u64 = 1_000_000;

fn at(ms: u64) -> Mono {
    Mono(1_000_000_000 + ms * MS)
}

fn pacer() -> Pacer {
    Pacer::new(Duration::from_millis(16))
}

#[test]
fn a_commit_after_idle_is_latched_at_once() {
    let mut p = pacer();
    p.commit(at(5), true);
    assert_eq!(
        p.step(at(5), true),
        Due {
            latch: true,
            callbacks: false
        }
    );
    assert_eq!(p.deadline(), Some(at(21)));
    assert_eq!(
        p.step(at(21), true),
        Due {
            latch: false,
            callbacks: true
        }
    );
    assert_eq!(p.deadline(), None);
}

#[test]
fn a_second_commit_waits_for_the_tick() {
    let mut p = pacer();
    p.commit(at(0), true);
    assert!(p.step(at(0), true).latch);
    p.commit(at(3), true);
    assert!(!p.step(at(3), true).latch);
    p.commit(at(9), true);
    assert!(!p.step(at(9), true).latch);
    // Its client is told to draw; what it draws takes the place of what waited.
    let callbacks = Due {
        latch: false,
        callbacks: true,
    };
    assert_eq!(p.step(at(16), true), callbacks);
    p.commit(at(17), true);
    assert!(p.step(at(17), true).latch);
}

#[test]
fn what_waited_is_shown_if_nothing_newer_comes() {
    let mut p = pacer();
    p.commit(at(0), true);
    assert!(p.step(at(0), true).latch);
    p.commit(at(3), true);
    assert!(!p.step(at(3), true).latch);
    assert!(!p.step(at(16), true).latch);
    assert_eq!(p.deadline(), Some(at(20)));
    assert!(p.step(at(20), true).latch);
    assert_eq!(p.deadline(), None);
}

#[test]
fn a_game_that_waits_for_callbacks_runs_at_the_refresh() {
    let mut p = pacer();
    let mut now = at(0);
    let mut latches = 0;
    p.commit(now, true);
    for _ in 0..60 {
        latches += u32::from(p.step(now, true).latch);
        now = p.deadline().expect("a callback is owed");
        assert!(p.step(now, true).callbacks);
        now = now + Duration::from_millis(3);
        p.commit(now, true);
    }
    assert_eq!(latches, 60);
    assert_eq!(now.since(at(0)), Duration::from_millis(60 * 16 + 3));
}

#[test]
fn latching_waits_for_the_encoder() {
    let mut p = pacer();
    p.commit(at(0), true);
    assert!(!p.step(at(0), false).latch);
    assert!(p.step(at(2), true).latch);
}

#[test]
fn a_key_pulls_the_tick_forward_and_the_time_is_paid_back() {
    let mut p = pacer();
    p.commit(at(0), true);
    p.step(at(0), true);
    p.input_edge();
    assert_eq!(
        p.step(at(4), true),
        Due {
            latch: false,
            callbacks: true
        }
    );
    p.commit(at(5), true);
    assert!(p.step(at(5), true).latch, "the answer is not held back");
    // 12 ms were borrowed; the following intervals are 18 ms until they are paid back.
    let mut now = at(5);
    let mut ticks = vec![4];
    for _ in 0..8 {
        now = p.deadline().expect("a callback is owed");
        assert!(p.step(now, true).callbacks);
        ticks.push(now.since(at(0)).as_millis() as u64);
        p.commit(now, true);
        p.step(now, true);
    }
    assert_eq!(ticks, [4, 22, 40, 58, 76, 94, 112, 128, 144]);
    let _ = now;
}

#[test]
fn the_answer_to_a_key_after_idle_is_latched_at_once() {
    let mut p = pacer();
    p.commit(at(0), true);
    p.step(at(0), true);
    p.step(at(16), true);
    p.input_edge();
    p.step(at(500), true);
    p.commit(at(501), true);
    assert!(p.step(at(501), true).latch);
}

#[test]
fn the_answer_to_a_key_is_latched_at_once_when_the_client_is_not_waited_for() {
    let mut p = pacer();
    p.commit(at(0), true);
    p.step(at(0), true);
    p.step(at(16), true);
    // The key comes, and the answer before anybody looks.
    p.input_edge();
    p.commit(at(30), true);
    let due = p.step(at(30), true);
    assert!(due.latch && !due.callbacks, "{due:?}");
}

/// How long each frame of an X11 game waits that draws every 16 ms, from `first` ms on: first inside Xwayland, for
/// the callback to the commit at 0, then for its latch. Keys are pressed meanwhile.
fn x11_waits(first: u64) -> Vec<Duration> {
    let mut p = pacer();
    let mut waits = Vec::new();
    p.content_is_x11(at(0), true);
    p.commit(at(0), true);
    let (mut may_commit, mut drawn, mut committed) = (false, None, None);
    for us in (0..3_200_000).step_by(250) {
        let now = at(0) + Duration::from_micros(us);
        if us % 16_000 == first * 1000 {
            drawn = Some(now);
        }
        if us % 90_000 == 0 {
            p.input_edge();
        }
        if may_commit && drawn.is_some() {
            may_commit = false;
            committed = drawn.take();
            p.content_is_x11(now, true);
            p.commit(now, true);
        }
        let due = p.step(now, true);
        may_commit |= due.callbacks;
        if due.latch {
            waits.extend(committed.take().map(|drawn| now.since(drawn)));
        }
    }
    waits
}

#[test]
fn an_x11_game_with_its_own_timer_is_latched_when_it_draws_whatever_is_pressed() {
    for first in 0..16 {
        let waits = x11_waits(first);
        assert!(waits.len() > 190, "{first}: {}", waits.len());
        let settled = waits.iter().skip(100);
        // A step of the test's time at the border.
        assert!(settled.max() <= Some(&Duration::from_micros(500)), "{first}: {waits:?}");
    }
}

#[test]
fn an_x11_game_out_of_step_is_soon_latched_when_it_draws() {
    let mut p = pacer();
    p.content_is_x11(at(1000), true);
    p.commit(at(1000), true);
    assert!(p.step(at(1000), true).latch);
    let mut waits = Vec::new();
    for frame in 0..100 {
        // Every 16 ms, in the middle of the grid's intervals, of which the first has had its latch.
        let now = at(1008 + 16 * frame);
        p.commit(now, true);
        let mut then = now;
        while !p.step(then, true).latch {
            then = p.deadline().expect("the content is due");
        }
        waits.push(then.since(now));
    }
    assert!(waits.iter().skip(1).all(|wait| wait.is_zero()), "{waits:?}");
}

#[test]
fn no_more_than_an_interval_is_borrowed() {
    let mut p = pacer();
    let mut now = at(0);
    let mut frames = 0;
    for ms in 0..1600 {
        now = at(ms);
        p.commit(now, true);
        p.input_edge();
        frames += u32::from(p.step(now, true).latch);
    }
    let _ = now;
    assert!(frames <= 101, "{frames} frames in 100 intervals");
}

#[test]
fn without_damage_nothing_is_latched() {
    let mut p = pacer();
    p.commit(at(0), false);
    assert_eq!(p.step(at(0), true), Due::default());
    assert_eq!(
        p.step(at(16), true),
        Due {
            latch: false,
            callbacks: true
        }
    );
}

/// How a main window is latched that draws so many ms after it is told to, and something beside it: its newest frame's age
/// at each latch.
fn latched_beside(main: u64, beside: impl Fn(u64, u64) -> bool) -> Vec<u64> {
    let mut p = pacer();
    let (mut told, mut drawn, mut ages) = (at(0), at(0), Vec::new());
    p.commit(at(0), true);
    for ms in 0..1_600 {
        let now = at(ms);
        let since = now.since(told).as_millis() as u64;
        if since == main {
            drawn = now;
            p.commit(now, true);
        }
        if beside(ms, since) {
            p.commit_beside(now);
        }
        let due = p.step(now, true);
        if due.callbacks {
            told = now;
        }
        if due.latch {
            ages.push(now.since(drawn).as_millis() as u64);
        }
    }
    ages.split_off(20)
}

#[test]
fn what_is_drawn_beside_the_main_window_takes_no_latch_from_it() {
    for main in [1, 3, 7, 11, 15] {
        for beside in [1, 2, 5, 9, 14] {
            let ages = latched_beside(main, |_, since| since == beside);
            assert!(ages.len() >= 78, "{main}, {beside}: {ages:?}");
            assert!(ages.iter().all(|age| *age == 0), "{main}, {beside}: {ages:?}");
        }
    }
}

#[test]
fn a_window_that_lost_a_latch_has_the_next() {
    let mut p = pacer();
    p.commit(at(0), true);
    assert!(p.step(at(0), true).latch);
    p.step(at(16), true);
    // Another took it.
    p.commit(at(17), true);
    assert!(p.step(at(17), true).latch);
    for ms in 18..800 {
        let draws = (ms - 16) % 16 == 9;
        if draws {
            p.commit(at(ms), true);
        }
        assert_eq!(p.step(at(ms), true).latch, draws && ms > 30, "{ms}");
    }
}

#[test]
fn what_is_drawn_beside_a_still_window_is_latched_at_once() {
    let mut p = pacer();
    p.commit(at(0), true);
    let drawn = |ms: u64| [500, 600, 617].contains(&ms);
    for ms in 0..700 {
        if drawn(ms) {
            p.commit_beside(at(ms));
        }
        assert_eq!(p.step(at(ms), true).latch, drawn(ms) || ms == 0, "{ms}");
    }
}

/// A client that waits for nothing and draws every `interval` µs, give or take 50: how old its frames are when they are
/// latched (the 95th percentile), how uneven the latches are (the 99th), both in µs, and the mean between two.
fn free_client(interval: u64) -> (u64, u64, u64) {
    const PERIOD: u64 = 16_667;
    let mut p = Pacer::new(Duration::from_micros(PERIOD));
    let (mut commits, mut seed) = (0u64, 1u32);
    let us = |now: Mono| now.since(at(0)).as_micros() as u64;
    let (mut next, mut newest) = (at(0), at(0));
    let (mut ages, mut latches) = (Vec::new(), Vec::new());
    while latches.len() < 6_000 {
        // The timer is late by a little.
        let due = p.deadline().map(|due| due + Duration::from_micros(40));
        let now = due.map_or(next, |due| due.min(next));
        if now == next {
            commits += 1;
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            next = at(0) + Duration::from_micros(commits * interval + u64::from(seed >> 16) % 100);
            newest = now;
            p.commit(now, true);
        }
        if p.step(now, true).latch {
            ages.push(now.since(newest).as_micros() as u64);
            latches.push(us(now));
        }
    }
    let mean = (latches[latches.len() - 1] - latches[0]) / (latches.len() as u64 - 1);
    let mut jitter: Vec<_> = latches.windows(2).map(|l| (l[1] - l[0]).abs_diff(PERIOD)).collect();
    ages.sort_unstable();
    jitter.sort_unstable();
    (ages[ages.len() * 95 / 100], jitter[jitter.len() * 99 / 100], mean)
}

#[test]
fn a_client_that_waits_for_nothing_is_latched_fresh_and_evenly() {
    // Its raster fits the grid, or is a little slower: the grid follows.
    for interval in [3_333, 3_340, 3_360] {
        let (age, jitter, mean) = free_client(interval);
        assert!(age <= 1_500 && jitter <= 400, "{interval}: {age}, {jitter}");
        assert!((16_666..16_850).contains(&mean), "{interval}: {mean}");
    }
    // It doesn't fit.
    for interval in [2_000, 2_500, 3_000, 3_200, 3_300, 3_600, 4_000, 4_150] {
        let (age, jitter, mean) = free_client(interval);
        assert!(age <= 1_500 && jitter <= interval, "{interval}: {age}, {jitter}");
        assert!((16_666..16_930).contains(&mean), "{interval}: {mean}");
    }
}

#[test]
fn at_even_intervals_what_may_tear_does_not_wait_for_the_end() {
    let mut p = pacer();
    p.set_fixed(true);
    p.commit(at(0), true);
    assert!(!p.step(at(0), true).latch);
    assert!(p.shown_at(at(0)) > at(0));
    p.may_tear(true);
    assert!(p.step(at(0), true).latch);
    assert_eq!(p.shown_at(at(0)), at(0));
    // No more than one an interval; the grid's next begins at 8.
    p.commit(at(1), true);
    assert!(!p.step(at(7), true).latch);
    assert!(p.step(at(8), true).latch);
    p.may_tear(false);
    p.commit(at(25), true);
    assert!(!p.step(at(25), true).latch);
}
