//! Who may watch and who may play: tokens, keys, nonces, and the input role. Pure: no IO, `now` is an argument.
//!
//! A page makes a P-256 key that can't be extracted, and proves that it has it at each connection by signing a nonce
//! of ours (`goggles_protocols::auth`, `protocols/stream.md`). A one-time token from a URL enrols the key with the
//! [`Rights`] that the token gives. After that the token is worth nothing, and the next one is minted, so exactly one
//! unused token of each kind exists at any time. Nothing here survives the process.

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

/// What a token gives, beyond watching and playing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    /// To speak: programs in the session may record this viewer's microphone.
    pub microphone: bool,
}

/// An unused token.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    /// What is shown.
    pub token: Token,
    /// What it gives.
    pub rights: Rights,
}

impl std::fmt::Debug for Ticket {
    /// Tokens stay out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ticket")
            .field("rights", &self.rights)
            .finish_non_exhaustive()
    }
}

/// What an accepted connection may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Who it is: may ask for the input role. `None` for a token without a key: may only watch.
    pub player: Option<PlayerId>,
    /// What its key may do more; nothing without a key.
    pub rights: Rights,
    /// The token was used up; this one takes its place and is to be shown to the user.
    pub minted: Option<Ticket>,
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
    /// One of each kind.
    tickets: Vec<Ticket>,
    players: Vec<Player>,
    refused: Throttle,
}

/// Somebody whose key is enrolled.
#[derive(Debug)]
struct Player {
    key: [u8; KEY_LEN],
    rights: Rights,
}

impl Access {
    /// With a first token, and with another that gives all of `rights` if there are any to give.
    ///
    /// # Errors
    /// [`Refusal::NoRandomness`].
    pub fn new(random: Random, rights: Rights) -> Result<Self, Refusal> {
        let mut kinds = vec![Rights::default()];
        kinds.extend((rights != Rights::default()).then_some(rights));
        let mint = |rights| {
            let token = mint(random)?;
            Ok(Ticket { token, rights })
        };
        Ok(Self {
            random,
            nonces: Nonces::new(random)?,
            tickets: kinds.into_iter().map(mint).collect::<Result<_, Unspecified>>()?,
            players: Vec::new(),
            refused: Throttle::new(Bucket {
                burst: ATTEMPTS,
                every: ATTEMPT_EVERY,
            }),
        })
    }

    /// The unused tokens, one of each kind: the first gives no rights, the second, where there is one, all that can be
    /// given.
    pub fn tickets(&self) -> &[Ticket] {
        &self.tickets
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
                rights: Rights::default(),
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
        let known = self.players.iter().position(|player| player.key == *key);
        let (index, minted) = match (known, token) {
            // An enrolled key's token is not needed: the page sends it with both of its connections.
            (Some(index), token) => (index, token.and_then(|token| self.add_rights(index, token).transpose())),
            (None, None) => return Err(Refusal::Token),
            (None, Some(_)) if self.players.len() >= MAX_PLAYERS => return Err(Refusal::Full),
            (None, Some(token)) => {
                let next = self.spend(token)?;
                let (key, rights) = (*key, next.rights);
                self.players.push(Player { key, rights });
                (self.players.len() - 1, Some(Ok(next)))
            }
        };
        let minted = minted.transpose()?;
        // Only now: what is remembered of nonces is bounded by what enrolled keys do.
        if !self.nonces.consume(nonce, now) {
            return Err(Refusal::TooMany);
        }
        Ok(Grant {
            player: Some(PlayerId(index as u32)),
            rights: self.players[index].rights,
            minted,
        })
    }

    /// Uses the token up; the next one, which gives the same rights.
    fn spend(&mut self, token: &Token) -> Result<Ticket, Refusal> {
        let index = self.ticket(token).ok_or(Refusal::Token)?;
        self.tickets[index].token = mint(self.random)?;
        Ok(self.tickets[index])
    }

    /// Gives an enrolled player what this token gives more than it has; only then is it spent.
    fn add_rights(&mut self, player: usize, token: &Token) -> Result<Option<Ticket>, Refusal> {
        let more = |index: &usize| {
            let gives = self.tickets[*index].rights;
            gives.microphone && !self.players[player].rights.microphone
        };
        if self.ticket(token).filter(more).is_none() {
            return Ok(None);
        }
        let next = self.spend(token)?;
        self.players[player].rights = next.rights;
        Ok(Some(next))
    }

    /// Which of the unused ones this is; all are compared, so that the time says nothing.
    fn ticket(&self, token: &Token) -> Option<usize> {
        let each = self.tickets.iter().enumerate();
        each.fold(
            None,
            |found, (index, ticket)| {
                if same(token, &ticket.token) { Some(index) } else { found }
            },
        )
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
