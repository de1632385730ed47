//! wlr-screencopy: the pixels that arrive are those that are shown.

use crate::client::Client;
use crate::fixture::Fixture;
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileExt;
use wayland_client::protocol::{wl_buffer::WlBuffer, wl_shm::Format};
use wayland_protocols_wlr::screencopy::v1::client::zwlr_screencopy_manager_v1::ZwlrScreencopyManagerV1;

const FRAME: &str = "zwlr_screencopy_frame_v1";

/// Memory of the client's that it can look at.
struct Target {
    file: File,
    buffer: WlBuffer,
    w: i32,
}

impl Target {
    fn new(c: &Client, w: i32, h: i32) -> Self {
        let fd: OwnedFd = rustix::fs::memfd_create("test", rustix::fs::MemfdFlags::CLOEXEC).expect("a memfd");
        let file = File::from(fd);
        file.set_len(w as u64 * h as u64 * 4).expect("it has a size");
        let pool = c.globals().shm.create_pool(file.as_fd(), w * h * 4, &c.qh(), ());
        let buffer = pool.create_buffer(0, w, h, w * 4, Format::Xrgb8888, &c.qh(), ());
        Self { file, buffer, w }
    }

    fn at(&self, x: i32, y: i32) -> u32 {
        let mut pixel = [0; 4];
        let read = self.file.read_exact_at(&mut pixel, (y * self.w + x) as u64 * 4);
        read.expect("the pixel is there");
        u32::from_le_bytes(pixel) & 0x00ff_ffff
    }
}

fn colour(x: i32, y: i32) -> u32 {
    (x as u32 * 7) << 16 | (y as u32 * 11) << 8 | 0x33
}

#[test]
fn a_picture_of_the_output_and_of_a_region_is_what_is_shown() {
    let mut f = Fixture::new(32, 20);
    let mut game = f.client();
    let w = game.toplevel();
    f.settle(&mut [&mut game]);
    let pixels = game.buffer(32, 20, Format::Xrgb8888, colour);
    game.show(&w.surface, &pixels, (32, 20));
    f.advance(20, &mut [&mut game]);
    let mut taker = f.client();
    let manager: ZwlrScreencopyManagerV1 = taker.global(3);
    let whole = manager.capture_output(0, &taker.globals().output, &taker.qh(), ());
    f.settle(&mut [&mut taker]);
    assert!(
        taker.heard.said(FRAME, "width: 32, height: 20, stride: 128"),
        "{:?}",
        taker.heard.log
    );
    assert!(taker.heard.said(FRAME, "BufferDone"));
    let target = Target::new(&taker, 32, 20);
    whole.copy(&target.buffer);
    f.settle(&mut [&mut taker]);
    assert!(
        taker.heard.said(FRAME, "Ready { tv_sec_hi: 0, tv_sec_lo: 1"),
        "{:?}",
        taker.heard.log
    );
    for (x, y) in [(0, 0), (31, 0), (5, 7), (0, 19), (31, 19)] {
        assert_eq!(target.at(x, y), colour(x, y), "{x},{y}");
    }
    let region = manager.capture_output_region(0, &taker.globals().output, 28, 4, 100, 3, &taker.qh(), ());
    let target = Target::new(&taker, 4, 3);
    region.copy(&target.buffer);
    f.settle(&mut [&mut taker]);
    assert_eq!(taker.heard.count(FRAME, "Ready"), 2, "{:?}", taker.heard.log);
    assert_eq!((target.at(0, 0), target.at(3, 2)), (colour(28, 4), colour(31, 6)));
    manager.capture_output_region(0, &taker.globals().output, 40, 0, 5, 5, &taker.qh(), ());
    f.settle(&mut [&mut taker]);
    assert_eq!(taker.heard.count(FRAME, "Failed"), 1);
    assert!(taker.error.is_none(), "{:?}", taker.error);
    // A frame is good for one picture.
    region.copy(&target.buffer);
    f.settle(&mut [&mut taker]);
    assert!(taker.error.is_some());
}

