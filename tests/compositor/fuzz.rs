//! A client that knows the protocols and means harm: well-formed requests to the right objects, with any arguments and in any
//! order, from seeds. The session bears all of it.

use crate::bad::raw;
use crate::fixture::Fixture;
use crate::interfaces::interfaces;
use goggles_scope::link::Size;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use std::collections::BTreeMap;
use std::io::{IoSlice, Read};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use wayland_client::backend::protocol::{ArgumentType, Interface, MessageDesc};

/// How many seeds, and how many requests each sends.
const SEEDS: u64 = 48;
const REQUESTS: usize = 400;

/// xorshift64*: the same on every machine.
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn roll(&mut self) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) as u32
    }

    fn below(&mut self, n: usize) -> usize {
        self.roll() as usize % n.max(1)
    }

    fn number(&mut self) -> u32 {
        const TELLING: [i32; 16] = [
            0,
            1,
            2,
            4,
            16,
            32,
            128,
            256,
            4096,
            -1,
            -2,
            -4096,
            i32::MAX,
            i32::MIN,
            65_536,
            1 << 24,
        ];
        match self.below(4) {
            0 => self.roll(),
            1 => self.roll() % 64,
            _ => TELLING[self.below(TELLING.len())] as u32,
        }
    }
}

struct Object {
    interface: &'static Interface,
    version: u32,
}

struct Fuzzer {
    stream: UnixStream,
    dice: Dice,
    objects: BTreeMap<u32, Object>,
    next: u32,
}

impl Fuzzer {
    /// A connection with an object of every global.
    fn new(f: &mut Fixture, seed: u64) -> Self {
        let mut this = Self {
            stream: raw(f),
            dice: Dice::new(seed),
            objects: BTreeMap::new(),
            next: 3,
        };
        // wl_display.get_registry as object 2.
        this.send(1, 1, &2u32.to_ne_bytes(), &[]);
        f.settle(&mut []);
        for (name, interface, version) in this.globals() {
            let known = interfaces().find(|i| i.name == interface);
            let known = known.unwrap_or_else(|| panic!("{interface} is offered, and not in the list"));
            let version = version.min(known.version);
            let mut body = Vec::from(name.to_ne_bytes());
            text(&mut body, interface.as_bytes());
            body.extend(version.to_ne_bytes());
            let id = this.make(known, version);
            body.extend(id.to_ne_bytes());
            this.send(2, 0, &body, &[]);
        }
        f.settle(&mut []);
        this
    }

    fn make(&mut self, interface: &'static Interface, version: u32) -> u32 {
        let id = self.next;
        self.next += 1;
        self.objects.insert(id, Object { interface, version });
        id
    }

    /// Reads what the registry said: name, interface, version.
    fn globals(&mut self) -> Vec<(u32, String, u32)> {
        let mut bytes = vec![0; 1 << 16];
        let length = self.stream.read(&mut bytes).expect("the globals are told");
        let word = |at: usize| u32::from_ne_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
        let mut globals = Vec::new();
        let mut at = 0;
        while at + 8 <= length {
            let size = (word(at + 4) >> 16) as usize;
            if word(at) == 2 && word(at + 4) & 0xffff == 0 {
                let letters = word(at + 12) as usize;
                let name = String::from_utf8_lossy(&bytes[at + 16..at + 15 + letters]).into_owned();
                globals.push((word(at + 8), name, word(at + size - 4)));
            }
            at += size;
        }
        assert!(globals.len() > 40, "{globals:?}");
        globals
    }

    /// Whether it could be sent.
    fn send(&mut self, object: u32, opcode: u16, body: &[u8], fds: &[OwnedFd]) -> bool {
        let size = (body.len() + 8) as u32;
        let mut bytes = Vec::from(object.to_ne_bytes());
        bytes.extend((size << 16 | u32::from(opcode)).to_ne_bytes());
        bytes.extend(body);
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        let fds: Vec<_> = fds.iter().map(AsFd::as_fd).collect();
        if !fds.is_empty() {
            control.push(SendAncillaryMessage::ScmRights(&fds));
        }
        sendmsg(&self.stream, &[IoSlice::new(&bytes)], &mut control, SendFlags::NOSIGNAL).is_ok()
    }

