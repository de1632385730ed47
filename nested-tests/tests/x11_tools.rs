//! The tools that scripts and people use on X: xdotool, xprop, xwininfo and xrandr, against the binary's own X server.

use anyhow::{Context, Result, ensure};
use nested_tests::picture::Size;
use nested_tests::play::Play;
use std::process::Command;

const HD: Size = Size { w: 1280, h: 720 };
const TITLE: &str = "Event Tester";

/// xev, whose events are in the log, in a window of half the output's size; and the X server's name.
fn xev() -> Result<(Play, String)> {
    let play = Play::start(HD, &["xev", "-geometry", "640x360"])?;
    let display = play
        .scope
        .ready_line()
        .split(' ')
        .next()
        .context("no display")?
        .to_owned();
    play.titled(TITLE)?;
    Ok((play, display))
}

/// What a tool says.
fn say(display: &str, command: &[&str]) -> Result<String> {
    let output = Command::new(command[0])
        .args(&command[1..])
        .env("DISPLAY", display)
        .output()
        .with_context(|| format!("error starting {}", command[0]))?;
    let text = |bytes| String::from_utf8_lossy(bytes).trim_end().to_owned();
    ensure!(output.status.success(), "{command:?}: {}", text(&output.stderr));
    Ok(text(&output.stdout))
}

fn logged(play: &Play, part: &str) -> Result<()> {
    play.scope.until_logged(part, |l| l.contains(part).then_some(()))
}

/// The value of a property as xprop writes it.
fn property<'a>(said: &'a str, name: &str) -> Result<&'a str> {
    let line = said.lines().find(|l| l.starts_with(&format!("{name}(")));
    let value = line.and_then(|l| l.split_once(" = ").or_else(|| l.split_once(": ")));
    Ok(value.with_context(|| format!("no {name} in {said}"))?.1)
}

#[test]
fn xdotool_finds_the_window_and_its_keys_and_clicks_arrive() -> Result<()> {
    let (play, display) = xev()?;
    let tool = |args: &[&str]| say(&display, &[&["xdotool"], args].concat());
    let id = tool(&["search", "--sync", "--onlyvisible", "--name", TITLE])?;
    assert_eq!(tool(&["getwindowfocus"])?, id);
    assert_eq!(tool(&["getactivewindow", "getwindowname"])?, TITLE);
    assert_eq!(tool(&["getdisplaygeometry"])?, "1280 720");
    tool(&["mousemove", "100", "120"])?;
    logged(&play, "root:(100,120)")?;
    assert!(tool(&["getmouselocation"])?.starts_with("x:100 y:120 "));
    tool(&["key", "shift+g"])?;
    logged(&play, "keysym 0x47, G")?;
    tool(&["type", "hi!"])?;
    logged(&play, "keysym 0x21, exclam")?;
    tool(&["click", "3"])?;
    logged(&play, "button 3")?;
    // The player's own come as before, and where he sees them: the window is shown twice as large.
    play.click(900, 500);
    logged(&play, "button 1")?;
    logged(&play, "root:(450,250)")?;
    assert!(tool(&["getmouselocation"])?.starts_with("x:450 y:250 "));
    play.types("a")?;
    logged(&play, "keysym 0x61, a")
}

#[test]
fn xdotool_changes_and_closes_a_window() -> Result<()> {
    let (play, display) = xev()?;
    let tool = |args: &[&str]| {
        say(
            &display,
            &[&["xdotool", "search", "--sync", "--name", TITLE], args].concat(),
        )
    };
    tool(&["windowsize", "--sync", "400", "300"])?;
    logged(&play, "width 400, height 300")?;
    ensure!(tool(&["getwindowgeometry"])?.contains("Geometry: 400x300"));
    tool(&["windowclose"])?;
    logged(&play, "DestroyNotify event")
}

#[test]
fn xprop_and_xwininfo_tell_of_the_window() -> Result<()> {
    let (play, display) = xev()?;
    let tree = say(&display, &["xwininfo", "-root", "-tree"])?;
    let id = tree
        .lines()
        .find_map(|l| l.contains(TITLE).then(|| l.split_whitespace().next())?)
        .context("not in the tree")?;
    let info = say(&display, &["xwininfo", "-id", id])?;
    for part in ["Width: 640\n", "Height: 360\n", "Map State: IsViewable"] {
        ensure!(info.contains(part), "no {part:?} in {info}");
    }
    let number = u32::from_str_radix(id.trim_start_matches("0x"), 16)?.to_string();
    let root = say(&display, &["xprop", "-root"])?;
    assert_eq!(property(&root, "GAMESCOPE_FOCUSED_WINDOW")?, number);
    assert_eq!(property(&root, "_NET_ACTIVE_WINDOW")?, format!("window id # {id}"));
    assert_eq!(property(&root, "_NET_CLIENT_LIST")?, format!("window id # {id}"));
    assert_eq!(property(&root, "GAMESCOPE_PID")?, play.scope.pid().to_string());
    assert!(property(&root, "_NET_SUPPORTED")?.contains("_NET_WM_STATE_FULLSCREEN"));
    let window = say(&display, &["xprop", "-id", id])?;
    assert_eq!(property(&window, "_NET_WM_STATE")?, "_NET_WM_STATE_FOCUSED");
    assert_eq!(property(&window, "WM_NAME")?, format!("{TITLE:?}"));
    Ok(())
}

/// xrandr has the monitor, with the very bytes that are in the file.
#[test]
fn xrandr_has_our_monitor() -> Result<()> {
    let (_play, display) = xev()?;
    let said = say(&display, &["xrandr", "--verbose"])?;
    ensure!(said.contains("connected 1280x720+0+0"), "{said}");
    let hex: String = said
        .lines()
        .skip_while(|l| !l.trim_start().starts_with("EDID:"))
        .skip(1)
        .map(str::trim)
        .take_while(|l| l.len() == 32 && l.bytes().all(|b| b.is_ascii_hexdigit()))
        .collect();
    let root = say(&display, &["xprop", "-root"])?;
    let file = std::fs::read(property(&root, "GAMESCOPE_DISPLAY_EDID_PATH")?.trim_matches('"'))?;
    let bytes: String = file.iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(hex, bytes);
    Ok(())
}
