//! SDL 2 as most games use it, by SDL's own test programs (Debian's libsdl2-tests), on both of its video drivers.
//!
//! Their windows are 640x480. On X11 that size is kept and scaled to the output's height; a Wayland window fills the output.

use anyhow::{Context, Result};
use goggles_protocols::input::Event;
use nested_tests::decode::{Picture, is_near};
use nested_tests::keyboard::{ENTER, LEFT};
use nested_tests::picture::Size;
use nested_tests::play::{Play, stands_out};
use nested_tests::scope::Setup;

const HD: Size = Size { w: 1280, h: 720 };
/// `KEY_LEFTCTRL`.
const CTRL: u16 = 29;
/// Where Debian has them.
const PROGRAMS: &str = "/usr/libexec/installed-tests/SDL2";

#[derive(Clone, Copy)]
enum Driver {
    X11,
    Wayland,
}

impl Driver {
    fn name(self) -> &'static str {
        match self {
            Self::X11 => "x11",
            Self::Wayland => "wayland",
        }
    }

    /// Output pixels to a pixel of the program's.
    fn scale(self) -> f64 {
        match self {
            Self::X11 => 1.5,
            Self::Wayland => 1.0,
        }
    }

    fn start(self, program: &str) -> Result<Play> {
        let mut setup = Setup::new(HD)?;
        let driver = format!("SDL_VIDEODRIVER={}", self.name());
        setup.env("SDL_AUDIODRIVER", "dummy");
        Play::with(setup, HD, &["env", &driver, &format!("{PROGRAMS}/{program}")])
    }
}

/// Faces on grey that fly about.
fn sprites(driver: Driver) -> Result<()> {
    let play = driver.start("testsprite2")?;
    play.see(&format!("sdl-sprites-{}", driver.name()), |p| {
        p.share(|c| is_near(c, [160; 3], 8)) > 0.5 && p.share(|c| c[0] > 200 && c[1] > 200 && c[2] < 90) > 0.005
    })?;
    play.moves()
}

#[test]
fn sprites_x11() -> Result<()> {
    sprites(Driver::X11)
}

#[test]
fn sprites_wayland() -> Result<()> {
    sprites(Driver::Wayland)
}

/// The upper left corner of a red square of at least ten pixels, in output pixels.
fn corner(picture: &Picture) -> Option<(f64, f64)> {
    let (w, h) = picture.size();
    let red = |x: usize, y: usize| stands_out(picture.rgb(x, y), 0, 100);
    // Pictures come faster than all of their pixels could be looked at.
    let mut points = (0..h).step_by(8).flat_map(|y| (0..w).step_by(8).map(move |x| (x, y)));
    let (x, y) = points.find(|(x, y)| red(*x, *y))?;
    let left = (0..=x).rev().take_while(|x| red(*x, y)).last()?;
    let top = (0..=y).rev().take_while(|y| red(x, *y)).last()?;
    Some((left as f64, top as f64))
}

/// A program that holds the pointer moves a red square by what the mouse moves, from the very first motion.
fn mouse_look(driver: Driver) -> Result<()> {
    let play = driver.start("testrelative")?;
    play.locked()?;
    let mut start = None;
    play.see(&format!("sdl-relative-first-{}", driver.name()), |p| {
        start = corner(p);
        start.is_some()
    })?;
    let (x, y) = start.context("no square")?;
    let (mut right, mut down) = (0.0, 0.0);
    for (dx, dy) in [(20.0, 10.0), (-40.0, 0.0), (0.0, 60.0)] {
        (right, down) = (right + dx, down + dy);
        play.viewer.input(Event::Relative { dx, dy });
        let at = (x + right * driver.scale(), y + down * driver.scale());
        play.see(&format!("sdl-relative-{}", driver.name()), |p| {
            corner(p).is_some_and(|(x, y)| (x - at.0).abs() <= 2.0 && (y - at.1).abs() <= 2.0)
        })?;
    }
    Ok(())
}

#[test]
fn mouse_look_x11() -> Result<()> {
    mouse_look(Driver::X11)
}

#[test]
fn mouse_look_wayland() -> Result<()> {
    mouse_look(Driver::Wayland)
}

/// A line is drawn from where the button is pressed to where it is released, to the pixel.
fn line(driver: Driver) -> Result<()> {
    let play = driver.start("testmouse")?;
    play.titled("Mouse Test")?;
    // SDL takes no click that comes with the focus; it draws all the time.
    let mut drawn = 0;
    play.see("sdl-mouse", |_| {
        drawn += 1;
        drawn > 30
    })?;
    play.point(300, 200);
    play.viewer.input(Event::edge(LEFT, true));
    play.point(900, 500);
    play.viewer.input(Event::edge(LEFT, false));
    play.see(&format!("sdl-line-{}", driver.name()), |p| {
        let red = |x: usize, y: usize| (y - 2..=y + 2).any(|y| p.rgb(x, y)[0] > 60);
        [(302, 201), (600, 350), (898, 499)].iter().all(|(x, y)| red(*x, *y))
            && ![(290, 195), (910, 505)].iter().any(|(x, y)| red(*x, *y))
    })?;
    Ok(())
}

#[test]
fn line_x11() -> Result<()> {
    line(Driver::X11)
}

#[test]
fn line_wayland() -> Result<()> {
    line(Driver::Wayland)
}

/// Keys have their scan codes, and type what the layout says.
fn keys(driver: Driver) -> Result<()> {
    let play = driver.start("checkkeys")?;
    play.titled("CheckKeys Test")?;
    play.types("aB")?;
    for line in [
        "scancode 4 = A, keycode 0x00000061 = A",
        "INPUT Text (\\x61): \"a\"",
        "scancode 225 = Left Shift",
        "INPUT Text (\\x42): \"B\"",
    ] {
        play.scope.until_logged(line, |l| l.contains(line).then_some(()))?;
    }
    // Small letters in the upper left corner.
    play.see(&format!("sdl-keys-{}", driver.name()), |p| {
        p.share(|c| c.iter().all(|v| *v > 128)) > 0.00001
    })?;
    Ok(())
}

#[test]
fn keys_x11() -> Result<()> {
    keys(Driver::X11)
}

#[test]
fn keys_wayland() -> Result<()> {
    keys(Driver::Wayland)
}

/// A window goes full-screen and back.
fn full_screen(driver: Driver) -> Result<()> {
    let play = driver.start("testwm2")?;
    let text = |p: &Picture| p.share(|c| c.iter().all(|v| *v > 100)) > 0.001;
    let there = |what: &str| play.see(&format!("sdl-{what}-{}", driver.name()), text);
    // It tells where it is, where it knows that.
    let moved = |to: &str| match driver {
        Driver::X11 => play.scope.until_logged(to, |l| l.contains(to).then_some(())),
        Driver::Wayland => Ok(()),
    };
    there("window")?;
    play.chord(&[CTRL], ENTER);
    moved("Window 1 moved to 0,0")?;
    there("full-screen")?;
    play.chord(&[CTRL], ENTER);
    moved("Window 1 moved to 320,120")?;
    there("window-again")?;
    Ok(())
}

#[test]
fn full_screen_x11() -> Result<()> {
    full_screen(Driver::X11)
}

#[test]
fn full_screen_wayland() -> Result<()> {
    full_screen(Driver::Wayland)
}
