//! The clock estimator under a hostile server.
#![no_main]

use goggles_protocols::clock::{Estimator, Pong, Schedule};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|pongs: Vec<(u32, u32, u64, u64)>| {
    let mut estimator = Estimator::new(Schedule::default());
    let mut now = 0u64;
    for (gap, trip, t1, t2) in pongs {
        now += u64::from(gap);
        let Some(ping) = estimator.poll(now) else { continue };
        now += u64::from(trip);
        estimator.on_pong(now, Pong { t0: ping.t0, t1, t2 });
        let _ = (estimator.to_server(now), estimator.to_client(t1), estimator.rtt());
        assert!(estimator.skew().abs() <= 500e-6);
    }
});
