//! Whether a server that died is started again, and whether there may be one more.

use crate::time::Mono;
use std::time::Duration;

/// A server that dies this often within [`WINDOW`] would die again.
const MOST: usize = 5;
/// How long a death counts.
const WINDOW: Duration = Duration::from_secs(60);

/// X11 programs may ask for more servers until there are so many; Steam has two.
const SERVERS: usize = 8;

/// And for none once so many were started, one after the other: of each something is kept to the session's end.
const STARTS: u64 = 256;

/// Why there is to be no server more than so many, after so many starts.
pub fn refusal(running: usize, starts: u64) -> Option<String> {
    match () {
        () if running >= SERVERS => Some(format!("{SERVERS} run")),
        () if starts >= STARTS => Some(format!("{STARTS} were started already")),
        () => None,
    }
}

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
    fn servers_are_not_started_without_end() {
        assert_eq!(refusal(1, 1), None);
        assert_eq!(refusal(SERVERS - 1, STARTS - 1), None);
        assert!(refusal(SERVERS, 8).is_some() && refusal(1, STARTS).is_some());
    }

    #[test]
    fn forgets_old_deaths() {
        let mut crashes = Crashes::default();
        assert!((0..100).all(|n| crashes.died(Mono(1) + Duration::from_secs(n * 20))));
    }
}
