//! Programs of others, each known by its decoded picture.

use anyhow::{Context, Result};
use nested_tests::decode::Picture;
use nested_tests::keyboard::type_text;
use nested_tests::picture::{Rgb, Size};
use nested_tests::scope::{Scope, Setup};
use nested_tests::viewer::{Shown, Viewer};

const HD: Size = Size { w: 1280, h: 720 };

/// `program` under goggles-scope until a viewer has seen a picture that `looks` right, which is saved as NAME.png.
fn shows(name: &str, program: &[&str], looks: impl Fn(&Picture) -> bool) -> Result<(Scope, Viewer)> {
    let mut setup = Setup::new(HD)?;
    setup.program(program);
    let scope = setup.start()?;
    let viewer = scope.viewer()?;
    see(&viewer, name, |shown| looks(&shown.picture)).with_context(|| format!("log:\n{}", scope.log()))?;
    Ok((scope, viewer))
}

fn see(viewer: &Viewer, name: &str, looks: impl Fn(&Shown) -> bool) -> Result<()> {
    let shown = viewer.until_shown(name, looks)?;
    shown
        .picture
        .save(&nested_tests::output("nested")?.join(format!("{name}.png")))
}

/// What moves shows other pictures, too.
fn moves(viewer: &Viewer) -> Result<()> {
    let grid = |s: &Shown| {
        let at = |i: usize| s.picture.rgb(i % 64 * 20 + 10, i / 64 * 20 + 10);
        (0..64 * 36).map(at).collect::<Vec<Rgb>>()
    };
    let first = grid(&viewer.until_shown("any picture", |_| true)?);
    let differs = |s: &Shown| {
        grid(s)
            .iter()
            .zip(&first)
            .filter(|(a, b)| !nested_tests::decode::is_near(**a, **b, 16))
            .count()
    };
    viewer.until_shown("a picture that has moved", |s| differs(s) >= 10)?;
    Ok(())
}

/// Which of the three components stands out by at least `by`.
fn stands_out(c: Rgb, component: usize, by: u8) -> bool {
    (0..3).all(|i| i == component || c[component].saturating_sub(c[i]) >= by)
}

fn has_red_green_blue(picture: &Picture, share: f64) -> bool {
    (0..3).all(|component| picture.share(|c| stands_out(c, component, 60)) > share)
}

#[test]
fn weston_simple_shm() -> Result<()> {
    // Rings of many colours in a white frame.
    let (_scope, viewer) = shows("weston-simple-shm", &["weston-simple-shm"], |p| {
        p.share(|c| c.iter().all(|v| *v > 230)) > 0.02 && has_red_green_blue(p, 0.005)
    })?;
    moves(&viewer)
}

#[test]
fn weston_simple_egl() -> Result<()> {
    // A triangle with a red, a green and a blue corner.
    let (_scope, viewer) = shows("weston-simple-egl", &["weston-simple-egl", "-f"], |p| {
        has_red_green_blue(p, 0.002)
    })?;
    moves(&viewer)
}

#[test]
fn glmark2() -> Result<()> {
    let program = [
        "glmark2-es2-wayland",
        "--size",
        "1280x720",
        "-b",
        "shading:shading=phong:duration=60",
    ];
    let (_scope, viewer) = shows("glmark2", &program, |p| p.share(|c| c.iter().any(|v| *v > 60)) > 0.05)?;
    moves(&viewer)
}

#[test]
fn glxgears() -> Result<()> {
    let (_scope, viewer) = shows("glxgears", &["glxgears", "-fullscreen"], |p| {
        has_red_green_blue(p, 0.01)
    })?;
    moves(&viewer)
}

#[test]
fn vkcube_wayland() -> Result<()> {
    let (_scope, viewer) = shows("vkcube-wayland", &["vkcube-wayland"], is_a_cube)?;
    moves(&viewer)
}

#[test]
fn vkcube_xcb() -> Result<()> {
    let (_scope, viewer) = shows("vkcube-xcb", &["vkcube"], is_a_cube)?;
    moves(&viewer)
}

/// A grey cube with LunarG's blue-green logo on dark grey.
fn is_a_cube(picture: &Picture) -> bool {
    let is_grey = |c: Rgb| c.iter().all(|v| v.abs_diff(c[0]) < 10);
    picture.share(|c| is_grey(c) && (45..=57).contains(&c[0])) > 0.1
        && picture.share(|c| is_grey(c) && c[0] > 65) > 0.02
        && picture.share(|c| c[1].saturating_sub(c[0]) >= 25 && c[2].saturating_sub(c[0]) >= 25) > 0.005
}

/// Typed into a shell: the shell writes a file, and makes the whole screen `colour`.
fn takes_typing(name: &str, program: &[&str], escape: &str, is: impl Fn(Rgb) -> bool) -> Result<()> {
    let mut setup = Setup::new(HD)?;
    let home = setup.folder().to_owned();
    let file = home.join("typed");
    setup.env("HOME", &home).env("SHELL", "/bin/sh").env("ENV", "/dev/null");
    setup.program(program);
    let scope = setup.start()?;
    let viewer = scope.viewer()?;
    // The program is there, and so is its shell, once it has drawn a prompt: light or dark on the opposite.
    viewer.until_shown("a prompt", |s| {
        (0.00002..0.5).contains(&s.picture.share(|c| is_ink(c, &s.picture)))
    })?;
    type_text(
        &viewer,
        &format!("echo 'Ab_1!' > {}; printf '{escape}'; read x\n", file.display()),
    )?;
    see(&viewer, name, |s| s.picture.share(&is) > 0.9).with_context(|| format!("log:\n{}", scope.log()))?;
    assert_eq!(std::fs::read_to_string(file)?, "Ab_1!\n");
    Ok(())
}

/// Far from the colour of the middle of the picture, where nothing is written yet.
fn is_ink(c: Rgb, picture: &Picture) -> bool {
    !nested_tests::decode::is_near(c, picture.centre(), 60)
}

#[test]
fn foot() -> Result<()> {
    let program = ["foot", "--override=font=monospace:size=20", "/bin/sh"];
    takes_typing("foot", &program, "\\033[41m\\033[2J", |c| stands_out(c, 0, 40))
}

#[test]
fn xterm() -> Result<()> {
    let program = ["xterm", "-fullscreen", "-fa", "monospace", "-fs", "20", "-e", "/bin/sh"];
    takes_typing("xterm", &program, "\\033[44m\\033[2J", |c| stands_out(c, 2, 40))
}
