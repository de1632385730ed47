//! Wine under it: Notepad, and the monitor that Windows programs see.

use crate::{HD, PATIENCE};
use anyhow::{Context, Result};
use nested_tests::decode::Picture;
use nested_tests::play::{Play, count, is_dark, is_light};
use nested_tests::scope::Setup;

/// `KEY_LEFTCTRL`, `KEY_LEFTALT`, `KEY_S`, `KEY_F4`.
const CTRL: u16 = 29;
const ALT: u16 = 56;
const S: u16 = 31;
const F4: u16 = 62;

/// Notepad saves what was typed; the monitor in Wine's registry is ours, to the last byte.
#[test]
#[ignore = "make test-games"]
fn notepad_and_the_monitor() -> Result<()> {
    let mut setup = Setup::new(HD)?;
    setup.args(["--edid-name", "Goggle Box"]).env("WINEDEBUG", "-all");
    // No question whether .NET and a browser are to be fetched.
    setup.env("WINEDLLOVERRIDES", "mscoree,mshtml=");
    // The registry has the monitors once a program with a window has run.
    let query = r"wine reg query 'HKLM\System\CurrentControlSet\Enum\DISPLAY' /s | grep -a EDID";
    let script = format!("cd; : > typed.txt; wine notepad typed.txt; echo \"saved: $(cat typed.txt)\"; {query}");
    let file = setup.folder().join("gamescope-0.edid");
    let play = Play::with(setup, HD, &["sh", "-c", &script])?.patient(PATIENCE);
    play.titled("Notepad")?;
    let line = |p: &Picture| count(p, 150..500, 36..62, is_dark);
    play.see("wine-notepad", |p| {
        count(p, 200..1000, 200..600, is_light) > 300_000 && line(p) < 60
    })?;
    play.types("Hello, World!")?;
    play.see("wine-typed", |p| line(p) > 150)?;
    play.chord(&[CTRL], S);
    play.chord(&[ALT], F4);
    play.logged("what was saved", |l| l.contains("saved: Hello, World!").then_some(()))?;
    let edid = play.logged("the EDID", |l| {
        Some(l.split_once("REG_BINARY")?.1.trim().to_lowercase())
    })?;
    let bytes = std::fs::read(file).context("no EDID file")?;
    let ours: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(edid, ours);
    assert!(bytes.windows(10).any(|w| w == b"Goggle Box"));
    Ok(())
}
