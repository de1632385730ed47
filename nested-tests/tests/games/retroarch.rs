//! RetroArch's menu under it.

use crate::{HD, PATIENCE};
use anyhow::Result;
use goggles_protocols::input::Event;
use nested_tests::decode::Picture;
use nested_tests::keyboard::ENTER;
use nested_tests::play::{Play, count, is_light};
use nested_tests::scope::Setup;

/// `KEY_DOWN`.
const DOWN: u16 = 108;

/// It looks at the keys once a frame, so that they are held here until they have had their effect: that the menu scrolls
/// on meanwhile is put off. The rest is what costs time without a GPU, and a note that would cover the menu.
const CONFIG: &str = r#"menu_scroll_delay = "600000"
menu_shader_pipeline = "0"
menu_enable_widgets = "false"
audio_enable = "false"
video_fullscreen = "true"
"#;

/// The menu is drawn, and goes where the keys say.
fn menu(driver: &str, program: &[&str]) -> Result<()> {
    let setup = Setup::new(HD)?;
    let config = setup.folder().join("test.cfg");
    std::fs::write(&config, CONFIG)?;
    let append = format!("--appendconfig={}", config.display());
    let program = [program, &["retroarch", "--menu", "--verbose", &append]].concat();
    let play = Play::with(setup, HD, &program)?.patient(PATIENCE);
    play.logged("its driver", |l| {
        l.contains(&format!("Found GL context: \"{driver}\"")).then_some(())
    })?;
    let see = |what: &str, looks: &dyn Fn(&Picture) -> bool| play.see(&format!("retroarch-{driver}-{what}"), looks);
    // The chosen tab, a white square; what the longer line below "Load Content" has more than the one below "Load Core";
    // and what any other title has more than "Main Menu".
    let tab = |p: &Picture| count(p, 326..386, 160..176, is_light) > 600;
    let content = |p: &Picture| count(p, 600..632, 330..348, is_light) > 20;
    let title = |p: &Picture| count(p, 142..190, 34..56, is_light) > 20;
    see("menu", &|p| tab(p) && !content(p) && !title(p))?;
    play.viewer.input(Event::edge(DOWN, true));
    see("down", &|p| tab(p) && content(p))?;
    play.viewer.input(Event::edge(DOWN, false));
    play.viewer.input(Event::edge(ENTER, true));
    see("entered", &|p| !tab(p) && title(p))?;
    Ok(())
}

#[test]
#[ignore = "make test-games"]
fn on_wayland() -> Result<()> {
    menu("wayland", &[])
}

#[test]
#[ignore = "make test-games"]
fn on_x11() -> Result<()> {
    menu("x", &["env", "-u", "WAYLAND_DISPLAY"])
}
