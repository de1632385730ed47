//! The control stream towards the server, in pieces: the same messages come out as in one piece, and they are what the
//! encoder makes.
#![no_main]

use goggles_protocols::control::{Decoder, Message, ToServer};
use libfuzzer_sys::fuzz_target;

fn read(pieces: &[&[u8]]) -> Vec<ToServer> {
    let mut decoder = Decoder::new();
    let mut all = Vec::new();
    for piece in pieces {
        if decoder.push(piece).is_err() {
            break;
        }
        while let Ok(Some(message)) = decoder.pop() {
            all.push(message);
        }
    }
    all
}

fuzz_target!(|input: (u16, &[u8])| {
    let (cut, stream) = input;
    let (head, tail) = stream.split_at(usize::from(cut).min(stream.len()));
    let messages = read(&[stream]);
    assert_eq!(messages, read(&[head, tail]));
    let again: Vec<u8> = messages.iter().flat_map(|m| m.encode()).collect();
    assert_eq!(again, stream[..again.len()]);
});
