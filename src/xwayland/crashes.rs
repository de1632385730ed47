//! Whether a server that died is started again.

use crate::time::Mono;
use std::time::Duration;

/// A server that dies this often within [`WINDOW`] would die again.
const MOST: usize = 5;
/// How long a death counts.
const WINDOW: Duration = Duration::from_secs(60);

/// The deaths that count.
#[derive(Debug, Default)]
pub struct Crashes {
    deaths: Vec<Mono>,
}

impl Crashes {
    /// The server died now. Whether to start it again.
    pub fn died(&mut self, now: Mono) -> bool {
        self.deaths.retain(|death| now.since(*death) < WINDOW);
        self.deaths.push(now);
        self.deaths.len() < MOST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_up_on_a_server_that_keeps_dying() {
        let mut crashes = Crashes::default();
        let at = |s: u64| Mono(1) + Duration::from_secs(s);
        assert!((0..4).all(|s| crashes.died(at(s))));
        assert!(!crashes.died(at(4)));
    }

    #[test]
    fn forgets_old_deaths() {
        let mut crashes = Crashes::default();
        assert!((0..100).all(|n| crashes.died(Mono(1) + Duration::from_secs(n * 20))));
    }
}
