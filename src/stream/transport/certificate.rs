//! Our self-signed certificates: made in memory, pinned by hash in the page, and changed before they expire.
//!
//! `serverCertificateHashes` wants ECDSA P-256 and a life of at most 14 days (W3C WebTransport, section 6.2), so a
//! session that runs longer needs more than one. The next one is *listed* a day before it is *served*, so that a page
//! that has asked for the hashes in between can still connect; running connections never notice.

use anyhow::{Context, Result};
use ring::digest;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const DAY: Duration = Duration::from_secs(24 * 3600);
/// From not-before to not-after; the pinning's limit is 14 days.
const LIFE: Duration = Duration::from_secs(13 * 24 * 3600);
/// Set back for clients whose clock is behind ours.
const BACKDATED: Duration = Duration::from_secs(3600);
/// Age at which the next one is made and listed.
const LIST_NEXT_AT: Duration = Duration::from_secs(9 * 24 * 3600);

/// One of our certificates.
#[derive(Debug)]
struct Certificate {
    key: Arc<CertifiedKey>,
    hash: [u8; 32],
    made: SystemTime,
}

impl Certificate {
    fn new(names: &[String], now: SystemTime) -> Result<Self> {
        let signing = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).context("error making a key")?;
        let mut params = rcgen::CertificateParams::new(names).context("error naming the certificate")?;
        params.distinguished_name = rcgen::DistinguishedName::new();
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, "goggles-scope");
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
        let start = now
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .saturating_sub(BACKDATED);
        params.not_before = rcgen::date_time_ymd(1970, 1, 1) + start;
        params.not_after = params.not_before + LIFE;
        let der: CertificateDer<'static> = params
            .self_signed(&signing)
            .context("error signing the certificate")?
            .der()
            .clone();
        let mut hash = [0; 32];
        hash.copy_from_slice(digest::digest(&digest::SHA256, &der).as_ref());
        let secret = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing.serialize_der()));
        let secret = rustls::crypto::ring::sign::any_ecdsa_type(&secret).context("error loading the key")?;
        Ok(Self {
            key: Arc::new(CertifiedKey::new(vec![der], secret)),
            hash,
            made: now,
        })
    }

    fn age(&self, now: SystemTime) -> Duration {
        now.duration_since(self.made).unwrap_or_default()
    }
}

/// The certificates in use. Shared with rustls, which asks for one at each handshake.
#[derive(Debug)]
pub struct Certificates {
    names: Vec<String>,
    /// Oldest first; one or two. The last one that has been listed for a day is served.
    all: RwLock<Vec<Certificate>>,
}

impl Certificates {
    /// The first one.
    ///
    /// # Errors
    /// There is no randomness, or a name is not a host name.
    pub fn new(names: Vec<String>, now: SystemTime) -> Result<Arc<Self>> {
        let first = Certificate::new(&names, now)?;
        Ok(Arc::new(Self {
            names,
            all: RwLock::new(vec![first]),
        }))
    }

    /// Makes the next and forgets the expired one, if it is time; to be called every hour or so.
    ///
    /// # Errors
    /// As [`Certificates::new`]; the present ones stay.
    pub fn rotate(&self, now: SystemTime) -> Result<()> {
        let mut all = self.all.write().unwrap_or_else(PoisonError::into_inner);
        if all.last().is_none_or(|c| c.age(now) >= LIST_NEXT_AT) {
            all.push(Certificate::new(&self.names, now)?);
        }
        // The newest one stays whatever its age, so that there is always one.
        let last = all.len() - 1;
        let mut index = 0;
        all.retain(|c| {
            index += 1;
            index > last || c.age(now) + BACKDATED < LIFE
        });
        Ok(())
    }

    /// SHA-256 of each certificate's DER, those that the page pins; the one that is served comes first.
    pub fn hashes(&self, now: SystemTime) -> Vec<[u8; 32]> {
        let all = self.all.read().unwrap_or_else(PoisonError::into_inner);
        let served = served(&all, now);
        let others = (0..all.len()).filter(|index| *index != served);
        std::iter::once(served)
            .chain(others)
            .map(|index| all[index].hash)
            .collect()
    }

    fn serve(&self, now: SystemTime) -> Arc<CertifiedKey> {
        let all = self.all.read().unwrap_or_else(PoisonError::into_inner);
        all[served(&all, now)].key.clone()
    }
}

/// Which one is served: the newest that has been listed for a day, or else the oldest. There is always one.
fn served(all: &[Certificate], now: SystemTime) -> usize {
    all.iter().rposition(|c| c.age(now) >= DAY).unwrap_or(0)
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.serve(SystemTime::now()))
    }
}

/// TLS for the given application protocols.
///
/// # Errors
/// rustls refuses its own defaults.
pub fn tls(certificates: Arc<Certificates>, alpns: Vec<Vec<u8>>, quic: bool) -> Result<rustls::ServerConfig> {
    let versions: &[_] = if quic {
        &[&rustls::version::TLS13]
    } else {
        &[&rustls::version::TLS13, &rustls::version::TLS12]
    };
    let mut config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(versions)
        .context("error setting up TLS")?
        .with_no_client_auth()
        .with_cert_resolver(certificates);
    config.alpn_protocols = alpns;
    // 0-RTT data can be replayed, and a CONNECT with a nonce in it must not be.
    config.max_early_data_size = 0;
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_is_listed_before_it_is_served_and_the_old_goes() {
        let start = SystemTime::now();
        let certificates = Certificates::new(vec!["localhost".into(), "127.0.0.1".into()], start).unwrap();
        let served = |at| {
            digest::digest(&digest::SHA256, &certificates.serve(at).cert[0])
                .as_ref()
                .to_vec()
        };
        let first = certificates.hashes(start);
        assert_eq!(first.len(), 1);
        assert_eq!(served(start), first[0]);

        certificates.rotate(start + 8 * DAY).unwrap();
        assert_eq!(certificates.hashes(start + 8 * DAY), first);
        certificates.rotate(start + 9 * DAY).unwrap();
        let both = certificates.hashes(start + 9 * DAY);
        assert_eq!((both.len(), both[0]), (2, first[0]));
        assert_eq!(served(start + 9 * DAY), both[0]);
        assert_eq!(served(start + 10 * DAY), both[1]);
        certificates.rotate(start + 12 * DAY).unwrap();
        assert_eq!(
            certificates.hashes(start + 12 * DAY),
            [both[1], both[0]],
            "the one that is served comes first"
        );
        certificates.rotate(start + 13 * DAY).unwrap();
        assert_eq!(certificates.hashes(start + 13 * DAY), both[1..]);

        // Asleep for long: everything has expired, and there is one again.
        certificates.rotate(start + 100 * DAY).unwrap();
        let after = certificates.hashes(start + 100 * DAY);
        assert_eq!(after.len(), 1);
        assert!(!both.contains(&after[0]));
        assert_eq!(served(start + 100 * DAY), after[0]);
    }
}
