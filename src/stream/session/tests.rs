use super::*;
use crate::link::ViewerId;
use proptest::prelude::*;
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};

fn random(bytes: &mut [u8]) -> Result<(), Unspecified> {
    SystemRandom::new().fill(bytes)
}

const T0: Mono = Mono(1_000_000_000_000);
const CERTIFICATE: [u8; 32] = [7; 32];
const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

struct Page(EcdsaKeyPair);

impl Page {
    fn new() -> Self {
        let rng = SystemRandom::new();
        let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &rng).unwrap();
        Self(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.as_ref(), &rng).unwrap())
    }

    fn sign(&self, nonce: Nonce, certificate: &[u8; 32], path: &str, token: Option<Token>) -> Credentials {
        let text = auth::to_be_signed(&nonce, certificate, path);
        let signature = self.0.sign(&SystemRandom::new(), &text).unwrap();
        Credentials::Signed {
            key: self.0.public_key().as_ref().try_into().unwrap(),
            nonce,
            signature: signature.as_ref().try_into().unwrap(),
            token,
        }
    }
}

fn attempt(access: &mut Access, path: &str, credentials: &Credentials, now: Mono) -> Result<Grant, Refusal> {
    access.authorise(
        Attempt {
            from: HOME,
            path,
            credentials,
        },
        &[[1; 32], CERTIFICATE],
        now,
    )
}

fn enrol(access: &mut Access, page: &Page) -> Grant {
    let token = access.tickets()[0].token;
    let credentials = page.sign(access.challenge(T0).unwrap(), &CERTIFICATE, "/moq", Some(token));
    attempt(access, "/moq", &credentials, T0).unwrap()
}

#[test]
fn a_token_enrols_one_key_and_is_replaced() {
    let mut access = Access::new(random, Rights::default()).unwrap();
    let (first, second) = (Page::new(), Page::new());
    let token = access.tickets()[0].token;
    let grant = enrol(&mut access, &first);
    assert_eq!(grant.player, Some(PlayerId(0)));
    assert_eq!(grant.minted.as_ref(), access.tickets().first());
    assert_ne!(token, access.tickets()[0].token);

    // The page's other connection carries the same token: its key is enrolled by now.
    let again = first.sign(access.challenge(T0).unwrap(), &CERTIFICATE, "/control", Some(token));
    let grant = attempt(&mut access, "/control", &again, T0).unwrap();
    assert_eq!((grant.player, grant.minted), (Some(PlayerId(0)), None));

    // The used token is worth nothing to somebody else, the next one is.
    let late = second.sign(access.challenge(T0).unwrap(), &CERTIFICATE, "/moq", Some(token));
    assert_eq!(attempt(&mut access, "/moq", &late, T0), Err(Refusal::Token));
    assert_eq!(
        attempt(&mut access, "/moq", &Credentials::Token(token), T0),
        Err(Refusal::Token)
    );
    assert_eq!(enrol(&mut access, &second).player, Some(PlayerId(1)));
    let token = access.tickets()[0].token;
    assert_eq!(
        attempt(&mut access, "/moq", &Credentials::Token(token), T0)
            .unwrap()
            .player,
        None
    );
}

