//! Screenshots of what a client shows.

use crate::fixture::{Fixture, Picture, settings};
use goggles_protocols::input::Event;
use goggles_scope::config::Filter;
use std::path::Path;
use wayland_client::protocol::wl_shm::Format;

/// The one PNG of the folder: width, height, R G B a pixel.
fn read(folder: &Path) -> (u32, u32, Vec<u8>) {
    let mut files = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|f| f.expect("a file").path());
    let path = files.next().expect("a screenshot");
    assert!(files.next().is_none(), "one only, and nothing temporary");
    let file = std::io::BufReader::new(std::fs::File::open(path).expect("it opens"));
    let mut reader = png::Decoder::new(file).read_info().expect("a PNG");
    assert_eq!(reader.info().srgb, Some(png::SrgbRenderingIntent::Perceptual));
    let mut rgb = vec![0; reader.output_buffer_size().expect("a size")];
    let info = reader.next_frame(&mut rgb).expect("pixels");
    assert_eq!(
        (info.color_type, info.bit_depth),
        (png::ColorType::Rgb, png::BitDepth::Eight)
    );
    (info.width, info.height, rgb)
}

fn same(folder: &Path, p: &Picture) {
    assert_eq!(read(folder), (p.size.w, p.size.h, p.rgb.clone()));
}

#[test]
fn a_screenshot_is_the_picture_that_is_shown() {
    // Passed through, scaled by Pixman, and by a filter of our own.
    for (size, filter) in [
        ((64, 48), Filter::Linear),
        ((32, 20), Filter::Linear),
        ((32, 24), Filter::Fsr),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut s = settings(64, 48);
        s.filter = filter;
        s.screenshots = Some(folder.path().join("new"));
        let mut f = Fixture::with(s);
        let mut c = f.client();
        let w = c.toplevel();
        f.settle(&mut [&mut c]);
        let buffer = c.buffer(size.0, size.1, Format::Xrgb8888, |x, y| {
            ((x as u32 * 7) << 16) | ((y as u32 * 5) << 8) | (x ^ y) as u32
        });
        c.show(&w.surface, &buffer, size);
        f.settle(&mut [&mut c]);
        f.state.inject(Event::Absolute { x: 0.5, y: 0.5 });
        f.settle(&mut [&mut c]);
        let shown = f.picture();
        f.state.take_screenshot();
        f.state.scope.screenshots.finish();
        same(&folder.path().join("new"), &shown);

        // The frames go on as if nothing had been: a still picture makes none, and the next change is whole.
        w.surface.commit();
        f.advance(40, &mut [&mut c]);
        assert!(f.pictures().is_empty(), "{filter:?}");
        c.fill(&w.surface, size, 0x806040);
        f.state.take_screenshot();
        f.advance(20, &mut [&mut c]);
        assert_eq!(f.picture().at(32, 24), 0x806040, "{filter:?}");
    }
}

#[test]
fn a_change_that_only_a_screenshot_has_seen_is_still_sent() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut s = settings(64, 48);
    s.filter = Filter::Pixel;
    s.screenshots = Some(folder.path().into());
    let mut f = Fixture::with(s);
    let mut c = f.client();
    let w = c.toplevel();
    f.settle(&mut [&mut c]);
    c.fill(&w.surface, (32, 24), 0x111111);
    f.settle(&mut [&mut c]);
    f.pictures();
    // Too early for the next frame: it is taken, and not yet sent.
    c.fill(&w.surface, (32, 24), 0x222222);
    f.settle(&mut [&mut c]);
    f.state.take_screenshot();
    f.advance(20, &mut [&mut c]);
    assert_eq!(f.picture().at(5, 5), 0x222222);
    f.state.scope.screenshots.finish();
    assert_eq!(read(folder.path()).2[..3], [0x22; 3]);
}
