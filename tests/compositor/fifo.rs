//! fifo-v1 and commit-timing-v1 on a virtual clock.

use crate::client::{Client, Window};
use crate::fixture::Fixture;
use wayland_protocols::wp::commit_timing::v1::client::wp_commit_timing_manager_v1::WpCommitTimingManagerV1;
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
    let mut f = Fixture::new(32, 32);
    let (mut c, w) = start(&mut f);
    let fifo = fifo(&c, &w);
    for colour in 1..=5 {
        queue(&c, &w, &fifo, colour);
    }
    let seen = watch(&mut f, &mut c, 100);
    assert_eq!(seen, [(0, 1), (16, 2), (32, 3), (48, 4), (64, 5)]);
    f.advance(1100, &mut [&mut c]);
    assert_eq!(f.state.deadline(), None, "nothing is due: the process sleeps");
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
fn a_hidden_window_with_a_queue_goes_on() {
    let mut f = Fixture::new(32, 32);
    let (mut c, hidden) = start(&mut f);
    let fifo = fifo(&c, &hidden);
    let top = c.toplevel();
    f.settle(&mut [&mut c]);
    c.fill(&top.surface, (32, 32), 0xee);
    f.advance(40, &mut [&mut c]);
    for colour in 1..=3 {
        c.globals().presentation.feedback(&hidden.surface, &c.qh(), ());
        queue(&c, &hidden, &fifo, colour);
    }
    f.advance(100, &mut [&mut c]);
    // The last one is what is shown when the window above goes.
    f.pictures();
    top.toplevel.destroy();
    top.xdg.destroy();
    top.surface.destroy();
    f.advance(40, &mut [&mut c]);
    assert_eq!(f.picture().at(0, 0), 3);
}

#[test]
fn a_timed_commit_is_shown_at_its_time() {
    let mut f = Fixture::new(32, 32);
    let (mut c, w) = start(&mut f);
    let manager: WpCommitTimingManagerV1 = c.global(1);
    let timer = manager.get_timer(&w.surface, &c.qh(), ());
    let now = f.now();
    for (after, colour) in [(37, 1), (60, 2), (90, 3)] {
        let at = now.0 + after * 1_000_000;
        timer.set_timestamp(0, (at / 1_000_000_000) as u32, (at % 1_000_000_000) as u32);
        c.fill(&w.surface, (32, 32), colour);
    }
    f.settle(&mut [&mut c]);
    assert_eq!(f.state.deadline().map(|d| d.since(now).as_millis()), Some(37));
    assert_eq!(watch(&mut f, &mut c, 120), [(37, 1), (60, 2), (90, 3)]);
    // A time that is none, or in another age, holds up its own surface only.
    timer.set_timestamp(u32::MAX, u32::MAX, u32::MAX);
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
fn a_client_whose_commits_pile_up_is_let_go() {
    let mut f = Fixture::new(32, 32);
    let (mut c, w) = start(&mut f);
    let manager: WpCommitTimingManagerV1 = c.global(1);
    let timer = manager.get_timer(&w.surface, &c.qh(), ());
    timer.set_timestamp(1, 0, 0);
    w.surface.commit();
    // Those behind one that waits wait, too.
    for _ in 0..500 {
        w.surface.commit();
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
