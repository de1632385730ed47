//! Who may open a session: the pure parts of the CONNECT URL's query and of the signature in it. The keys, the
//! tokens and the nonces themselves are the server's.

use crate::Error;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;

/// Bytes of a nonce.
pub const NONCE_LEN: usize = 32;
/// Bytes of a one-time token.
pub const TOKEN_LEN: usize = 24;
/// Bytes of a public key: an uncompressed P-256 point (SEC 1, section 2.3.3), first byte 4.
pub const KEY_LEN: usize = 65;
/// Bytes of a signature: r ‖ s (IEEE P1363).
pub const SIGNATURE_LEN: usize = 64;
/// The longest query that is looked at, in bytes; the longest valid one has 275.
pub const MAX_QUERY: usize = 512;
/// What every signature begins with, so that it means nothing elsewhere.
pub const CONTEXT: &[u8] = b"goggles-scope/1";

/// A nonce of the server, good for one connection.
pub type Nonce = [u8; NONCE_LEN];
/// A one-time token.
pub type Token = [u8; TOKEN_LEN];

/// What a client shows to be let in.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// A key, and a signature by it; the token enrols the key.
    Signed {
        /// The public key.
        key: [u8; KEY_LEN],
        /// Which challenge is answered.
        nonce: Nonce,
        /// Over [`to_be_signed`].
        signature: [u8; SIGNATURE_LEN],
        /// At the first connection.
        token: Option<Token>,
    },
    /// A token alone: for MoQ clients that can't sign; may only watch.
    Token(Token),
}

impl std::fmt::Debug for Credentials {
    /// Tokens stay out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Signed { token: None, .. } => "Signed",
            Self::Signed { token: Some(_), .. } => "Signed and Token",
            Self::Token(_) => "Token",
        })
    }
}

impl Credentials {
    /// Reads a query (what follows the `?`). Parameters may come in any order, each once, none unknown.
    pub fn parse(query: &str) -> Result<Self, Error> {
        if query.len() > MAX_QUERY {
            return Err(Error::TooLong {
                what: "query",
                len: query.len(),
                cap: MAX_QUERY,
            });
        }
        let (mut key, mut nonce, mut signature, mut token) = (None, None, None, None);
        for pair in query.split('&') {
            let (name, value) = pair
                .split_once('=')
                .ok_or(Error::Query("a parameter without a value"))?;
            let repeated = match name {
                "key" => key.replace(fixed(value)?).is_some(),
                "nonce" => nonce.replace(fixed(value)?).is_some(),
                "sig" => signature.replace(fixed(value)?).is_some(),
                "token" => token.replace(fixed(value)?).is_some(),
                _ => return Err(Error::Query("an unknown parameter")),
            };
            if repeated {
                return Err(Error::Query("a parameter twice"));
            }
        }
        match (key, nonce, signature, token) {
            (Some(key), Some(nonce), Some(signature), token) => {
                // SEC 1: 4 marks the uncompressed form, the only one WebCrypto exports.
                if key[0] != 4 {
                    return Err(Error::Query("a key that is not an uncompressed point"));
                }
                Ok(Self::Signed {
                    key,
                    nonce,
                    signature,
                    token,
                })
            }
            (None, None, None, Some(token)) => Ok(Self::Token(token)),
            _ => Err(Error::Query("a parameter is missing")),
        }
    }

    /// The query that [`parse`](Self::parse) reads.
    pub fn to_query(&self) -> String {
        match self {
            Self::Signed {
                key,
                nonce,
                signature,
                token,
            } => {
                let mut query = format!(
                    "key={}&nonce={}&sig={}",
                    B64.encode(key),
                    B64.encode(nonce),
                    B64.encode(signature)
                );
                if let Some(token) = token {
                    query.push_str("&token=");
                    B64.encode_string(token, &mut query);
                }
                query
            }
            Self::Token(token) => format!("token={}", B64.encode(token)),
        }
    }
}

/// What the client signs with ECDSA over P-256 and SHA-256: [`CONTEXT`] ‖ nonce ‖ SHA-256 of the QUIC
/// certificate's DER ‖ the URL's path without the query. Only the last has no fixed length, so it is unambiguous.
pub fn to_be_signed(nonce: &Nonce, certificate_hash: &[u8; 32], path: &str) -> Vec<u8> {
    [CONTEXT, nonce, certificate_hash, path.as_bytes()].concat()
}

/// A token as it stands in the URL's fragment.
pub fn token_text(token: &Token) -> String {
    B64.encode(token)
}

/// Unpadded base64url of exactly `N` bytes.
fn fixed<const N: usize>(text: &str) -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    match B64.decode_slice(text, &mut bytes) {
        Ok(len) if len == N => Ok(bytes),
        _ => Err(Error::Query("a value that is not base64url of the right length")),
    }
}
