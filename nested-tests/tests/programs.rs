//! Programs of others, each known by its decoded picture.

use anyhow::Result;
use nested_tests::decode::Picture;
use nested_tests::picture::{Rgb, Size};
use nested_tests::play::{Play, has_red_green_blue, stands_out};
use nested_tests::scope::Setup;

const HD: Size = Size { w: 1280, h: 720 };

/// `program` shows a picture that `looks` right, which is saved as NAME.png, and goes on moving.
fn moves(name: &str, program: &[&str], looks: impl Fn(&Picture) -> bool) -> Result<()> {
    let play = Play::start(HD, program)?;
    play.see(name, looks)?;
    play.moves()
}

#[test]
fn weston_simple_shm() -> Result<()> {
    // Rings of many colours in a white frame.
    moves("weston-simple-shm", &["weston-simple-shm"], |p| {
        p.share(|c| c.iter().all(|v| *v > 230)) > 0.02 && has_red_green_blue(p, 0.005)
    })
}

#[test]
fn weston_simple_egl() -> Result<()> {
    // A triangle with a red, a green and a blue corner.
    moves("weston-simple-egl", &["weston-simple-egl", "-f"], |p| {
        has_red_green_blue(p, 0.002)
    })
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
    moves("glmark2", &program, |p| p.share(|c| c.iter().any(|v| *v > 60)) > 0.05)
}

#[test]
fn glxgears() -> Result<()> {
    moves("glxgears", &["glxgears", "-fullscreen"], |p| {
        has_red_green_blue(p, 0.01)
    })
}

#[test]
fn vkcube_wayland() -> Result<()> {
    moves("vkcube-wayland", &["vkcube-wayland"], is_a_cube)
}

#[test]
fn vkcube_xcb() -> Result<()> {
    moves("vkcube-xcb", &["vkcube"], is_a_cube)
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
    let file = setup.folder().join("typed");
    setup.env("SHELL", "/bin/sh").env("ENV", "/dev/null");
    let play = Play::with(setup, HD, program)?;
    // The program is there, and so is its shell, once it has drawn a prompt: light or dark on the opposite.
    play.viewer.until_shown("a prompt", |s| {
        (0.00002..0.5).contains(&s.picture.share(|c| is_ink(c, &s.picture)))
    })?;
    play.types(&format!(
        "echo 'Ab_1!' > {}; printf '{escape}'; read x\n",
        file.display()
    ))?;
    play.see(name, |p| p.share(&is) > 0.9)?;
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
