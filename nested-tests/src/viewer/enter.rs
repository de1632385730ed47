//! Getting in: the challenge over HTTP, a fresh key that answers it, the sessions' URLs.

use anyhow::{Context, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
use goggles_protocols::auth::{Credentials, Nonce, Token, to_be_signed};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use wtransport::{ClientConfig, Connection, Endpoint, tls::Sha256Digest};

/// The longest answer to a challenge.
const MAX_ANSWER: u64 = 16 * 1024;

/// A printed address, taken apart.
#[derive(Clone, Debug)]
pub struct Invitation {
    /// Whether the page is served over TLS (over plain HTTP on loopback).
    pub tls: bool,
    /// Where the server is.
    pub server: SocketAddr,
    /// The one-time token.
    pub token: Option<Token>,
}

impl Invitation {
    /// Takes `http[s]://IP:PORT/#TOKEN` apart.
    pub fn parse(url: &str) -> Result<Self> {
        let (scheme, rest) = url
            .split_once("://")
            .with_context(|| format!("{url:?} is no address"))?;
        let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
        let authority = rest.split_once('/').map_or(rest, |(authority, _)| authority);
        let token = match fragment.trim_start_matches("token=") {
            "" => None,
            text => {
                let bytes = B64.decode(text).with_context(|| format!("{text:?} is no token"))?;
                Some(bytes.try_into().ok().context("a token of a wrong length")?)
            }
        };
        let server = authority
            .parse()
            .with_context(|| format!("{authority:?} is not IP:PORT"))?;
        Ok(Self {
            tls: scheme == "https",
            server,
            token,
        })
    }
}

/// A client with a key of its own.
pub struct Entry {
    invitation: Invitation,
    random: SystemRandom,
    key: EcdsaKeyPair,
}

impl Entry {
    /// With a fresh key.
    pub fn new(invitation: Invitation) -> Result<Self> {
        let random = SystemRandom::new();
        let fresh = |random: &SystemRandom| {
            let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, random)?;
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), random)
                .map_err(|_| ring::error::Unspecified)
        };
        let key = fresh(&random).ok().context("error making a key")?;
        Ok(Self {
            invitation,
            random,
            key,
        })
    }

    /// Opens a session at `path`. The first one spends the token.
    pub async fn open(&mut self, path: &str, headers: &[(&str, &str)]) -> Result<Connection> {
        let (nonce, hashes) = self.challenge().await.context("error at /challenge")?;
        let current = hashes.first().context("no certificate")?;
        let signature = self.key.sign(&self.random, &to_be_signed(&nonce, current, path));
        let credentials = Credentials::Signed {
            key: self
                .key
                .public_key()
                .as_ref()
                .try_into()
                .context("a key of an odd length")?,
            nonce,
            signature: signature.ok().context("error signing")?.as_ref().try_into()?,
            token: self.invitation.token,
        };
        let any: SocketAddr = if self.invitation.server.is_ipv4() {
            ([0, 0, 0, 0], 0).into()
        } else {
            (std::net::Ipv6Addr::UNSPECIFIED, 0).into()
        };
        let config = ClientConfig::builder()
            .with_bind_address(any)
            .with_server_certificate_hashes(hashes.iter().map(|h| Sha256Digest::new(*h)))
            .build();
        let url = format!("https://{}{path}?{}", self.invitation.server, credentials.to_query());
        let mut request = wtransport::endpoint::ConnectOptions::builder(url);
        for (name, value) in headers {
            request = request.add_header(*name, *value);
        }
        let connection = Endpoint::client(config)?.connect(request.build()).await?;
        self.invitation.token = None;
        Ok(connection)
    }

    /// A nonce, and the hashes of the server's certificates.
    async fn challenge(&self) -> Result<(Nonce, Vec<[u8; 32]>)> {
        let tcp = tokio::net::TcpStream::connect(self.invitation.server).await?;
        let body = if self.invitation.tls {
            let name = self.invitation.server.ip().into();
            let connector = tokio_rustls::TlsConnector::from(Arc::new(any_certificate()?));
            get(
                connector.connect(name, tcp).await.context("TLS")?,
                self.invitation.server,
                "/challenge",
            )
            .await?
        } else {
            get(tcp, self.invitation.server, "/challenge").await?
        };
        let body: serde_json::Value = serde_json::from_slice(&body).context("not JSON")?;
        let bytes = |v: &serde_json::Value| -> Result<[u8; 32]> {
            let text = v.as_str().context("not a string")?;
            B64.decode(text)?.try_into().ok().context("not 32 bytes")
        };
        let certificates = body["certificates"].as_array().context("no certificates")?;
        Ok((
            bytes(&body["nonce"])?,
            certificates.iter().map(bytes).collect::<Result<_>>()?,
        ))
    }
}

/// One HTTP/1.1 request and its answer's body.
async fn get(mut stream: impl AsyncRead + AsyncWrite + Unpin, host: SocketAddr, path: &str) -> Result<Vec<u8>> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    if let Err(e) = stream.take(MAX_ANSWER).read_to_end(&mut answer).await
        // Many servers leave TLS's goodbye out.
        && e.kind() != std::io::ErrorKind::UnexpectedEof
    {
        bail!(e);
    }
    let end = answer
        .windows(4)
        .position(|w| w == b"\r\n\r\n")
        .context("no end of the headers")?;
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    ensure!(
        head.starts_with("HTTP/1.1 200 "),
        "the answer is {:?}",
        head.lines().next()
    );
    ensure!(
        !head.to_ascii_lowercase().contains("transfer-encoding"),
        "a chunked answer"
    );
    Ok(answer.split_off(end + 4))
}

/// TLS that takes any certificate: what it is for is pinned by its hash afterwards, and all happens on loopback.
fn any_certificate() -> Result<rustls::ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Arc::new(AnyCertificate(provider.clone()));
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth())
}

#[derive(Debug)]
struct AnyCertificate(Arc<rustls::crypto::CryptoProvider>);

impl rustls::client::danger::ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &rustls::pki_types::CertificateDer<'_>,
        _: &[rustls::pki_types::CertificateDer<'_>],
        _: &rustls::pki_types::ServerName<'_>,
        _: &[u8],
        _: rustls::pki_types::UnixTime,
    ) -> Result<rustls::client::danger::ServerCertVerified, rustls::Error> {
        Ok(rustls::client::danger::ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &rustls::pki_types::CertificateDer<'_>,
        signed: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, cert, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &rustls::pki_types::CertificateDer<'_>,
        signed: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, cert, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printed_addresses_are_taken_apart() {
        let token = B64.encode([7; 24]);
        for (url, tls) in [
            (format!("http://127.0.0.1:4433/#{token}"), false),
            (format!("https://127.0.0.1:4433/#token={token}"), true),
        ] {
            let invitation = Invitation::parse(&url).unwrap();
            assert_eq!((invitation.tls, invitation.token), (tls, Some([7; 24])));
            assert_eq!(invitation.server, "127.0.0.1:4433".parse().unwrap());
        }
        assert!(Invitation::parse("http://127.0.0.1:1/").unwrap().token.is_none());
        for bad in ["", "127.0.0.1:1", "http://localhost/", "http://127.0.0.1:1/#short"] {
            assert!(Invitation::parse(bad).is_err(), "{bad}");
        }
    }
}