#[test]
fn the_right_to_speak_is_in_the_token() {
    let speak = Rights { microphone: true };
    let mut access = Access::new(random, speak).unwrap();
    let [plain, speaking] = [access.tickets()[0], access.tickets()[1]];
    assert_eq!((plain.rights, speaking.rights), (Rights::default(), speak));
    let (first, second) = (Page::new(), Page::new());
    let mut show = |page: &Page, token: Option<Token>| {
        let credentials = page.sign(access.challenge(T0).unwrap(), &CERTIFICATE, "/moq", token);
        attempt(&mut access, "/moq", &credentials, T0).unwrap()
    };
    let grant = show(&first, Some(plain.token));
    assert_eq!(grant.rights, Rights::default());
    let next = grant.minted.unwrap();
    assert_eq!(next.rights, Rights::default());
    let grant = show(&second, Some(speaking.token));
    assert_eq!(grant.rights, speak);
    let next_speaking = grant.minted.unwrap();
    assert_eq!(next_speaking.rights, speak);

    // An enrolled key's token counts for what it gives more, once; a token that gives nothing more is not spent.
    let grant = show(&first, Some(next.token));
    assert_eq!((grant.rights, grant.minted), (Rights::default(), None));
    let grant = show(&first, Some(next_speaking.token));
    assert_eq!(grant.rights, speak);
    let third = grant.minted.unwrap();
    assert_eq!(show(&first, Some(third.token)).minted, None);
    assert_eq!(show(&second, None).rights, speak, "by the key alone");
    assert_eq!(access.tickets(), [next, third]);

    // Without a key it lets watch, as any.
    let watcher = attempt(&mut access, "/moq", &Credentials::Token(third.token), T0).unwrap();
    assert_eq!((watcher.player, watcher.rights), (None, Rights::default()));
}

#[test]
fn what_is_signed_counts() {
    let mut access = Access::new(random, Rights::default()).unwrap();
    let page = Page::new();
    enrol(&mut access, &page);
    let nonce = access.challenge(T0).unwrap();
    let good = page.sign(nonce, &CERTIFICATE, "/moq", None);
    assert_eq!(attempt(&mut access, "/control", &good, T0), Err(Refusal::Signature));
    let foreign = page.sign(nonce, &[9; 32], "/moq", None);
    assert_eq!(attempt(&mut access, "/moq", &foreign, T0), Err(Refusal::Signature));
    let forged = page.sign([0; 32], &CERTIFICATE, "/moq", None);
    assert_eq!(attempt(&mut access, "/moq", &forged, T0), Err(Refusal::Nonce));
    let stranger = Page::new().sign(nonce, &CERTIFICATE, "/moq", None);
    assert_eq!(attempt(&mut access, "/moq", &stranger, T0), Err(Refusal::Token));

    let late = T0 + Duration::from_secs(30);
    assert_eq!(attempt(&mut access, "/moq", &good, late), Err(Refusal::Nonce));
    let in_time = T0 + Duration::from_secs(29);
    assert!(attempt(&mut access, "/moq", &good, in_time).is_ok());
    assert_eq!(
        attempt(&mut access, "/moq", &good, in_time),
        Err(Refusal::Nonce),
        "used twice"
    );
}

#[test]
fn attempts_are_limited_by_address() {
    let mut access = Access::new(random, Rights::default()).unwrap();
    let guess = Credentials::Token([0; auth::TOKEN_LEN]);
    for _ in 0..ATTEMPTS {
        assert_eq!(attempt(&mut access, "/moq", &guess, T0), Err(Refusal::Token));
    }
    assert_eq!(attempt(&mut access, "/moq", &guess, T0), Err(Refusal::TooMany));
    let right = Credentials::Token(access.tickets()[0].token);
    assert_eq!(attempt(&mut access, "/moq", &right, T0), Err(Refusal::TooMany));
    let elsewhere = Attempt {
        from: "192.0.2.1".parse().unwrap(),
        path: "/moq",
        credentials: &right,
    };
    assert!(access.authorise(elsewhere, &[CERTIFICATE], T0).is_ok());
    assert_eq!(
        attempt(&mut access, "/moq", &guess, T0 + ATTEMPT_EVERY),
        Err(Refusal::Token)
    );
}

#[test]
fn many_addresses_fill_no_memory_and_lock_nobody_out_for_good() {
    let mut throttle = Throttle::new(Bucket {
        burst: 1,
        every: Duration::from_secs(1),
    });
    let address = |n: u32| IpAddr::from(std::net::Ipv4Addr::from_bits(n));
    assert!((0..1024).all(|n| throttle.take(address(n), T0)));
    assert!(throttle.take(address(5000), T0));
    assert!(!throttle.take(address(5001), T0), "the rest share a bucket");
    assert!(throttle.take(address(5001), T0 + Duration::from_secs(1)));
    // One host's many IPv6 addresses are one.
    assert!(throttle.take("2001:db8::1".parse().unwrap(), T0 + Duration::from_secs(2)));
    assert!(!throttle.take("2001:db8::2".parse().unwrap(), T0 + Duration::from_secs(2)));
}

