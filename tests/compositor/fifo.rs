//! fifo-v1 and commit-timing-v1 on a virtual clock.

use crate::client::{Client, Window};
use crate::fixture::{Fixture, settings};
use goggles_scope::config::Settings;
use goggles_scope::link::Refresh;
use wayland_protocols::wp::commit_timing::v1::client::{
    wp_commit_timer_v1::WpCommitTimerV1, wp_commit_timing_manager_v1::WpCommitTimingManagerV1,
};
use wayland_protocols::wp::fifo::v1::client::{wp_fifo_manager_v1::WpFifoManagerV1, wp_fifo_v1::WpFifoV1};

fn start(f: &mut Fixture) -> (Client, Window) {
    let mut c = f.client();
    let w = c.toplevel();
    f.settle(&mut [&mut c]);
    // Up to a tick: the fixture's clock and the grid of ticks begin together.
    c.fill(&w.surface, (32, 32), 0xff);
    f.advance(96, &mut [&mut c]);
    f.pictures();
    (c, w)
}

fn fifo(c: &Client, w: &Window) -> WpFifoV1 {
    let manager: WpFifoManagerV1 = c.global(1);
    manager.get_fifo(&w.surface, &c.qh(), ())
}

fn queue(c: &Client, w: &Window, fifo: &WpFifoV1, colour: u32) {
    fifo.set_barrier();
    fifo.wait_barrier();
    c.fill(&w.surface, (32, 32), colour);
}

fn set_time(timer: &WpCommitTimerV1, at: u64) {
    timer.set_timestamp(0, (at / 1_000_000_000) as u32, (at % 1_000_000_000) as u32);
}

/// The colours of the frames of each millisecond that had one.
fn watch(f: &mut Fixture, c: &mut Client, ms: u64) -> Vec<(u64, u32)> {
    let mut seen = Vec::new();
    for at in 0..ms {
        f.settle(&mut [c]);
        seen.extend(f.pictures().iter().map(|p| (at, p.at(0, 0))));
        f.advance(1, &mut [c]);
    }
    seen
}

#[test]
fn queued_frames_are_shown_for_one_interval_each() {
    for queue in [queue, queue_as_mesa] {
        let mut f = Fixture::new(32, 32);
        let (mut c, w) = start(&mut f);
        let fifo = fifo(&c, &w);
        let mut frames = |colours: std::ops::RangeInclusive<u32>| {
            for colour in colours {
                queue(&c, &w, &fifo, colour);
            }
            watch(&mut f, &mut c, 160)
        };
        assert_eq!(frames(1..=5), [(0, 1), (16, 2), (32, 3), (48, 4), (64, 5)]);
        // And after some time without any.
        assert_eq!(frames(6..=7), [(0, 6), (16, 7)]);
        f.advance(2100, &mut [&mut c]);
        assert_eq!(f.state.deadline(), None, "nothing is due: the process sleeps");
    }
}

/// Sends a frame as Mesa's Vulkan does: an empty commit after it alone waits, so that the next frame waits behind that one.
fn queue_as_mesa(c: &Client, w: &Window, fifo: &WpFifoV1, colour: u32) {
    queue(c, w, fifo, colour);
    fifo.wait_barrier();
    w.surface.commit();
}

#[test]
fn queued_frames_with_times_are_shown_at_them() {
    let mut f = Fixture::new(32, 32);
    let (mut c, w) = start(&mut f);
    let fifo = fifo(&c, &w);
    let timing: WpCommitTimingManagerV1 = c.global(1);
    let timer = timing.get_timer(&w.surface, &c.qh(), ());
    let begin = f.now().0;
    for (after, colour) in [(20, 1), (40, 2), (60, 3)] {
        set_time(&timer, begin + after * 1_000_000);
        queue_as_mesa(&c, &w, &fifo, colour);
        f.settle(&mut [&mut c]);
    }
    assert_eq!(watch(&mut f, &mut c, 100), [(20, 1), (40, 2), (60, 3)]);
}

#[test]
fn a_frame_that_waits_and_sets_no_barrier_is_shown_in_its_turn() {
    let mut f = Fixture::new(32, 32);
    let (mut c, w) = start(&mut f);
    let fifo = fifo(&c, &w);
    fifo.set_barrier();
    c.fill(&w.surface, (32, 32), 1);
    for colour in 2..=3 {
        fifo.wait_barrier();
        c.fill(&w.surface, (32, 32), colour);
    }
    // The third finds no barrier to wait for.
    assert_eq!(watch(&mut f, &mut c, 100), [(0, 1), (16, 3)]);
}

