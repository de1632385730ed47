//! Token buckets, alone and one for each address.

use crate::time::Mono;
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

/// Addresses that are told apart; beyond that they share one bucket.
const MAX_ADDRESSES: usize = 1024;

/// The rate that a bucket allows.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    /// How many at once.
    pub burst: u32,
    /// One more each.
    pub every: Duration,
}

/// How full one bucket is, as the time at which it would be full again (GCRA).
#[derive(Clone, Copy, Debug, Default)]
pub struct Level {
    full_at: Mono,
}

impl Level {
    /// Whether one can be taken.
    pub fn has(&self, rate: Bucket, now: Mono) -> bool {
        self.full_at.since(now) + rate.every <= rate.every * rate.burst
    }

    /// Takes one; `false` if there is none.
    pub fn take(&mut self, rate: Bucket, now: Mono) -> bool {
        let has = self.has(rate, now);
        if has {
            self.full_at = self.full_at.max(now) + rate.every;
        }
        has
    }

    /// Takes so many whether they are there or not: what is too much is missing later.
    pub fn spend(&mut self, rate: Bucket, count: u32, now: Mono) {
        self.full_at = self.full_at.max(now) + rate.every * count;
    }

    /// When the next one can be taken; in the past if now.
    pub fn next(&self, rate: Bucket) -> Mono {
        self.full_at - rate.every * rate.burst.saturating_sub(1)
    }
}

/// A bucket for each address (IPv6: for each /64, which is what one host is given).
#[derive(Debug)]
pub struct Throttle {
    rate: Bucket,
    levels: HashMap<IpAddr, Level>,
    others: Level,
}

impl Throttle {
    /// All full.
    pub fn new(rate: Bucket) -> Self {
        Self {
            rate,
            levels: HashMap::new(),
            others: Level::default(),
        }
    }

    /// Whether `from` has one left.
    pub fn has(&self, from: IpAddr, now: Mono) -> bool {
        let full = self.levels.len() >= MAX_ADDRESSES;
        let level = self.levels.get(&network(from)).or(full.then_some(&self.others));
        level.is_none_or(|l| l.has(self.rate, now))
    }

    /// Takes one of `from`'s; `false` if there is none.
    pub fn take(&mut self, from: IpAddr, now: Mono) -> bool {
        let from = network(from);
        if self.levels.len() >= MAX_ADDRESSES && !self.levels.contains_key(&from) {
            self.levels.retain(|_, level| level.full_at > now);
            if self.levels.len() >= MAX_ADDRESSES {
                return self.others.take(self.rate, now);
            }
        }
        self.levels.entry(from).or_default().take(self.rate, now)
    }
}

fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(v6) => std::net::Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into(),
        v4 => v4,
    }
}
