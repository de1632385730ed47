//! A client that knows the protocols and means harm: well-formed requests to the right objects, with any arguments and in any
//! order, from seeds. The session bears all of it.

use crate::bad::raw;
use crate::fixture::Fixture;
use crate::nonsense::{Nonsense, Request};
use goggles_scope::link::Size;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use std::io::{IoSlice, Read};
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

/// How many seeds, and how many requests each sends.
const SEEDS: u64 = 48;
const REQUESTS: usize = 400;

struct Fuzzer {
    stream: UnixStream,
    nonsense: Nonsense,
    unread: Vec<u8>,
}

impl Fuzzer {
    /// A connection with an object of every global, and a window that is shown.
    fn new(f: &mut Fixture, seed: u64) -> Self {
        let mut this = Self {
            stream: raw(f),
            nonsense: Nonsense::new(seed),
            unread: Vec::new(),
        };
        this.send(&Nonsense::registry());
        let globals = this.events(f);
        let mut first = this.nonsense.bind(&globals, &[]);
        first.extend(this.nonsense.window());
        assert!(first.iter().all(|request| this.send(request)));
        this.listen(f);
        let shown = this.nonsense.show();
        assert!(shown.iter().all(|request| this.send(request)));
        this.listen(f);
        this
    }

    /// Whether it could be sent.
    fn send(&mut self, request: &Request) -> bool {
        let size = (request.body.len() + 8) as u32;
        let mut bytes = Vec::from(request.object.to_ne_bytes());
        bytes.extend((size << 16 | u32::from(request.opcode)).to_ne_bytes());
        bytes.extend(&request.body);
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        let fds: Vec<_> = request.files.iter().map(AsFd::as_fd).collect();
        if !fds.is_empty() {
            control.push(SendAncillaryMessage::ScmRights(&fds));
        }
        sendmsg(&self.stream, &[IoSlice::new(&bytes)], &mut control, SendFlags::NOSIGNAL).is_ok()
    }

    /// Lets all that was sent be looked at.
    fn listen(&mut self, f: &mut Fixture) {
        self.events(f).iter().for_each(|event| self.nonsense.hear(event));
    }

    /// As `listen`; what came: object, opcode, arguments.
    fn events(&mut self, f: &mut Fixture) -> Vec<(u32, u32, Vec<u8>)> {
        f.settle(&mut []);
        let mut bytes = vec![0; 1 << 16];
        while let Ok(length @ 1..) = self.stream.read(&mut bytes) {
            self.unread.extend(&bytes[..length]);
        }
        let mut events = Vec::new();
        let word = |bytes: &[u8], at: usize| bytes.get(at..at + 4)?.try_into().ok().map(u32::from_ne_bytes);
        while let (Some(object), Some(header)) = (word(&self.unread, 0), word(&self.unread, 4)) {
            let size = ((header >> 16) as usize).max(8);
            if self.unread.len() < size {
                break;
            }
            let event: Vec<u8> = self.unread.drain(..size).collect();
            events.push((object, header & 0xffff, event[8..].to_vec()));
        }
        events
    }
}

/// Ends after the first message that can't be sent: the connection was ended.
fn torment(seed: u64) {
    let mut f = Fixture::new(32, 32);
    for part in 0..4 {
        let mut fuzzer = Fuzzer::new(&mut f, seed * 4 + part);
        for i in 0..REQUESTS {
            let request = fuzzer.nonsense.request();
            if request.is_some_and(|request| !fuzzer.send(&request)) {
                break;
            }
            if i % 8 == 0 {
                fuzzer.listen(&mut f);
            }
        }
        f.advance(20, &mut []);
        fuzzer.listen(&mut f);
    }
    plays_on(&mut f);
}

/// A client that plays fair sees its picture, or, where a lock was left behind that nobody can open, at least hears that all
/// goes on.
fn plays_on(f: &mut Fixture) {
    f.pictures();
    let mut good = f.client();
    let w = good.toplevel();
    f.settle(&mut [&mut good]);
    good.frame(&w.surface);
    good.fill(&w.surface, (32, 32), 0x2468ac);
    f.advance(40, &mut [&mut good]);
    assert!(good.error.is_none(), "{:?}", good.error);
    if f.state.scope.extras.lock.is_locked() {
        return;
    }
    assert!(good.heard.callbacks > 0, "no frame was asked for");
    // It may have been given another size, in whose middle the window is.
    let Size { w, h } = f.state.scope.settings.output;
    if w * h < 1 << 20 {
        assert_eq!(f.picture().at(w as usize / 2, h as usize / 2), 0x2468ac);
    }
}

#[test]
fn well_formed_requests_without_sense_end_at_most_their_senders_connection() {
    // Whoever looks for more says so.
    let from = std::env::var("FUZZ_FROM")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(0);
    let count = std::env::var("FUZZ_SEEDS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(SEEDS);
    for seed in from..from + count {
        let bore = std::panic::catch_unwind(|| torment(seed));
        assert!(bore.is_ok(), "seed {seed}");
    }
}