#[test]
fn a_frame_that_came_late_in_its_interval_is_not_skipped() {
    let mut f = Fixture::new(32, 32);
    let (mut c, w) = start(&mut f);
    let fifo = fifo(&c, &w);
    c.fill(&w.surface, (32, 32), 1);
    assert_eq!(watch(&mut f, &mut c, 4), [(0, 1)]);
    for colour in 2..=3 {
        queue(&c, &w, &fifo, colour);
    }
    // Without FIFO, the second would have taken the first's place.
    assert_eq!(watch(&mut f, &mut c, 60), [(12, 2), (28, 3)]);
}

#[test]
fn a_busy_neighbour_does_not_hold_a_queue_up() {
    let mut f = Fixture::new(32, 32);
    let (mut c, w) = start(&mut f);
    let fifo = fifo(&c, &w);
    let dialog = c.toplevel();
    dialog.toplevel.set_parent(Some(&w.toplevel));
    f.settle(&mut [&mut c]);
    for colour in 1..=4 {
        queue(&c, &w, &fifo, colour);
    }
    let mut seen = Vec::new();
    for _ in 0..100 {
        c.fill(&dialog.surface, (4, 4), 0xffff);
        f.settle(&mut [&mut c]);
        seen.extend(f.pictures().iter().map(|p| p.at(0, 0)));
        f.advance(1, &mut [&mut c]);
        seen.extend(f.pictures().iter().map(|p| p.at(0, 0)));
    }
    seen.dedup();
    assert_eq!(seen, [1, 2, 3, 4]);
}

#[test]
fn a_hidden_window_with_a_queue_goes_on_slowly() {
    let mut s = settings(32, 32);
    s.unfocused_refresh = Refresh(25_000);
    let mut f = Fixture::with(s);
    let (mut c, hidden) = start(&mut f);
    let fifo = fifo(&c, &hidden);
    let top = c.toplevel();
    f.settle(&mut [&mut c]);
    c.fill(&top.surface, (32, 32), 0xee);
    f.advance(96, &mut [&mut c]);
    for colour in 1..=5 {
        c.globals().presentation.feedback(&hidden.surface, &c.qh(), ());
        queue_as_mesa(&c, &hidden, &fifo, colour);
    }
    let mut heard = Vec::new();
    for ms in 0..220 {
        if c.heard.discarded > heard.len() {
            heard.push(ms);
        }
        f.advance(1, &mut [&mut c]);
    }
    assert_eq!(c.heard.presented, []);
    // It was told to draw when it was hidden; from then on at its own rate, and each frame is answered after an interval.
    assert_eq!(heard, [1, 17, 57, 97, 137]);
    // The last one is what is shown when the window above goes.
    f.pictures();
    top.toplevel.destroy();
    top.xdg.destroy();
    top.surface.destroy();
    f.advance(40, &mut [&mut c]);
    assert_eq!(f.picture().at(0, 0), 5);
}

#[test]
fn a_queue_is_shown_at_the_refresh_when_its_window_is_hidden_no_more() {
    let mut f = Fixture::new(32, 32);
    let (mut c, hidden) = start(&mut f);
    let fifo = fifo(&c, &hidden);
    let top = c.toplevel();
    f.settle(&mut [&mut c]);
    c.fill(&top.surface, (32, 32), 0xee);
    f.advance(96, &mut [&mut c]);
    for colour in 1..=6 {
        queue(&c, &hidden, &fifo, colour);
    }
    f.advance(100, &mut [&mut c]);
    f.pictures();
    top.toplevel.set_minimized();
    let seen = watch(&mut f, &mut c, 100);
    assert_eq!(seen, [(0, 1), (12, 2), (28, 3), (44, 4), (60, 5), (76, 6)]);
}

#[test]
fn a_queue_is_not_held_up_by_a_network_that_takes_nothing() {
    let mut f = Fixture::new(32, 32);
    let (mut c, w) = start(&mut f);
    let fifo = fifo(&c, &w);
    f.network_is_full = true;
    for colour in 1..=12 {
        c.globals().presentation.feedback(&w.surface, &c.qh(), ());
        queue(&c, &w, &fifo, colour);
    }
    f.advance(161, &mut [&mut c]);
    assert_eq!(c.heard.presented.len(), 11);
}

#[test]
fn a_queue_is_not_held_up_by_an_encoder_that_is_slower() {
    let mut f = Fixture::new(32, 32);
    let (mut c, w) = start(&mut f);
    let fifo = fifo(&c, &w);
    f.encoder_is_busy = true;
    let presented = |c: &Client| c.heard.presented.len() + c.heard.discarded;
    for colour in 1..=12 {
        c.globals().presentation.feedback(&w.surface, &c.qh(), ());
        queue(&c, &w, &fifo, colour);
    }
    f.advance(161, &mut [&mut c]);
    assert_eq!(presented(&c), 10, "{:?}", c.heard.presented);
    f.encoder_is_busy = false;
    f.advance(40, &mut [&mut c]);
    // Two were in the encoder's hands.
    let seen: Vec<_> = f.pictures().iter().map(|p| p.at(0, 0)).collect();
    assert_eq!(seen, [1, 2, 11, 12]);
}

