//! A query: what is accepted says the same when it is written again.
#![no_main]

use goggles_protocols::auth::Credentials;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|query: &str| {
    if let Ok(shown) = Credentials::parse(query) {
        let again = shown.to_query();
        assert_eq!(again.len(), query.len());
        assert_eq!(Credentials::parse(&again), Ok(shown));
    }
});
