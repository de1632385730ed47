//! Clients that mean harm: they lose their own connection, and the session goes on.

use crate::client::Client;
use crate::fixture::Fixture;
use goggles_protocols::input::Event;
use goggles_scope::handlers::ClientState;
use goggles_scope::time::Mono;
use proptest::prelude::*;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use std::io::{IoSlice, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use wayland_client::protocol::{wl_shm::Format, wl_surface};

/// A raw connection.
pub fn raw(f: &mut Fixture) -> UnixStream {
    let (ours, theirs) = UnixStream::pair().expect("a socket pair");
    theirs.set_nonblocking(true).expect("non-blocking");
    let taken = f.state.admit(ours, ClientState::default());
    taken.expect("the client is taken in");
    theirs
}

/// A client that plays fair sees its picture.
pub fn plays_on(f: &mut Fixture, colour: u32) {
    let mut good = f.client();
    let w = good.toplevel();
    f.settle(&mut [&mut good]);
    good.fill(&w.surface, (32, 32), colour);
    f.advance(40, &mut [&mut good]);
    assert!(good.error.is_none(), "{:?}", good.error);
    assert_eq!(f.picture().middle(), colour);
}

fn is_closed(stream: &mut UnixStream) -> bool {
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

/// Does it in portions until the client is ended, and gives how often it was done and why it ended.
pub fn flood(f: &mut Fixture, bad: &mut Client, most: usize, mut portion: impl FnMut(&Client)) -> (usize, String) {
    for done in 1..=most {
        portion(bad);
        f.settle(&mut [bad]);
        if let Some(why) = &bad.error {
            return (done, why.clone());
        }
    }
    panic!("{most} are borne");
}

#[test]
fn four_thousand_surfaces_are_borne_and_more_end_their_client() {
    let mut f = Fixture::new(32, 32);
    let mut bad = f.client();
    let (hundreds, why) = flood(&mut f, &mut bad, 100, |bad| {
        for _ in 0..100 {
            let surface = bad.surface();
            surface.frame(&bad.qh(), ());
            surface.commit();
        }
    });
    assert!((41..48).contains(&hundreds), "{hundreds} hundreds");
    assert!(why.contains("wl_surface"), "{why}");
    assert_eq!(f.state.scope.clients.ended().list().map(|(_, count)| count), [0, 1, 0]);
    plays_on(&mut f, 0x0000ff);
    drop(bad);
    f.settle(&mut []);
    plays_on(&mut f, 0xff00ff);
}

#[test]
fn what_is_never_committed_ends_its_client() {
    let mut f = Fixture::new(32, 32);
    let mut bad = f.client();
    let surface = bad.surface();
    let (_, why) = flood(&mut f, &mut bad, 1_200, |_| {
        for i in 0..1_000 {
            surface.damage(i, i, 1, 1);
        }
    });
    assert!(why.contains("rectangles"), "{why}");
    let mut bad = f.client();
    let surface = bad.surface();
    let (_, why) = flood(&mut f, &mut bad, 1_200, |bad| {
        for _ in 0..100 {
            bad.frame(&surface);
        }
    });
    assert!(why.contains("wl_callback"), "{why}");
    plays_on(&mut f, 0x336699);
}

#[test]
fn files_that_no_request_takes_end_their_client() {
    let mut f = Fixture::new(32, 32);
    let mut stream = raw(&mut f);
    let file = rustix::fs::memfd_create("one of many", rustix::fs::MemfdFlags::CLOEXEC).expect("a file");
    let files = [file.as_fd(); 28];
    let mut sent = 0;
    for id in 2u32.. {
        let sync = [1, 12 << 16, id].map(u32::to_ne_bytes).concat();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(28))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        assert!(control.push(SendAncillaryMessage::ScmRights(&files)));
        if sendmsg(&stream, &[IoSlice::new(&sync)], &mut control, SendFlags::NOSIGNAL).is_err() {
            break;
        }
        sent += files.len();
        f.settle(&mut []);
        assert!(sent < 6_000, "{sent} files are kept");
        if is_closed(&mut stream) {
            break;
        }
    }
    plays_on(&mut f, 0x998877);
}

#[test]
fn a_client_that_never_stops_sending_does_not_keep_the_others_from_being_heard() {
    let mut f = Fixture::new(32, 32);
    let mut stream = raw(&mut f);
    // It makes a surface, and attaches nothing to it for as long as anybody listens.
    let bind = |name: u32| {
        let words = [2, 36 << 16, name, 14].map(u32::to_ne_bytes).concat();
        [
            words.as_slice(),
            b"wl_compositor\0\0\0",
            &1u32.to_ne_bytes(),
            &3u32.to_ne_bytes(),
        ]
        .concat()
    };
    stream
        .write_all(&[1, 12 << 16 | 1, 2].map(u32::to_ne_bytes).concat())
        .expect("a registry");
    f.settle(&mut []);
    let mut globals = [0; 16_384];
    let length = stream.read(&mut globals).expect("the globals");
    let name = name_of_global(&globals[..length], "wl_compositor");
    stream.write_all(&bind(name)).expect("it is bound");
    stream
        .write_all(&[3, 12 << 16, 4].map(u32::to_ne_bytes).concat())
        .expect("a surface");
    f.settle(&mut []);
    stream.set_nonblocking(false).expect("blocking");
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let sender = std::thread::spawn(move || {
        let request = [4, 20 << 16 | 1, 0, 0, 0].map(u32::to_ne_bytes).concat();
        let many = request.repeat(200);
        while !stopped.load(Ordering::Relaxed) && stream.write_all(&many).is_ok() {}
    });
    // On a busy machine the sender may be the slower one; then there is time for others, and no reason to end it.
    for _ in 0..20 {
        f.live(Duration::from_millis(5));
    }
    plays_on(&mut f, 0x223344);
    stop.store(true, Ordering::Relaxed);
    while !sender.is_finished() {
        f.live(Duration::from_millis(5));
    }
    sender.join().expect("it was ended");
    plays_on(&mut f, 0x445566);
}

/// The number of the global of this interface, from what the registry wrote.
fn name_of_global(mut events: &[u8], interface: &str) -> u32 {
    let word = |bytes: &[u8], at: usize| u32::from_ne_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
    while !events.is_empty() {
        let (event, rest) = events.split_at((word(events, 4) >> 16) as usize);
        events = rest;
        if event[16..].starts_with(interface.as_bytes()) && event[16 + interface.len()] == 0 {
            return word(event, 8);
        }
    }
    panic!("no {interface}");
}

#[test]
fn a_client_that_loads_may_leave_a_minute_of_the_mouse_unread() {
    let mut f = Fixture::new(32, 32);
    let mut c = f.client();
    let w = c.toplevel();
    f.settle(&mut [&mut c]);
    c.fill(&w.surface, (32, 32), 0);
    f.settle(&mut [&mut c]);
    f.state.inject(Event::Absolute { x: 0.5, y: 0.5 });
    for i in 0..60_000 {
        let dx = if i % 2 == 0 { 1.0 } else { -1.0 };
        f.state.inject(Event::Relative { dx, dy: 0.0 });
        if i % 16 == 0 {
            f.settle(&mut []);
        }
    }
    f.settle(&mut [&mut c]);
    assert!(c.error.is_none(), "{:?}", c.error);
    c.fill(&w.surface, (32, 32), 0x778899);
    f.advance(40, &mut [&mut c]);
    assert_eq!(f.picture().at(1, 1), 0x778899);
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
    for _ in 0..200 {
        pools.push(bad.buffer(4, 4, Format::Xrgb8888, |_, _| 0));
        f.settle(&mut [&mut bad]);
    }
    plays_on(&mut f, 0x010203);
    drop((w, pools, bad));
    // smithay frees pools on a thread of its own. Other tests of this program open and close files meanwhile; 200 do not go
    // unseen.
    let give_up = Mono::now() + Duration::from_secs(30);
    while open() > before + 100 {
        assert!(Mono::now() < give_up, "{} files, {before} before", open());
        f.live(Duration::from_millis(5));
    }
}

#[test]
fn windows_of_negative_sizes_end_their_client() {
    type Wish = fn(&crate::client::Window);
    let wishes: [Wish; 3] = [
        |w| w.xdg.set_window_geometry(0, 0, -1, -1),
        |w| w.toplevel.set_max_size(i32::MIN, 5),
        |w| w.toplevel.set_min_size(5, -1),
    ];
    for wish in wishes {
        let mut f = Fixture::new(32, 32);
        let mut bad = f.client();
        let w = bad.toplevel();
        f.settle(&mut [&mut bad]);
        wish(&w);
        bad.fill(&w.surface, (32, 32), 0);
        f.settle(&mut [&mut bad]);
        assert!(bad.error.is_some());
        assert_eq!(f.state.scope.clients.ended().list().map(|(_, count)| count), [1, 0, 0]);
        plays_on(&mut f, 0x2468ac);
    }
}

#[test]
fn surfaces_that_lie_too_deep_in_one_another_end_their_client() {
    type Link = fn(&Client, &[wl_surface::WlSurface], usize);
    // From the window down, and from the deepest up.
    let links: [Link; 2] = [
        |c, all, i| {
            drop(
                c.globals()
                    .subcompositor
                    .get_subsurface(&all[i + 1], &all[i], &c.qh(), ()),
            )
        },
        |c, all, i| {
            let i = all.len() - 2 - i;
            drop(
                c.globals()
                    .subcompositor
                    .get_subsurface(&all[i + 1], &all[i], &c.qh(), ()),
            );
        },
    ];
    for (link, deep) in links.iter().flat_map(|link| [(link, 60), (link, 4000)]) {
        let mut f = Fixture::new(32, 32);
        let mut bad = f.client();
        let w = bad.toplevel();
        f.settle(&mut [&mut bad]);
        let mut all = vec![w.surface.clone()];
        all.extend((0..deep).map(|_| bad.surface()));
        (0..deep).for_each(|i| link(&bad, &all, i));
        bad.fill(&w.surface, (32, 32), 0);
        f.advance(20, &mut [&mut bad]);
        assert_eq!(bad.error.is_some(), deep > 100, "{deep}: {:?}", bad.error);
        drop((all, bad));
        f.settle(&mut []);
        plays_on(&mut f, 0x2468ac);
    }
}

#[test]
fn popups_without_end_end_their_client() {
    /// Whose popup each of so many surfaces becomes.
    type Parent = fn(usize) -> usize;
    let cases: [(usize, bool, Parent); 4] = [
        (1, true, |_| 0),
        (2, true, |i| 1 - i),
        (50, false, |i| i + 1),
        (1000, true, |i| i + 1),
    ];
    for (count, ends, parent) in cases {
        let mut f = Fixture::new(32, 32);
        let mut bad = f.client();
        let w = bad.toplevel();
        f.settle(&mut [&mut bad]);
        bad.fill(&w.surface, (32, 32), 0);
        let surfaces: Vec<_> = (0..count).map(|_| bad.surface()).collect();
        let wm = &bad.globals().wm;
        let mut xdg: Vec<_> = surfaces.iter().map(|s| wm.get_xdg_surface(s, &bad.qh(), ())).collect();
        xdg.push(w.xdg.clone());
        let positioner = bad.positioner((0, 0, 1, 1), (4, 4));
        for i in (0..count).rev() {
            let popup = xdg[i].get_popup(Some(&xdg[parent(i)]), &positioner, &bad.qh(), ());
            if ends {
                popup.grab(&bad.globals().seat, 1);
            }
            surfaces[i].commit();
        }
        f.advance(20, &mut [&mut bad]);
        assert_eq!(bad.error.is_some(), ends, "{count}: {:?}", bad.error);
        drop((xdg, surfaces, bad));
        f.settle(&mut []);
        plays_on(&mut f, 0x2468ac);
    }
}
