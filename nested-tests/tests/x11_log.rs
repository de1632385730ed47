//! X11 programs whose messages are no text, in a session that logs all it can.

use anyhow::{Context, Result, ensure};
use nested_tests::picture::{Mode, Size};
use nested_tests::scope::{Setup, picture_program};
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{ClientMessageEvent, ConnectionExt as _, EventMask};

#[test]
fn messages_without_a_name_are_borne() -> Result<()> {
    let size = Size { w: 640, h: 360 };
    let mut setup = Setup::new(size)?;
    setup.env("GOGGLES_LOG", "trace,h2=off,quinn=off,rustls=off");
    setup.program(picture_program("wl-picture", Mode::Scroll, size)?);
    let scope = setup.start()?;
    let display = scope.ready_line().split_whitespace().next().context("no display")?;
    let (x, screen) = x11rb::connect(Some(display))?;
    let root = x.setup().roots[screen].root;
    let named = x.intern_atom(false, b"\xff\xfe")?.reply()?.atom;
    let state = x.intern_atom(false, b"_NET_WM_STATE")?.reply()?.atom;
    let mask = EventMask::SUBSTRUCTURE_REDIRECT | EventMask::SUBSTRUCTURE_NOTIFY;
    for (kind, words) in [
        (named, [0; 5]),
        (0xff_ffff, [0; 5]),
        (state, [1, named, 0xff_ffff, 0, 0]),
    ] {
        x.send_event(false, root, mask, ClientMessageEvent::new(32, root, kind, words))?;
    }
    x.get_input_focus()?.reply()?;
    // The session sees to them before it sees to this.
    x.send_event(false, root, mask, ClientMessageEvent::new(32, root, state, [0; 5]))?;
    x.get_input_focus()?.reply()?;
    let viewer = scope.viewer()?;
    viewer.until_shown("the program's picture", |_| true)?;
    let newest = viewer.drain().last().map_or(0, |shown| shown.pts_us);
    viewer.until_shown("a picture that moves on", |shown| shown.pts_us > newest)?;
    let (status, log) = scope.stop()?;
    ensure!(status.success() && !log.contains("panicked"), "{status}:\n{log}");
    Ok(())
}
