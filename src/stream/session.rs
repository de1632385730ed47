//! Who may watch and who may play: tokens, keys, nonces, and the input role. Pure: no IO, `now` is an argument.
//!
//! A page makes a P-256 key that can't be extracted, and proves that it has it at each connection by signing a nonce
//! of ours (`goggles_protocols::auth`, `protocols/stream.md`). The one-time token from the URL enrols the key. After
//! that the token is worth nothing, and the next one is minted, so exactly one unused token exists at any time.
//! Nothing here survives the process.

mod nonces;
mod roles;
mod throttle;

pub use roles::Roles;
pub use throttle::{Bucket, Level, Throttle};

use crate::time::Mono;
use goggles_protocols::auth::{self, Credentials, KEY_LEN, Nonce, Token};
use nonces::Nonces;
use ring::error::Unspecified;
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use std::net::IpAddr;
use std::time::Duration;

/// Where random bytes come from; the kernel, outside of tests.
pub type Random = fn(&mut [u8]) -> Result<(), Unspecified>;

/// Keys that may be enrolled in one session; each took a token that somebody was given by hand.
const MAX_PLAYERS: usize = 256;
/// Refused attempts an address may make in a row, and how fast it earns new ones.
const ATTEMPTS: u32 = 10;
const ATTEMPT_EVERY: Duration = Duration::from_secs(6);

/// Somebody whose key is enrolled; never reused in a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PlayerId(pub u32);

/// What an accepted connection may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Who it is: may ask for the input role. `None` for a token without a key: may only watch.
    pub player: Option<PlayerId>,
    /// The token was used up; this one takes its place and is to be shown to the user.
    pub minted: Option<Token>,
}

/// Why a connection is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Too many refused attempts from there.
    #[error("too many attempts")]
    TooMany,
    /// Not a nonce of ours, or too old, or used.
    #[error("the nonce is not valid (any more)")]
    Nonce,
    /// Not signed by that key for that path and one of our certificates.
    #[error("the signature is not valid")]
    Signature,
    /// The key is not enrolled and there is no valid token.
    #[error("no valid token")]
    Token,
    /// No more keys can be enrolled.
    #[error("too many players")]
    Full,
    /// The kernel gave no random bytes.
    #[error("no randomness")]
    NoRandomness,
}

impl From<Unspecified> for Refusal {
    fn from(_: Unspecified) -> Self {
        Self::NoRandomness
    }
}

/// What a connection shows.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// From where.
    pub from: IpAddr,
    /// For what: the CONNECT's path without the query.
    pub path: &'a str,
    /// The query.
    pub credentials: &'a Credentials,
}

/// The session's secrets and who knows them.
#[derive(Debug)]
pub struct Access {
    random: Random,
    nonces: Nonces,
    token: Token,
    players: Vec<[u8; KEY_LEN]>,
    refused: Throttle,
}

impl Access {
    /// With a first token.
    ///
    /// # Errors
    /// [`Refusal::NoRandomness`].
    pub fn new(random: Random) -> Result<Self, Refusal> {
        Ok(Self {
            random,
            nonces: Nonces::new(random)?,
            token: mint(random)?,
            players: Vec::new(),
            refused: Throttle::new(Bucket {
                burst: ATTEMPTS,
                every: ATTEMPT_EVERY,
            }),
        })
    }

    /// The one token that enrols the next key.
    pub fn token(&self) -> &Token {
        &self.token
    }

    /// A nonce to be signed within 30 s. Costs no memory, so anybody may ask.
    ///
    /// # Errors
    /// There is no randomness.
    pub fn challenge(&self, now: Mono) -> Result<Nonce, Unspecified> {
        self.nonces.issue(self.random, now)
    }

    /// Lets a connection in or not. `certificates` are the SHA-256 hashes of those that it may have seen.
    ///
    /// # Errors
    /// See [`Refusal`]; each counts against the address.
    pub fn authorise(&mut self, attempt: Attempt<'_>, certificates: &[[u8; 32]], now: Mono) -> Result<Grant, Refusal> {
        if !self.refused.has(attempt.from, now) {
            return Err(Refusal::TooMany);
        }
        let result = match attempt.credentials {
            Credentials::Token(token) => self.spend(token).map(|next| Grant {
                player: None,
                minted: Some(next),
            }),
            Credentials::Signed {
                key,
                nonce,
                signature,
                token,
            } => self.signed(attempt.path, certificates, (key, nonce, signature, token.as_ref()), now),
        };
        if result.is_err() {
            self.refused.take(attempt.from, now);
        }
        result
    }

    fn signed(
        &mut self,
        path: &str,
        certificates: &[[u8; 32]],
        (key, nonce, signature, token): (&[u8; KEY_LEN], &Nonce, &[u8], Option<&Token>),
        now: Mono,
    ) -> Result<Grant, Refusal> {
        // The cheap check first: a signature costs a tenth of a millisecond.
        if !self.nonces.is_fresh(nonce, now) {
            return Err(Refusal::Nonce);
        }
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key);
        let good = |hash| public.verify(&auth::to_be_signed(nonce, hash, path), signature).is_ok();
        if !certificates.iter().any(good) {
            return Err(Refusal::Signature);
        }
        let known = self.players.iter().position(|k| k == key);
        let (index, minted) = match (known, token) {
            // An enrolled key's token is not looked at: the page sends it with both of its connections.
            (Some(index), _) => (index, None),
            (None, None) => return Err(Refusal::Token),
            (None, Some(_)) if self.players.len() >= MAX_PLAYERS => return Err(Refusal::Full),
            (None, Some(token)) => {
                let next = self.spend(token)?;
                self.players.push(*key);
                (self.players.len() - 1, Some(next))
            }
        };
        // Only now: what is remembered of nonces is bounded by what enrolled keys do.
        if !self.nonces.consume(nonce, now) {
            return Err(Refusal::TooMany);
        }
        Ok(Grant {
            player: Some(PlayerId(index as u32)),
            minted,
        })
    }

    /// Uses the token up; the next one.
    fn spend(&mut self, token: &Token) -> Result<Token, Refusal> {
        if !same(token, &self.token) {
            return Err(Refusal::Token);
        }
        self.token = mint(self.random)?;
        Ok(self.token)
    }
}

fn mint(random: Random) -> Result<Token, Unspecified> {
    let mut token = Token::default();
    random(&mut token)?;
    Ok(token)
}

/// Compares in a time that doesn't depend on where the first difference is.
fn same(a: &Token, b: &Token) -> bool {
    let difference = a
        .iter()
        .zip(b)
        .fold(0, |acc, (x, y)| std::hint::black_box(acc | (x ^ y)));
    std::hint::black_box(difference) == 0
}

#[cfg(test)]
mod tests;
