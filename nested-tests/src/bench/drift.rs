//! The sound's drift over 30 simulated minutes: the viewer library's player, with clocks that are off by 200 ppm and spikes of
//! 15 ms in the network's jitter. Virtual time: the same at each run, whatever else the machine does.

use super::figure::{Figure, Target};
// The worlds that the library's own tests play in.
#[allow(dead_code, reason = "those tests look at more of the outcome")]
#[path = "../../../viewer/tests/simulation/mod.rs"]
mod simulation;
use simulation::World;

/// In seconds; the first of them don't count.
const LONG: u64 = 1_800;
const SETTLING: u64 = 10;

/// By how many ppm the client's clock is off the server's, and the device's off the client's.
const OFF: [(f64, f64); 4] = [(200.0, 0.0), (0.0, -200.0), (-200.0, 200.0), (100.0, 100.0)];

/// Plays them all.
pub fn measure() -> Vec<Figure> {
    OFF.iter().flat_map(|(client, device)| play(*client, *device)).collect()
}

fn play(client_ppm: f64, device_ppm: f64) -> [Figure; 3] {
    let world = World {
        client_ppm,
        device_ppm,
        ..World::default()
    };
    let outcome = world.run(LONG, SETTLING);
    let name = |what: &str| format!("sound-simulated-client{client_ppm:+}-device{device_ppm:+}-{what}");
    let drift = outcome.drift.iter().map(|us| us.abs() / 1000.0).collect();
    let drift = Figure::new(name("drift"), "ms", drift).target(Target::p99(0.5));
    let largest = drift.percentile(100);
    [
        drift,
        Figure::new(name("drift-largest"), "ms", vec![largest]).target(Target::median(2.0)),
        Figure::new(name("concealed"), "blocks", vec![outcome.concealed as f64]),
    ]
}