    /// One request to one of the objects. Whether it could be sent.
    fn request(&mut self) -> bool {
        let ids: Vec<u32> = self.objects.keys().copied().collect();
        // Rather to the young ones, which are of the last requests.
        let from = if self.dice.below(3) == 0 {
            0
        } else {
            ids.len().saturating_sub(12)
        };
        let id = ids[from + self.dice.below(ids.len() - from)];
        let Object { interface, version } = self.objects[&id];
        let requests: Vec<(usize, &MessageDesc)> = interface
            .requests
            .iter()
            .enumerate()
            .filter(|(_, r)| r.since <= version && (!r.is_destructor || self.dice.below(8) == 0))
            .collect();
        if requests.is_empty() {
            return true;
        }
        let (opcode, request) = requests[self.dice.below(requests.len())];
        let (body, fds) = self.arguments(request, version);
        if request.is_destructor {
            self.objects.remove(&id);
        }
        self.send(id, opcode as u16, &body, &fds)
    }

    fn arguments(&mut self, request: &MessageDesc, version: u32) -> (Vec<u8>, Vec<OwnedFd>) {
        let mut body = Vec::new();
        let mut fds = Vec::new();
        let mut wanted = request.arg_interfaces.iter();
        for kind in request.signature {
            match kind {
                ArgumentType::Int | ArgumentType::Uint | ArgumentType::Fixed => {
                    body.extend(self.dice.number().to_ne_bytes());
                }
                ArgumentType::Str(_) => {
                    let length = self.dice.below(40);
                    let letters: Vec<u8> = (0..length).map(|_| b'a' + (self.dice.roll() % 26) as u8).collect();
                    text(&mut body, &letters);
                }
                ArgumentType::Object(_) => {
                    let wanted = wanted.next();
                    let fitting = self
                        .objects
                        .iter()
                        .filter(|(_, o)| wanted.is_none_or(|w| w.name == o.interface.name))
                        .map(|(id, _)| *id);
                    let fitting: Vec<u32> = fitting.collect();
                    let id = match self.dice.below(16) {
                        0 => 0,
                        1 => self.dice.number(),
                        _ if fitting.is_empty() => 0,
                        _ => fitting[self.dice.below(fitting.len())],
                    };
                    body.extend(id.to_ne_bytes());
                }
                ArgumentType::NewId => {
                    let id = match request.child_interface {
                        Some(child) => self.make(child, version),
                        None => self.next,
                    };
                    body.extend(id.to_ne_bytes());
                }
                ArgumentType::Array => {
                    let length = self.dice.below(16) * 4;
                    body.extend((length as u32).to_ne_bytes());
                    (0..length).for_each(|_| body.push(self.dice.roll() as u8));
                }
                ArgumentType::Fd => fds.push(self.file()),
            }
        }
        (body, fds)
    }

    /// A file of some size, or the end of a pipe.
    fn file(&mut self) -> OwnedFd {
        if self.dice.below(4) == 0 {
            return std::io::pipe().expect("a pipe").0.into();
        }
        let fd = rustix::fs::memfd_create("fuzz", rustix::fs::MemfdFlags::CLOEXEC).expect("a memfd");
        let size = self.dice.below(8) * 1000;
        rustix::fs::ftruncate(&fd, size as u64).expect("it has a size");
        fd
    }
}

fn text(body: &mut Vec<u8>, letters: &[u8]) {
    body.extend((letters.len() as u32 + 1).to_ne_bytes());
    body.extend(letters);
    body.push(0);
    while !body.len().is_multiple_of(4) {
        body.push(0);
    }
}

/// Ends after the first message that can't be sent: the connection was ended.
fn torment(seed: u64) {
    let mut f = Fixture::new(32, 32);
    for part in 0..4 {
        let mut fuzzer = Fuzzer::new(&mut f, seed * 4 + part);
        for i in 0..REQUESTS {
            if !fuzzer.request() {
                break;
            }
            if i % 8 == 0 {
                f.settle(&mut []);
            }
        }
        f.advance(20, &mut []);
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
