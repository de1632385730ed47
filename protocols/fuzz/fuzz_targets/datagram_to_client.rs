//! Acknowledgement, pong and times: what is accepted is what the encoder makes.
#![no_main]

use goggles_protocols::datagram::ToClient;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(message) = ToClient::decode(bytes) {
        assert_eq!(message.encode(), bytes);
    }
});
