//! Steam's overlay comes as a library in `LD_PRELOAD`. It hooks whatever draws: the game, which is wanted, and a
//! compositor, which is not. So we run ourselves again without it and keep it for the program.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Holds the whole `LD_PRELOAD` for the program while we run without the overlay.
pub const KEPT_PRELOAD: &str = "GOGGLES_SCOPE_LD_PRELOAD";

/// The overlay's file name, in a directory for each architecture.
const OVERLAY: &[u8] = b"gameoverlayrenderer.so";

/// What to do about `LD_PRELOAD`.
#[derive(Debug, PartialEq, Eq)]
pub enum Preload {
    /// Nothing.
    Leave,
    /// Run again with this in its place; `None`: without it.
    RunAgain(Option<OsString>),
}

/// Takes the overlay out of a value of `LD_PRELOAD`, whose entries are separated by colons or spaces (ld.so(8)).
pub fn split_preload(value: &OsStr) -> Preload {
    let entries: Vec<_> = value
        .as_bytes()
        .split(|b| b": ".contains(b))
        .filter(|entry| !entry.is_empty())
        .collect();
    let is_overlay = |entry: &&[u8]| entry.rsplit(|&b| b == b'/').next() == Some(OVERLAY);
    if !entries.iter().any(is_overlay) {
        return Preload::Leave;
    }
    let rest: Vec<_> = entries.into_iter().filter(|entry| !is_overlay(entry)).collect();
    Preload::RunAgain(if rest.is_empty() {
        None
    } else {
        Some(OsString::from_vec(rest.join(&b':')))
    })
}

/// Runs this program again without the overlay, if it is there. Returns only if there is nothing to do, or if it can't.
pub fn without_overlay() -> std::io::Result<()> {
    let Some(value) = std::env::var_os("LD_PRELOAD") else {
        return Ok(());
    };
    let Preload::RunAgain(rest) = split_preload(&value) else {
        return Ok(());
    };
    let mut arguments = std::env::args_os();
    let mut command = Command::new("/proc/self/exe");
    if let Some(name) = arguments.next() {
        command.arg0(name);
    }
    command.args(arguments).env(KEPT_PRELOAD, value);
    match rest {
        Some(rest) => command.env("LD_PRELOAD", rest),
        None => command.env_remove("LD_PRELOAD"),
    };
    Err(command.exec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_overlay_is_taken_out() {
        for (value, wanted) in [
            ("", Preload::Leave),
            ("/lib/libmangohud.so", Preload::Leave),
            ("/x/notgameoverlayrenderer.so", Preload::Leave),
            ("/steam/ubuntu12_64/gameoverlayrenderer.so", Preload::RunAgain(None)),
            (
                ":/s/32/gameoverlayrenderer.so:/s/64/gameoverlayrenderer.so",
                Preload::RunAgain(None),
            ),
            (
                "/a.so:/s/gameoverlayrenderer.so /b.so",
                Preload::RunAgain(Some("/a.so:/b.so".into())),
            ),
        ] {
            assert_eq!(split_preload(OsStr::new(value)), wanted, "{value}");
        }
    }
}
