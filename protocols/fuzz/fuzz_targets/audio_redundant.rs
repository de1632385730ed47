//! A payload of an audio track's twin with repeated packets: what is accepted is what the encoder makes.
#![no_main]

use goggles_protocols::audio::Redundant;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(payload) = Redundant::decode(bytes) {
        assert_eq!(payload.encode(), bytes);
    }
});
