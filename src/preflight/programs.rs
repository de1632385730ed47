//! Programs and libraries: encoders, Xwayland.

use super::{Env, Finding};
use crate::child;
use crate::config::{Encoder, Settings};
use crate::stream::encode;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Every encoder that the settings allow, each by one picture. What one can't do is only missing if none can.
pub fn encoders(settings: &Settings) -> Vec<Finding> {
    let choice = settings.stream.as_ref().map_or(Encoder::Auto, |stream| stream.encoder);
    let probes = encode::probe(choice);
    let any = probes.iter().any(|probe| probe.works);
    let finding = |probe: encode::Probe| {
        let what = format!("encoder: {}", probe.name);
        match (probe.works, any) {
            (true, _) => Finding::ok(
                what,
                format!("{} in {:.0} ms, its start included", probe.reason, probe.ms),
            ),
            (false, true) => Finding::degraded(what, probe.reason, probe.remedy),
            (false, false) => Finding::missing(what, probe.reason, probe.remedy),
        }
    };
    probes.into_iter().map(finding).collect()
}

const XWAYLAND: &str = "Xwayland";
const INSTALL_XWAYLAND: &str =
    "sudo apt install xwayland; or --xwayland-count 0 --expose-wayland for a Wayland program";

/// A program in `PATH`.
pub(super) fn find(name: &str, env: Env) -> Option<PathBuf> {
    child::find(OsStr::new(name), env("PATH").as_deref()).ok()
}

/// Whether there is an Xwayland, without running it.
pub fn xwayland_is_there(env: Env) -> Finding {
    match find(XWAYLAND, env) {
        Some(path) => Finding::ok(XWAYLAND, path.display().to_string()),
        None => Finding::missing(
            XWAYLAND,
            "not found in PATH: X11 programs have no display",
            INSTALL_XWAYLAND,
        ),
    }
}

/// Which Xwayland there is, and how its windows are paired with surfaces. `wanted`: the settings ask for one.
pub fn xwayland(env: Env, wanted: bool) -> Finding {
    let there = xwayland_is_there(env);
    let Some(path) = find(XWAYLAND, env) else {
        return if wanted {
            there
        } else {
            Finding::degraded(XWAYLAND, there.why, INSTALL_XWAYLAND)
        };
    };
    match first_line(&path, "-version") {
        Ok(line) => match parse_version(&line) {
            Some(version) => Finding::ok(
                XWAYLAND,
                format!(
                    "{} {}.{}, windows paired by {}",
                    path.display(),
                    version.0,
                    version.1,
                    if version >= (23, 1) {
                        "serial (xwayland-shell)"
                    } else {
                        "surface number (WL_SURFACE_ID)"
                    }
                ),
            ),
            None => Finding::degraded(
                XWAYLAND,
                format!("{} does not tell its version: {line:?}", path.display()),
                "sudo apt install --reinstall xwayland",
            ),
        },
        Err(e) => Finding::missing(
            XWAYLAND,
            format!("{} does not run: {e}", path.display()),
            INSTALL_XWAYLAND,
        ),
    }
}

/// `The X.Org Foundation Xwayland Version 22.1.9 (12201009)`: major and minor.
fn parse_version(line: &str) -> Option<(u32, u32)> {
    let version = line.split_once("Version ")?.1.split_whitespace().next()?;
    let mut parts = version.split('.').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??))
}

/// The first line that a program says, on either stream.
fn first_line(program: &std::path::Path, argument: &str) -> std::io::Result<String> {
    let text = output(program, argument)?;
    let line = text.lines().find(|line| !line.trim().is_empty());
    Ok(line.unwrap_or_default().to_owned())
}

/// What a program says, on either stream.
pub(super) fn output(program: &std::path::Path, argument: &str) -> std::io::Result<String> {
    let output = Command::new(program).arg(argument).stdin(Stdio::null()).output()?;
    let text = [output.stdout, output.stderr].concat();
    Ok(String::from_utf8_lossy(&text).into_owned())
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;
    use std::ffi::OsString;

    #[test]
    fn versions() {
        assert_eq!(
            parse_version("The X.Org Foundation Xwayland Version 22.1.9 (12201009)"),
            Some((22, 1))
        );
        assert_eq!(
            parse_version("The X.Org Foundation Xwayland Version 23.2.6 (12302006)"),
            Some((23, 2))
        );
        assert_eq!(parse_version("something else"), None);
    }

    #[test]
    fn both_generations_and_none() {
        let d = tempfile::tempdir().unwrap();
        let path = OsString::from(d.path());
        let env = |name: &str| (name == "PATH").then(|| path.clone());
        assert_eq!(xwayland(&env, true).state, State::Missing);
        assert_eq!(xwayland(&env, false).state, State::Degraded);
        for (version, pairing) in [
            ("22.1.9", "WL_SURFACE_ID"),
            ("23.1.0", "xwayland-shell"),
            ("24.1.4", "xwayland-shell"),
        ] {
            let file = d.path().join(XWAYLAND);
            // Written by another process: were the file open here, another test's child could hold it open at its start,
            // and it could not be executed ("text file busy").
            let script = format!("#!/bin/sh\necho 'Xwayland Version {version} (1)' >&2\n");
            let write = "printf %s \"$2\" > \"$1\" && chmod 755 \"$1\"";
            let status = std::process::Command::new("sh")
                .args(["-c", write, "sh"])
                .args([file.as_os_str(), script.as_ref()])
                .status();
            assert!(status.unwrap().success());
            let finding = xwayland(&env, true);
            assert!(
                finding.state == State::Ok && finding.why.contains(pairing),
                "{finding:?}"
            );
        }
    }
}
