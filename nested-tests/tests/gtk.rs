//! GTK 3 and 4 on Wayland and X11: a menu opens and closes, a tooltip comes and goes, a text field is written into, and a
//! dialog gives what was typed.

use anyhow::Result;
use nested_tests::decode::Picture;
use nested_tests::keyboard::ENTER;
use nested_tests::picture::Size;
use nested_tests::play::{Play, count, is_dark};
use nested_tests::scope::Setup;
use std::ops::Range;

const HD: Size = Size { w: 1280, h: 720 };
/// `KEY_ESC`.
const ESC: u16 = 1;

fn start(backend: &str, program: &[&str]) -> Result<Play> {
    let mut setup = Setup::new(HD)?;
    setup.env("GDK_BACKEND", backend);
    // What it would ask for on D-Bus is not there; GTK 4's own GL is slow without a GPU.
    setup.env("NO_AT_BRIDGE", "1").env("GSETTINGS_BACKEND", "memory");
    setup.env("GSK_RENDERER", "cairo");
    Play::with(setup, HD, program)
}

/// The middle of an icon, dark on light, that is somewhere in that part of the picture: where exactly, fonts decide.
fn icon(picture: &Picture, xs: Range<usize>, ys: Range<usize>) -> Option<(usize, usize)> {
    let points = ys.flat_map(|y| xs.clone().map(move |x| (x, y)));
    let dark: Vec<_> = points.filter(|(x, y)| is_dark(picture.rgb(*x, *y))).collect();
    // It has 16 x 16 pixels; more than that is a picture that is dark as a whole.
    (20..200).contains(&dark.len()).then(|| {
        let (x, y) = dark.iter().fold((0, 0), |(x, y), at| (x + at.0, y + at.1));
        (x / dark.len(), y / dark.len())
    })
}

/// The drop-down "Andrea", the icon "Change mode", which is among these columns, and the text field "entry" of GTK's widget
/// factory.
fn widgets(version: u8, backend: &str, icons: Range<usize>) -> Result<()> {
    let play = start(backend, &[&format!("gtk{version}-widget-factory")])?;
    let see = |what: &str, looks: &dyn Fn(&Picture) -> bool| play.see(&format!("gtk{version}-{backend}-{what}"), looks);
    let text = |p: &Picture| count(p, 20..300, 228..264, is_dark);
    // White on what is light grey without it; and black.
    let menu = |p: &Picture| count(p, 425..485, 290..345, |c| c.iter().all(|v| *v >= 250)) > 1200;
    let change = |p: &Picture| icon(p, icons.clone(), 145..190);
    see("window", &|p| {
        (40..2000).contains(&text(p)) && change(p).is_some() && !menu(p)
    })?;
    play.click(470, 246);
    see("menu", &menu)?;
    play.viewer.tap(ESC);
    let closed = see("closed", &|p| !menu(p) && change(p).is_some())?.picture;
    let (x, y) = change(&closed).unwrap_or_default();
    let tooltip = |p: &Picture| count(p, x - 40..x + 60, y + 15..y + 60, |c| c.iter().all(|v| *v < 70)) > 1000;
    play.point(x, y);
    see("tooltip", &tooltip)?;
    play.point(100, 246);
    let before = text(&see("before", &|p| !tooltip(p))?.picture);
    play.viewer.tap(nested_tests::keyboard::LEFT);
    play.types("Goggles")?;
    see("typed", &|p| text(p) > before + 80)?;
    Ok(())
}

#[test]
fn gtk3_widgets_wayland() -> Result<()> {
    widgets(3, "wayland", 316..346)
}

#[test]
fn gtk3_widgets_x11() -> Result<()> {
    widgets(3, "x11", 316..346)
}

#[test]
fn gtk4_widgets_wayland() -> Result<()> {
    widgets(4, "wayland", 360..388)
}

#[test]
fn gtk4_widgets_x11() -> Result<()> {
    widgets(4, "x11", 360..388)
}

/// A dialog writes what was typed into it where the log is.
fn dialog(backend: &str) -> Result<()> {
    let program = ["zenity", "--entry", "--title=A question", "--text=Your name"];
    let play = start(backend, &program)?;
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
