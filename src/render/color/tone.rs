//! Highlights that the output can't show: ITU-R BT.2390's roll-off (the EETF of its section 5.4.1), by which what is dark
//! and middling stays as it is, and the brightest becomes the output's white. Pure.

use super::curve::{pq_light, pq_signal};

/// What of a light, of a content with this peak, the output shows, of its white; all in units of `white` cd/m².
pub fn rolled_off(light: f64, peak: f64, white: f64) -> f64 {
    let signal = |light: f64| pq_signal(light * white / 10_000.0);
    let whole = signal(peak);
    let most = signal(1.0) / whole;
    let knee = 1.5 * most - 0.5;
    let e = (signal(light) / whole).min(1.0);
    if most >= 1.0 || e <= knee {
        return light.min(1.0);
    }
    // A Hermite spline from the knee, where it goes on as it comes, to the output's white, where it is level.
    let t = (e - knee) / (1.0 - knee);
    let (t2, t3) = (t * t, t * t * t);
    let e = (2.0 * t3 - 3.0 * t2 + 1.0) * knee + (t3 - 2.0 * t2 + t) * (1.0 - knee) + (3.0 * t2 - 2.0 * t3) * most;
    (pq_light(e * whole) * 10_000.0 / white).min(1.0)
}