#[test]
fn a_timed_commit_is_shown_at_its_time() {
    let mut f = Fixture::new(32, 32);
    let (mut c, w) = start(&mut f);
    let manager: WpCommitTimingManagerV1 = c.global(1);
    let timer = manager.get_timer(&w.surface, &c.qh(), ());
    let now = f.now();
    for (after, colour) in [(37, 1), (60, 2), (90, 3)] {
        set_time(&timer, now.0 + after * 1_000_000);
        c.fill(&w.surface, (32, 32), colour);
    }
    f.settle(&mut [&mut c]);
    assert_eq!(f.state.deadline().map(|d| d.since(now).as_millis()), Some(37));
    assert_eq!(watch(&mut f, &mut c, 120), [(37, 1), (60, 2), (90, 3)]);
    // A time in another age holds up its own surface only.
    timer.set_timestamp(i32::MAX as u32, u32::MAX, 999_999_999);
    c.fill(&w.surface, (32, 32), 4);
    f.advance(20, &mut [&mut c]);
    assert!(c.error.is_none());
    let mut other = f.client();
    let above = other.toplevel();
    f.settle(&mut [&mut c, &mut other]);
    other.fill(&above.surface, (32, 32), 0xabcdef);
    f.advance(40, &mut [&mut c, &mut other]);
    assert_eq!(f.picture().at(0, 0), 0xabcdef);
}

#[test]
fn at_even_intervals_a_timed_commit_is_in_the_first_that_is_shown_at_its_time_or_later() {
    let mut f = Fixture::with(Settings {
        adaptive_sync: false,
        ..settings(32, 32)
    });
    let (mut c, w) = start(&mut f);
    let timing: WpCommitTimingManagerV1 = c.global(1);
    let timer = timing.get_timer(&w.surface, &c.qh(), ());
    // Where the grid lies.
    c.globals().presentation.feedback(&w.surface, &c.qh(), ());
    c.fill(&w.surface, (32, 32), 0xff);
    f.advance(48, &mut [&mut c]);
    f.pictures();
    let begin = c.heard.presented[0].at + 64_000_000;
    let times = [begin, begin + 32_000_000, begin + 32_000_000 + 17_000_000];
    for (time, colour) in times.iter().zip(1..) {
        set_time(&timer, *time);
        c.globals().presentation.feedback(&w.surface, &c.qh(), ());
        c.fill(&w.surface, (32, 32), colour);
    }
    let seen = watch(&mut f, &mut c, 160);
    assert_eq!(seen.iter().map(|(_, colour)| *colour).collect::<Vec<_>>(), [1, 2, 3]);
    let shown: Vec<u64> = c.heard.presented[1..].iter().map(|p| p.at - begin).collect();
    assert_eq!(shown, [0, 32_000_000, 64_000_000]);
}

#[test]
fn more_nanoseconds_than_a_second_has_are_an_error() {
    let mut f = Fixture::new(32, 32);
    let (mut c, w) = start(&mut f);
    let timing: WpCommitTimingManagerV1 = c.global(1);
    let timer = timing.get_timer(&w.surface, &c.qh(), ());
    timer.set_timestamp(0, 0, 1_000_000_000);
    f.settle(&mut [&mut c]);
    let error = c.error.expect("an error");
    assert!(
        error.contains("wp_commit_timer_v1") && error.contains("Protocol error 0"),
        "{error}"
    );
}

#[test]
fn a_client_whose_commits_pile_up_is_let_go() {
    let mut f = Fixture::new(32, 32);
    let (mut c, w) = start(&mut f);
    let manager: WpCommitTimingManagerV1 = c.global(1);
    let timer = manager.get_timer(&w.surface, &c.qh(), ());
    timer.set_timestamp(1, 0, 0);
    w.surface.commit();
    // Those behind one that waits wait, too.
    for i in 0..500 {
        w.surface.commit();
        // Not all at once, which takes long enough on a busy machine for the client to be one that holds up the loop.
        if i % 50 == 0 {
            f.settle(&mut [&mut c]);
        }
    }
    f.settle(&mut [&mut c]);
    assert!(c.error.is_none(), "{:?}", c.error);
    for _ in 0..20 {
        w.surface.commit();
    }
    f.settle(&mut [&mut c]);
    assert!(c.error.is_some());
    // Commits that are applied do not count.
    let mut good = f.client();
    let w = good.toplevel();
    for i in 0..2000u32 {
        good.surface().commit();
        if i % 100 == 0 {
            f.settle(&mut [&mut good]);
        }
    }
    good.fill(&w.surface, (32, 32), 0x123456);
    f.advance(40, &mut [&mut good]);
    assert!(good.error.is_none(), "{:?}", good.error);
    assert_eq!(f.picture().at(0, 0), 0x123456);
}
