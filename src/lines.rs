//! Log lines that others cause: each is written at once to where the log goes, and who reads it may be slow. So there are so
//! many of a kind, and no more.

use crate::stream::session::{Bucket, Level};
use crate::time::Mono;
use std::time::Duration;

/// Of each kind.
const RATE: Bucket = Bucket {
    burst: 10,
    every: Duration::from_secs(10),
};

/// One kind of lines.
#[derive(Debug, Default)]
pub struct Lines {
    level: Level,
    left_out: u64,
}

impl Lines {
    /// Whether a line may be written now; with it goes how many were not since the last.
    pub fn one(&mut self, now: Mono) -> Option<LeftOut> {
        if self.level.take(RATE, now) {
            return Some(LeftOut(std::mem::take(&mut self.left_out)));
        }
        self.left_out += 1;
        None
    }
}

/// So many lines were not written; shown as the end of one that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeftOut(u64);

impl std::fmt::Display for LeftOut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            0 => Ok(()),
            count => write!(f, " (and {count} more before)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_a_few_lines_and_a_number() {
        let (mut lines, mut now) = (Lines::default(), Mono(1_000_000_000));
        let written: Vec<_> = (0..1000).filter_map(|_| lines.one(now)).collect();
        assert_eq!(written, [LeftOut(0); 10]);
        now = now + RATE.every;
        assert_eq!(
            lines.one(now).map(|left| left.to_string()).as_deref(),
            Some(" (and 990 more before)")
        );
        assert_eq!(lines.one(now), None);
        now = now + RATE.every * 20;
        assert_eq!(
            lines.one(now).map(|left| left.to_string()).as_deref(),
            Some(" (and 1 more before)")
        );
        assert_eq!(lines.one(now).map(|left| left.to_string()).as_deref(), Some(""));
    }
}
