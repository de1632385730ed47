//! A cursor payload: what is accepted is what the encoder makes, and a snapshot of it brings a late viewer to the same.
#![no_main]

use goggles_protocols::cursor::{State, decode, encode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(updates) = decode(bytes) else { return };
    assert_eq!(encode(&updates), bytes);
    let (mut first, mut late) = (State::default(), State::default());
    updates.iter().for_each(|update| first.apply(update));
    decode(&first.snapshot())
        .expect("a snapshot is well-formed")
        .iter()
        .for_each(|update| late.apply(update));
    assert_eq!(first, late);
});
