//! A GTK 3 dialog on Wayland and X11: it is seen, and gives what was typed.

use anyhow::Result;
use nested_tests::keyboard::ENTER;
use nested_tests::picture::Size;
use nested_tests::play::Play;
use nested_tests::scope::Setup;

const HD: Size = Size { w: 1280, h: 720 };

/// A dialog writes what was typed into it where the log is.
fn dialog(backend: &str) -> Result<()> {
    let mut setup = Setup::new(HD)?;
    setup.env("GDK_BACKEND", backend);
    // What it would ask for on D-Bus is not there.
    setup.env("NO_AT_BRIDGE", "1").env("GSETTINGS_BACKEND", "memory");
    let program = ["zenity", "--entry", "--title=A question", "--text=Your name"];
    let play = Play::with(setup, HD, &program)?;
    play.titled("A question")?;
    play.see(&format!("gtk-{backend}-dialog"), |p| {
        p.share(|c| c.iter().all(|v| *v > 230)) > 0.3
    })?;
    play.types("Ab 1!")?;
    play.viewer.tap(ENTER);
    play.scope
        .until_logged("what was typed", |l| (l == "Ab 1!").then_some(()))
}

#[test]
fn dialog_wayland() -> Result<()> {
    dialog("wayland")
}

#[test]
fn dialog_x11() -> Result<()> {
    dialog("x11")
}
