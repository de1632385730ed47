//! Clients that mean harm: they lose their own connection, and the session goes on.

use crate::client::Client;
use crate::fixture::Fixture;
use goggles_scope::handlers::ClientState;
use goggles_scope::time::Mono;
use proptest::prelude::*;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;
use wayland_client::protocol::wl_shm::Format;

/// A raw connection.
pub fn raw(f: &mut Fixture) -> UnixStream {
    let (ours, theirs) = UnixStream::pair().expect("a socket pair");
    theirs.set_nonblocking(true).expect("non-blocking");
    let taken = f.state.scope.dh.insert_client(ours, Arc::new(ClientState::default()));
    taken.expect("the client is taken in");
    theirs
}

/// A client that plays fair sees its picture.
fn plays_on(f: &mut Fixture, colour: u32) {
    let mut good = f.client();
    let w = good.toplevel();
    f.settle(&mut [&mut good]);
    good.fill(&w.surface, (32, 32), colour);
    f.advance(40, &mut [&mut good]);
    assert!(good.error.is_none(), "{:?}", good.error);
    assert_eq!(f.picture().at(1, 1), colour);
}

fn is_closed(stream: &mut UnixStream) -> bool {
    use std::io::Read;
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(e) => return e.kind() != std::io::ErrorKind::WouldBlock,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_end_at_most_their_senders_connection(bytes in prop::collection::vec(any::<u8>(), 1..2000)) {
        let mut f = Fixture::new(32, 32);
        let mut stream = raw(&mut f);
        // The first bytes may have ended it already.
        let _ = stream.write_all(&bytes);
        f.settle(&mut []);
        plays_on(&mut f, 0x123456);
    }
}

#[test]
fn an_unknown_object_ends_the_connection() {
    let mut f = Fixture::new(32, 32);
    let mut stream = raw(&mut f);
    let words: [u32; 3] = [0xfe_0000, 12 << 16, 0];
    let bytes: Vec<u8> = words.iter().flat_map(|w| w.to_ne_bytes()).collect();
    stream.write_all(&bytes).expect("it is written");
    f.settle(&mut []);
    assert!(is_closed(&mut stream));
    plays_on(&mut f, 0x00ff00);
}

#[test]
fn ten_thousand_surfaces_are_borne_and_freed() {
    let mut f = Fixture::new(32, 32);
    let mut bad = f.client();
    for _ in 0..100 {
        for _ in 0..100 {
            let surface = bad.surface();
            surface.frame(&bad.qh(), ());
            surface.commit();
        }
        f.settle(&mut [&mut bad]);
    }
    assert!(bad.error.is_none(), "{:?}", bad.error);
    plays_on(&mut f, 0x0000ff);
    drop(bad);
    f.settle(&mut []);
    plays_on(&mut f, 0xff00ff);
}

#[test]
fn sizes_beyond_reason_are_refused() {
    for shape in [
        (0, i32::MAX, i32::MAX, i32::MAX),
        (0, -1, 32, 128),
        (i32::MAX, 32, 32, 128),
        (0, 32, 32, -4),
    ] {
        let mut f = Fixture::new(32, 32);
        let mut bad = f.client();
        let w = bad.toplevel();
        f.settle(&mut [&mut bad]);
        let buffer = bad.raw_buffer(&[0; 4096], shape, Format::Xrgb8888);
        bad.show(&w.surface, &buffer, (i32::MAX, i32::MAX));
        f.settle(&mut [&mut bad]);
        assert!(bad.error.is_some(), "{shape:?}");
        plays_on(&mut f, 0x0f0f0f);
    }
}

#[test]
fn a_client_that_never_reads_is_let_go() {
    let mut f = Fixture::new(32, 32);
    let mut stream = raw(&mut f);
    // wl_display.sync, each of which is answered by two events: the socket's room ends, and then the connection.
    let mut id = 2u32;
    let mut refused = false;
    for _ in 0..4000 {
        let mut bytes = Vec::new();
        for _ in 0..64 {
            bytes.extend([1, 12 << 16, id].iter().flat_map(|w: &u32| w.to_ne_bytes()));
            id += 1;
        }
        if stream.write_all(&bytes).is_err() {
            refused = true;
            break;
        }
        f.settle(&mut []);
    }
    assert!(refused, "the connection outlived {id} unread answers");
    plays_on(&mut f, 0xaabbcc);
}

#[test]
fn a_flood_of_files_ends_with_its_client() {
    let open = || std::fs::read_dir("/proc/self/fd").map_or(0, |d| d.count());
    let mut f = Fixture::new(32, 32);
    let mut bad: Client = f.client();
    let w = bad.toplevel();
    f.settle(&mut [&mut bad]);
    let before = open();
    let mut pools = Vec::new();
    for _ in 0..300 {
        pools.push(bad.buffer(4, 4, Format::Xrgb8888, |_, _| 0));
        f.settle(&mut [&mut bad]);
    }
    plays_on(&mut f, 0x010203);
    drop((w, pools, bad));
    // smithay frees pools on a thread of its own. Other tests of this program open and close files meanwhile; 300 do not go
    // unseen.
    let give_up = Mono::now() + Duration::from_secs(30);
    while open() > before + 200 {
        assert!(Mono::now() < give_up, "{} files, {before} before", open());
        f.live(Duration::from_millis(5));
    }
}