#[test]
fn a_copy_with_damage_waits_for_a_change() {
    let mut f = Fixture::new(16, 16);
    let mut game = f.client();
    let w = game.toplevel();
    f.settle(&mut [&mut game]);
    game.fill(&w.surface, (16, 16), 0x112233);
    let mut taker = f.client();
    f.advance(40, &mut [&mut game, &mut taker]);
    let manager: ZwlrScreencopyManagerV1 = taker.global(3);
    let frame = manager.capture_output(0, &taker.globals().output, &taker.qh(), ());
    let target = Target::new(&taker, 16, 16);
    frame.copy_with_damage(&target.buffer);
    f.advance(100, &mut [&mut game, &mut taker]);
    assert!(!taker.heard.said(FRAME, "Ready"));
    game.fill(&w.surface, (16, 16), 0x445566);
    f.advance(40, &mut [&mut game, &mut taker]);
    assert!(
        taker.heard.said(FRAME, "Damage { x: 0, y: 0, width: 16, height: 16 }"),
        "{:?}",
        taker.heard.log
    );
    assert_eq!(taker.heard.count(FRAME, "Ready"), 1);
    assert_eq!(target.at(8, 8), 0x445566);
}

#[test]
fn a_buffer_that_does_not_fit_ends_the_connection() {
    let wrong = [
        (15, 16, 64, Format::Xrgb8888),
        (16, 16, 72, Format::Xrgb8888),
        (16, 16, 64, Format::Argb8888),
    ];
    for (w, h, stride, format) in wrong {
        let mut f = Fixture::new(16, 16);
        let mut taker = f.client();
        let manager: ZwlrScreencopyManagerV1 = taker.global(3);
        let frame = manager.capture_output(0, &taker.globals().output, &taker.qh(), ());
        frame.copy(&taker.raw_buffer(&[0; 72 * 16], (0, w, h, stride), format));
        f.settle(&mut [&mut taker]);
        let told = taker.error.take().unwrap_or_default();
        assert!(
            told.contains("as the frame asks for"),
            "{w} {stride} {format:?}: {told}"
        );
    }
}

#[test]
fn a_buffer_that_is_gone_when_the_change_comes_fails() {
    let mut f = Fixture::new(16, 16);
    let mut game = f.client();
    let w = game.toplevel();
    f.settle(&mut [&mut game]);
    game.fill(&w.surface, (16, 16), 0x112233);
    let mut taker = f.client();
    f.advance(40, &mut [&mut game, &mut taker]);
    let manager: ZwlrScreencopyManagerV1 = taker.global(3);
    let frame = manager.capture_output(0, &taker.globals().output, &taker.qh(), ());
    let target = Target::new(&taker, 16, 16);
    frame.copy_with_damage(&target.buffer);
    target.buffer.destroy();
    f.settle(&mut [&mut game, &mut taker]);
    game.fill(&w.surface, (16, 16), 0x445566);
    f.advance(40, &mut [&mut game, &mut taker]);
    assert_eq!(taker.heard.count(FRAME, "Failed"), 1, "{:?}", taker.heard.log);
    assert!(!taker.heard.said(FRAME, "Ready") && taker.error.is_none());
}

#[test]
fn copies_that_wait_are_not_endless() {
    let mut f = Fixture::new(16, 16);
    let mut taker = f.client();
    f.advance(40, &mut [&mut taker]);
    let manager: ZwlrScreencopyManagerV1 = taker.global(3);
    let target = Target::new(&taker, 16, 16);
    for _ in 0..70 {
        let frame = manager.capture_output(0, &taker.globals().output, &taker.qh(), ());
        frame.copy_with_damage(&target.buffer);
    }
    f.settle(&mut [&mut taker]);
    assert_eq!(taker.heard.count(FRAME, "Failed"), 6);
    // They are nobody else's harm.
    let mut other = f.client();
    let manager: ZwlrScreencopyManagerV1 = other.global(3);
    let target = Target::new(&other, 16, 16);
    let frame = manager.capture_output(0, &other.globals().output, &other.qh(), ());
    frame.copy(&target.buffer);
    f.settle(&mut [&mut other]);
    assert!(other.heard.said(FRAME, "Ready"), "{:?}", other.heard.log);
}
