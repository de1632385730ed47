//! wp_presentation on a virtual clock.

use crate::client::{Client, Presented, Window};
use crate::fixture::{Fixture, settings};
use goggles_scope::config::Settings;
use wayland_protocols::wp::presentation_time::client::wp_presentation::WpPresentation;

const PERIOD: u64 = 16_000_000;

fn start(settings: Settings) -> (Fixture, Client, Window) {
    let mut f = Fixture::with(settings);
    let mut c = f.client();
    let w = c.toplevel();
    f.settle(&mut [&mut c]);
    f.pictures();
    (f, c, w)
}

/// Draws so many frames, each when it is told to; what is said of them.
fn draw(f: &mut Fixture, c: &mut Client, w: &Window, presentation: &WpPresentation, frames: usize) -> Vec<Presented> {
    let (before, said) = (c.heard.callbacks, c.heard.presented.len());
    let mut drawn = 0;
    while c.heard.callbacks - before < frames {
        if c.heard.callbacks - before == drawn {
            drawn += 1;
            c.frame(&w.surface);
            presentation.feedback(&w.surface, &c.qh(), ());
            c.fill(&w.surface, (32, 32), drawn as u32);
        }
        f.advance(1, &mut [c]);
    }
    c.heard.presented[said..].to_vec()
}

fn steps(presented: &[Presented]) -> Vec<(u64, u64)> {
    let step = |w: &[Presented]| (w[1].at - w[0].at, w[1].sequence - w[0].sequence);
    presented.windows(2).map(step).collect()
}

#[test]
fn each_frame_is_presented_an_interval_after_the_one_before_it() {
    let (mut f, mut c, w) = start(settings(32, 32));
    let (first, second) = (c.global(1), c.global(2));
    let presented = draw(&mut f, &mut c, &w, &first, 10);
    assert_eq!(steps(&presented), [(PERIOD, 1); 9]);
    // No timer may say that it is a display's; and a rate that varies is none in the first version.
    assert!(
        presented.iter().all(|p| (p.flags, p.refresh) == (0, 0)),
        "{presented:?}"
    );
    let presented = draw(&mut f, &mut c, &w, &second, 10);
    assert!(
        presented.iter().all(|p| u64::from(p.refresh) == PERIOD),
        "{presented:?}"
    );
}

#[test]
fn at_even_intervals_frames_are_presented_exactly_at_them() {
    let (mut f, mut c, w) = start(Settings {
        adaptive_sync: false,
        ..settings(32, 32)
    });
    let presentation = c.global(1);
    // The first ones bring the client into step.
    draw(&mut f, &mut c, &w, &presentation, 10);
    let presented = draw(&mut f, &mut c, &w, &presentation, 30);
    assert_eq!(steps(&presented), [(PERIOD, 1); 29]);
    assert!(presented.iter().all(|p| u64::from(p.refresh) == PERIOD && p.flags == 0));
    // What was not shown counts, too.
    f.advance(777, &mut [&mut c]);
    let later = draw(&mut f, &mut c, &w, &presentation, 2)[0];
    let last = presented[29];
    assert_eq!(later.at - last.at, (later.sequence - last.sequence) * PERIOD);
    assert!(later.sequence - last.sequence >= 48, "{later:?} after {last:?}");
}

#[test]
fn a_commit_that_changes_nothing_is_presented_by_the_next_tick() {
    let (mut f, mut c, w) = start(settings(32, 32));
    c.fill(&w.surface, (32, 32), 1);
    f.advance(100, &mut [&mut c]);
    f.pictures();
    for n in 1..=3 {
        c.globals().presentation.feedback(&w.surface, &c.qh(), ());
        w.surface.commit();
        f.advance(16, &mut [&mut c]);
        assert_eq!(c.heard.presented.len(), n);
    }
    assert!(f.pictures().is_empty());
    assert_eq!(c.heard.discarded, 0);
}

#[test]
fn a_frame_that_another_took_the_place_of_is_discarded() {
    let (mut f, mut c, w) = start(settings(32, 32));
    for colour in 1..=3 {
        c.globals().presentation.feedback(&w.surface, &c.qh(), ());
        c.fill(&w.surface, (32, 32), colour);
        f.settle(&mut [&mut c]);
    }
    f.advance(32, &mut [&mut c]);
    assert_eq!((c.heard.presented.len(), c.heard.discarded), (2, 1));
}
