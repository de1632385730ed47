//! Input batch, ping and report: what is accepted is what the encoder makes.
#![no_main]

use goggles_protocols::datagram::ToServer;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(message) = ToServer::decode(bytes) {
        assert_eq!(message.encode(), bytes);
        if let ToServer::Report(report) = message {
            report.in_server_clock();
        }
    }
});