#[test]
fn used_nonces_are_bounded() {
    let mut access = Access::new(random, Rights::default()).unwrap();
    let page = Page::new();
    enrol(&mut access, &page);
    let mut connect = |now| {
        let credentials = page.sign(access.challenge(now).unwrap(), &CERTIFICATE, "/moq", None);
        attempt(&mut access, "/moq", &credentials, now)
    };
    for _ in 1..1024 {
        connect(T0).unwrap();
    }
    assert_eq!(connect(T0), Err(Refusal::TooMany));
    assert!(connect(T0 + Duration::from_secs(31)).is_ok());
}

#[test]
fn the_input_role() {
    let mut roles = Roles::default();
    let [a, a2, b] = [1, 2, 3].map(ViewerId);
    let [anna, ben] = [0, 1].map(PlayerId);
    let second = Duration::from_secs(1);
    assert!(roles.want(a, anna, T0));
    assert!(!roles.want(b, ben, T0), "held");
    assert!(!roles.take(b, ben, T0), "held too short");
    assert!(roles.want(a2, anna, T0), "the same player's new connection");
    assert_eq!(roles.holder(), Some(a2));
    assert!(!roles.release(a), "not the holder any more");
    assert!(roles.take(b, ben, T0 + second));
    assert!(!roles.take(b, ben, T0 + second), "already");
    assert!(!roles.take(a2, anna, T0 + second));
    assert!(roles.release(b));
    assert!(roles.take(a2, anna, T0 + second), "free");
}

proptest! {
    /// Never two holders, never a holder who is gone or has not asked.
    #[test]
    fn one_holder(steps in prop::collection::vec((0..4u8, 0..4u64, 0..3000u64), 1..60)) {
        let mut roles = Roles::default();
        let mut now = T0;
        for (what, viewer, wait) in steps {
            now = now + Duration::from_millis(wait);
            let (id, player) = (ViewerId(viewer), PlayerId(viewer as u32 / 2));
            let before = roles.holder();
            let changed = match what {
                0 => roles.want(id, player, now),
                1 => roles.take(id, player, now),
                _ => roles.release(id),
            };
            prop_assert_eq!(changed, before != roles.holder());
            if changed {
                prop_assert_eq!(roles.holder(), (what < 2).then_some(id));
            }
            if what >= 2 {
                prop_assert_ne!(roles.holder(), Some(id));
            }
        }
    }

    /// No window of time lets more through than the burst and what was earned.
    #[test]
    fn buckets_hold(gaps in prop::collection::vec(0..40u64, 1..200)) {
        let rate = Bucket { burst: 5, every: Duration::from_millis(20) };
        let mut level = throttle::Level::default();
        let (mut now, mut taken) = (T0, 0u32);
        for gap in gaps {
            now = now + Duration::from_millis(gap);
            prop_assert_eq!(level.has(rate, now), level.next(rate) <= now);
            taken += u32::from(level.take(rate, now));
            let earned = now.since(T0).as_millis() as u32 / 20;
            prop_assert!(taken <= rate.burst + earned);
        }
    }

    /// Whatever credentials come, nothing is granted without the token or an enrolled key.
    #[test]
    fn nothing_by_chance(key in prop::array::uniform32(any::<u8>()), bytes in prop::collection::vec(any::<u8>(), 64), token in any::<bool>()) {
        let mut access = Access::new(random, Rights::default()).unwrap();
        let mut long = [4; KEY_LEN];
        long[1..33].copy_from_slice(&key);
        let credentials = Credentials::Signed {
            key: long,
            nonce: access.challenge(T0).unwrap(),
            signature: bytes.try_into().unwrap(),
            token: token.then_some(access.tickets()[0].token),
        };
        prop_assert!(attempt(&mut access, "/moq", &credentials, T0).is_err());
    }
}
