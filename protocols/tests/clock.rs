//! The clock estimator against a simulated network and clocks that drift and step.

use goggles_protocols::clock::{Estimator, Pong, Schedule};
use proptest::prelude::*;

/// The server's clock at a time of the client's.
#[derive(Clone, Copy, Debug)]
struct Truth {
    offset: i64,
    ppm: f64,
}

impl Truth {
    fn server(self, client: u64) -> u64 {
        client.saturating_add_signed(self.offset + (client as f64 * self.ppm * 1e-6) as i64)
    }
}

/// Runs the estimator from `from` for `seconds`, each exchange with the next of `delays` (there, back; µs).
/// Answers with the time it ended.
fn run(est: &mut Estimator, truth: Truth, from: u64, seconds: u64, delays: &[(u64, u64)]) -> u64 {
    let mut delays = delays.iter().cycle();
    let end = from + seconds * 1_000_000;
    let mut now = from;
    while now < end {
        now = now.max(est.deadline());
        let ping = est.poll(now).expect("it is the deadline");
        let (there, back) = delays.next().expect("cycles");
        let t1 = truth.server(now + there);
        let t2 = t1 + 40;
        now += there + 40 + back;
        assert!(est.on_pong(now, Pong { t0: ping.t0, t1, t2 }));
    }
    now
}

proptest! {
    /// Whatever the delays, the error is at most half the least round trip, 2 µs of rounding, and what ageing (50
    /// ppm) lets a newer sample be worse.
    #[test]
    fn error_is_bounded(
        offset in -1_000_000_000i64..1_000_000_000_000,
        delays in prop::collection::vec((50u64..40_000, 50u64..40_000), 1..40),
    ) {
        let truth = Truth { offset, ppm: 0.0 };
        let mut est = Estimator::new(Schedule::default());
        let now = run(&mut est, truth, 2_000_000_000, 8, &delays);
        let error = est.offset(now).expect("answered").abs_diff(offset);
        prop_assert!(error <= est.rtt().expect("answered") / 2 + 2 + 8_000_000 / 20_000, "{error}");
    }

    /// With skew the line follows, also 5 s ahead, and in both directions: within what one lopsided exchange can be
    /// off, and as much again for the slope.
    #[test]
    fn follows_skew(
        ppm in -200.0f64..200.0,
        jitter in prop::collection::vec((0u64..3_000, 0u64..3_000), 20..40),
        base in 100u64..20_000,
    ) {
        let delays: Vec<_> = jitter.iter().map(|(a, b)| (base + a, base + b)).collect();
        let truth = Truth { offset: 77_000_000_000, ppm };
        let mut est = Estimator::new(Schedule::default());
        let now = run(&mut est, truth, 500_000_000, 120, &delays) + 5_000_000;
        let server = est.to_server(now).expect("answered");
        let allowed = 3_000;
        prop_assert!(server.abs_diff(truth.server(now)) <= allowed, "{} of {allowed}", server.abs_diff(truth.server(now)));
        prop_assert!(est.to_client(server).expect("answered").abs_diff(now) <= 2);
    }

    /// Nonsense from the server breaks nothing.
    #[test]
    fn survives_nonsense(pongs in prop::collection::vec((any::<u64>(), any::<u64>(), 0u64..2_000_000), 1..80)) {
        let mut est = Estimator::new(Schedule::default());
        let mut now = 0u64;
        for (t1, t2, gap) in pongs {
            now += gap;
            if let Some(ping) = est.poll(now) {
                est.on_pong(now + 7, Pong { t0: ping.t0, t1, t2 });
            }
            let _ = (est.offset(now), est.to_server(now), est.to_client(t1), est.rtt());
        }
    }
}

#[test]
fn skew_is_measured() {
    let truth = Truth {
        offset: 5_000_000,
        ppm: 80.0,
    };
    let mut est = Estimator::new(Schedule::default());
    run(&mut est, truth, 0, 60, &[(300, 320), (310, 290), (2_000, 300)]);
    assert!((est.skew() * 1e6 - 80.0).abs() < 5.0, "{}", est.skew());
}

/// A client that slept with its clock stopped: the first answer afterwards throws the old samples away, though
/// they had shorter round trips.
#[test]
fn a_step_is_noticed() {
    let mut est = Estimator::new(Schedule::default());
    let now = run(
        &mut est,
        Truth {
            offset: 1_000_000,
            ppm: 0.0,
        },
        0,
        30,
        &[(200, 200)],
    );
    let after = Truth {
        offset: 31_000_000,
        ppm: 0.0,
    };
    let now = run(&mut est, after, now, 1, &[(2_000, 2_000)]);
    assert_eq!(est.offset(now), Some(31_000_000));
}

#[test]
fn strangers_and_repeats_are_refused() {
    let mut est = Estimator::new(Schedule::default());
    let ping = est.poll(1_000).expect("the first is due at once");
    let pong = Pong {
        t0: ping.t0,
        t1: 50,
        t2: 60,
    };
    assert!(!est.on_pong(2_000, Pong { t0: 999, ..pong }));
    assert!(est.on_pong(2_000, pong));
    assert!(!est.on_pong(2_500, pong));
    assert_eq!(est.rtt(), Some(990));
}

#[test]
fn five_fast_then_one_a_second() {
    let mut est = Estimator::new(Schedule::default());
    let mut at = Vec::new();
    for now in (0..3_000_000).step_by(1_000) {
        if est.poll(now).is_some() {
            at.push(now / 1_000);
        }
    }
    assert_eq!(at, [0, 50, 100, 150, 200, 1200, 2200]);
}
