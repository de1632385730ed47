//! Nonces that cost nothing until they are used: each carries its time and our MAC over it, so that asking for
//! millions of them fills no memory; only those that have opened a connection are remembered, until they expire.

use super::Random;
use crate::time::Mono;
use goggles_protocols::auth::{NONCE_LEN, Nonce};
use ring::error::Unspecified;
use ring::hmac;
use std::collections::VecDeque;
use std::time::Duration;

/// How long a nonce may be used.
pub const LIFE: Duration = Duration::from_secs(30);
/// Used ones that are remembered; more connections than that in [`LIFE`] are refused.
const MAX_USED: usize = 1024;
/// Bytes 0..8 the time in ns, 8..16 random, 16..32 the truncated HMAC-SHA-256 over both.
const MAC_AT: usize = 16;

#[derive(Debug)]
pub struct Nonces {
    key: hmac::Key,
    /// In the order of their use, with the time at which they expire.
    used: VecDeque<(Mono, Nonce)>,
}

impl Nonces {
    pub fn new(random: Random) -> Result<Self, Unspecified> {
        let mut secret = [0; 32];
        random(&mut secret)?;
        Ok(Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, &secret),
            used: VecDeque::new(),
        })
    }

    pub fn issue(&self, random: Random, now: Mono) -> Result<Nonce, Unspecified> {
        let mut nonce = [0; NONCE_LEN];
        nonce[..8].copy_from_slice(&now.0.to_le_bytes());
        random(&mut nonce[8..MAC_AT])?;
        let mac = hmac::sign(&self.key, &nonce[..MAC_AT]);
        nonce[MAC_AT..].copy_from_slice(&mac.as_ref()[..NONCE_LEN - MAC_AT]);
        Ok(nonce)
    }

    /// Ours, not expired, not used.
    pub fn is_fresh(&self, nonce: &Nonce, now: Mono) -> bool {
        let mac = hmac::sign(&self.key, &nonce[..MAC_AT]);
        let pairs = mac.as_ref().iter().zip(&nonce[MAC_AT..]);
        let difference = pairs.fold(0, |acc, (a, b)| std::hint::black_box(acc | (a ^ b)));
        difference == 0 && issued_at(nonce) + LIFE > now && !self.used.iter().any(|(_, used)| used == nonce)
    }

    /// Marks it as used; `false` if too many have been used lately.
    pub fn consume(&mut self, nonce: &Nonce, now: Mono) -> bool {
        self.used.retain(|(expires, _)| *expires > now);
        if self.used.len() >= MAX_USED {
            return false;
        }
        self.used.push_back((issued_at(nonce) + LIFE, *nonce));
        true
    }
}

fn issued_at(nonce: &Nonce) -> Mono {
    let mut time = [0; 8];
    time.copy_from_slice(&nonce[..8]);
    Mono(u64::from_le_bytes(time))
}
