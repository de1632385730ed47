//! wlr-gamma-control: the encoded picture goes through the ramps, for as long as their client is there.

use crate::client::Client;
use crate::fixture::Fixture;
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use wayland_client::protocol::wl_surface::WlSurface;
use wayland_protocols_wlr::gamma_control::v1::client::{
    zwlr_gamma_control_manager_v1::ZwlrGammaControlManagerV1, zwlr_gamma_control_v1::ZwlrGammaControlV1,
};

const CONTROL: &str = "zwlr_gamma_control_v1";

fn control(c: &Client) -> ZwlrGammaControlV1 {
    let manager: ZwlrGammaControlManagerV1 = c.global(1);
    manager.get_gamma_control(&c.globals().output, &c.qh(), ())
}

/// A file of ramps: red as it is, green halved, blue inverted; as many entries as said.
fn ramps(entries: usize) -> std::fs::File {
    let fd: OwnedFd = rustix::fs::memfd_create("ramps", rustix::fs::MemfdFlags::CLOEXEC).expect("a memfd");
    let mut file = std::fs::File::from(fd);
    let value = |i: usize| match i / 256 {
        0 => (i * 257) as u16,
        1 => ((i % 256) * 257 / 2) as u16,
        _ => 65_535 - ((i % 256) * 257) as u16,
    };
    let bytes: Vec<u8> = (0..entries).flat_map(|i| value(i).to_ne_bytes()).collect();
    file.write_all(&bytes).expect("the ramps are written");
    file
}

fn shown(f: &mut Fixture) -> (Client, WlSurface) {
    let mut game = f.client();
    let w = game.toplevel();
    f.settle(&mut [&mut game]);
    game.fill(&w.surface, (32, 32), 0x806420);
    f.advance(20, &mut [&mut game]);
    assert!(f.picture().direct);
    (game, w.surface)
}

#[test]
fn ramps_change_the_picture_until_their_client_goes() {
    let mut f = Fixture::new(32, 32);
    let (mut game, surface) = shown(&mut f);
    let mut night = f.client();
    let gamma = control(&night);
    f.settle(&mut [&mut game, &mut night]);
    assert!(
        night.heard.said(CONTROL, "GammaSize { size: 256 }"),
        "{:?}",
        night.heard.log
    );
    gamma.set_gamma(ramps(768).as_fd());
    f.advance(20, &mut [&mut game, &mut night]);
    let p = f.picture();
    assert_eq!((p.direct, p.at(3, 3)), (false, 0x8032df), "{:06x}", p.at(3, 3));
    // A part that changes goes through them once, too.
    game.fill(&surface, (32, 32), 0x100a00);
    f.advance(20, &mut [&mut game, &mut night]);
    assert_eq!(f.picture().at(3, 3), 0x1005ff);
    // Who takes a picture has it without them.
    let plain = f.state.backend.snapshot(&f.state.scope).expect("a picture");
    assert_eq!(plain[..3], [0x00, 0x0a, 0x10]);
    // A second client is told that it has come too late.
    let mut other = f.client();
    control(&other);
    f.settle(&mut [&mut game, &mut night, &mut other]);
    assert!(other.heard.said(CONTROL, "Failed") && !other.heard.said(CONTROL, "GammaSize"));
    drop(night);
    f.advance(20, &mut [&mut game, &mut other]);
    let p = f.picture();
    assert_eq!((p.direct, p.at(3, 3)), (true, 0x100a00));
    control(&other);
    f.settle(&mut [&mut other]);
    assert!(other.heard.said(CONTROL, "GammaSize"), "the place is free again");
}

#[test]
fn ramps_of_another_size_end_the_connection_and_no_file_fails() {
    let mut f = Fixture::new(32, 32);
    for entries in [767, 769, 0] {
        let mut night = f.client();
        control(&night).set_gamma(ramps(entries).as_fd());
        f.settle(&mut [&mut night]);
        assert!(night.error.is_some(), "{entries}");
    }
    let mut night = f.client();
    let (read, _write) = std::io::pipe().expect("a pipe");
    control(&night).set_gamma(read.as_fd());
    f.settle(&mut [&mut night]);
    assert!(
        night.heard.said(CONTROL, "Failed") && night.error.is_none(),
        "{:?}",
        night.error
    );
}
