//! The tools that scripts and people use on wlroots' compositors: grim and wlr-randr, against the binary's own socket.

use anyhow::{Context, Result, ensure};
use goggles_protocols::control::ToClient;
use nested_tests::decode::is_near;
use nested_tests::picture::{Mode, Rgb, Size, TOLERANCE, colour};
use nested_tests::scope::Scope;
use nested_tests::viewer::Shown;
use std::path::Path;
use std::process::Command;

const SIZE: Size = Size { w: 640, h: 360 };

/// What a tool says, run in the session.
fn say(scope: &Scope, command: &[&str]) -> Result<String> {
    let socket = scope.ready_line().split(' ').next_back().context("no socket")?;
    let output = Command::new(command[0])
        .args(&command[1..])
        .env("XDG_RUNTIME_DIR", scope.folder())
        .env("WAYLAND_DISPLAY", socket)
        .output()
        .with_context(|| format!("error starting {}", command[0]))?;
    let text = |bytes| String::from_utf8_lossy(bytes).trim_end().to_owned();
    ensure!(output.status.success(), "{command:?}: {}", text(&output.stderr));
    Ok(text(&output.stdout))
}

/// A PNG's size and its pixels.
fn read_png(path: &Path) -> Result<(Size, Vec<Rgb>)> {
    let file = std::io::BufReader::new(std::fs::File::open(path)?);
    let mut decoder = png::Decoder::new(file);
    decoder.set_transformations(png::Transformations::STRIP_16 | png::Transformations::EXPAND);
    let mut reader = decoder.read_info()?;
    let mut bytes = vec![0; reader.output_buffer_size().context("too large")?];
    let info = reader.next_frame(&mut bytes)?;
    let pixel = info.color_type.samples();
    let pixels = bytes[..info.buffer_size()]
        .chunks_exact(pixel)
        .map(|p| [p[0], p[1], p[2]]);
    let size = Size {
        w: info.width as usize,
        h: info.height as usize,
    };
    Ok((size, pixels.collect()))
}

fn shows(presses: usize) -> impl Fn(&Shown) -> bool {
    move |shown| is_near(shown.picture.centre(), colour(presses), TOLERANCE)
}

/// What grim writes has the very colours that the program drew, at each place.
#[test]
fn grim_takes_the_picture_in_its_colours() -> Result<()> {
    let (scope, viewer) = Scope::with_picture("wl-picture", Mode::Flip, SIZE)?;
    let path = nested_tests::output("nested")?.join("grim.png");
    let name = path.to_string_lossy();
    for presses in 0..4 {
        // The first has been seen, and stays as it is.
        if presses > 0 {
            viewer.tap(nested_tests::keyboard::ENTER);
            viewer.until_shown("the colour", shows(presses))?;
        }
        say(&scope, &["grim", &name])?;
        let (size, pixels) = read_png(&path)?;
        assert_eq!((size.w, size.h), (SIZE.w, SIZE.h));
        let other = pixels.iter().find(|pixel| **pixel != colour(presses));
        assert_eq!(other, None, "not {:?}", colour(presses));
    }
    // A part of it, and with the cursor.
    say(&scope, &["grim", "-c", "-g", "10,20 30x40", &name])?;
    let (size, _) = read_png(&path)?;
    assert_eq!((size.w, size.h), (30, 40));
    Ok(())
}

/// wlr-randr lists the virtual monitor as its EDID names it, and what it sets is what viewers then see.
#[test]
fn wlr_randr_lists_the_monitor_and_sets_its_mode() -> Result<()> {
    let (scope, viewer) = Scope::with_picture("wl-picture", Mode::Scroll, SIZE)?;
    let said = say(&scope, &["wlr-randr"])?;
    let output = said.split_whitespace().next().context("no output")?.to_owned();
    for part in [
        // The vendor's and the monitor's name in the EDID.
        "\"GGS - goggles-scope - ",
        "Enabled: yes",
        "640x360 px, 60.000000 Hz (preferred, current)",
        "Scale: 1.000000",
    ] {
        ensure!(said.contains(part), "no {part:?} in:\n{said}");
    }
    say(
        &scope,
        &["wlr-randr", "--output", &output, "--custom-mode", "800x600@75Hz"],
    )?;
    let is_new = |m: &ToClient| matches!(m, ToClient::Scene { width, height, .. } if (*width, *height) == (800, 600));
    viewer.message("the new size", is_new)?;
    let said = say(&scope, &["wlr-randr"])?;
    ensure!(said.contains("800x600 px, 75.000000 Hz (current)"), "{said}");
    // What can't be is refused, and changes nothing.
    let too_large = ["wlr-randr", "--output", &output, "--custom-mode", "100000x100000@75Hz"];
    ensure!(say(&scope, &too_large).is_err());
    ensure!(say(&scope, &["wlr-randr"])? == said);
    Ok(())
}
