//! SuperTuxKart under it.

use crate::PATIENCE;
use anyhow::Result;
use goggles_protocols::input::Event;
use nested_tests::decode::Picture;
use nested_tests::keyboard::ENTER;
use nested_tests::picture::{Rgb, Size};
use nested_tests::play::{Play, count, is_dark, is_light, stands_out};

/// Small, since it draws without a GPU.
const SVGA: Size = Size { w: 800, h: 600 };
/// `KEY_UP`.
const UP: u16 = 103;

/// From its first start through the menus into a race (the tutorial's), where the key drives.
#[test]
#[ignore = "make test-games"]
fn into_a_race() -> Result<()> {
    let screen = format!("--screensize={SVGA}");
    let mut program = vec!["/usr/games/supertuxkart", "--windowed", "--no-sound", &screen];
    // Its first start would compress textures for more than a minute; the rest is costly without a GPU.
    program.extend([
        "--disable-texture-compression",
        "--disable-hd-textures",
        "--disable-dynamic-lights",
    ]);
    program.extend([
        "--disable-glow",
        "--disable-bloom",
        "--disable-light-shaft",
        "--disable-dof",
    ]);
    program.extend(["--disable-particles", "--disable-motion-blur", "--disable-mlaa"]);
    let play = Play::start(SVGA, &program)?.patient(2 * PATIENCE);
    let is = |x: usize, y: usize, component: usize| {
        move |p: &Picture| count(p, x - 4..x + 4, y - 4..y + 4, |c| stands_out(c, component, 40)) > 48
    };
    // May it use the net? No is chosen.
    let no = is(514, 454, 0);
    play.see("supertuxkart-privacy", &no)?;
    play.viewer.tap(ENTER);
    play.see("supertuxkart-account", |p| {
        !no(p) && count(p, 300..700, 130..140, is_light) > 0
    })?;
    play.click(516, 136);
    // It is beige once it takes text; what comes earlier is lost.
    play.see("supertuxkart-field", |p| {
        count(p, 400..700, 130..146, |c| c[0] > c[2].saturating_add(12)) > 4000
    })?;
    play.types("Tux")?;
    play.see("supertuxkart-name", |p| count(p, 292..312, 126..148, is_dark) > 40)?;
    play.click(320, 522);
    // The list of users has an orange box.
    play.see("supertuxkart-login", |p| {
        count(p, 68..80, 191..203, |c| c[0] > 180 && c[2] < 110) > 48
    })?;
    play.click(113, 510);
    play.see("supertuxkart-tutorial", is(318, 400, 1))?;
    play.click(318, 400);
    let sky = |p: &Picture| count(p, 80..160, 20..60, |c| stands_out(c, 2, 50)) > 2400;
    let road = |c: Rgb| c[0] > c[2].saturating_add(40);
    let brown = |p: &Picture| count(p, 620..780, 420..540, road);
    play.see("supertuxkart-race", |p| sky(p) && brown(p) > 12_000)?;
    play.viewer.input(Event::edge(UP, true));
    // After the start the kart leaves the dirt for a paved road, and the speed is told in yellow.
    let speed = |p: &Picture| count(p, 640..700, 520..590, |c| c[0] > 200 && c[1] > 170 && c[2] < 110);
    play.see("supertuxkart-drives", |p| sky(p) && brown(p) < 2000 && speed(p) > 300)?;
    Ok(())
}
