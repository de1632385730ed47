//! Tells when the audio thread itself stood still. What came late because of that says nothing of the way here, and a
//! longer delay would not have helped: nobody was there to play it.

/// Calls closer together than this (ms) are one: a device asks for several quanta at once.
const TOGETHER: f64 = 0.5;
/// A pause is a stall if it is longer than this many usual ones and so much more, in ms.
const USUAL: f64 = 2.0;
const SPARE: f64 = 2.0;
/// The usual pause before one was seen, in ms, and how much of each new one goes into it.
const FIRST: f64 = 10.0;
const WEIGHT: f64 = 1.0 / 64.0;

/// Looks at each call of the audio thread.
#[derive(Clone, Debug)]
pub struct Stalls {
    last: Option<f64>,
    usual: f64,
}

impl Default for Stalls {
    fn default() -> Self {
        Self {
            last: None,
            usual: FIRST,
        }
    }
}

impl Stalls {
    /// The thread is called at `now`, in ms of any clock. Whether it stood still before.
    pub fn step(&mut self, now: f64) -> bool {
        let pause = self.last.replace(now).map_or(0.0, |last| now - last);
        if pause < TOGETHER {
            return false;
        }
        let longest = self.usual * USUAL + SPARE;
        // Stalls that come all the time are usual: then the delay has to be sized for them.
        self.usual += (pause.min(2.0 * longest) - self.usual) * WEIGHT;
        pause > longest
    }
}
