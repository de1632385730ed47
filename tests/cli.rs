//! The binary's command line: what is accepted, what is refused and with which words and status.
//!
//! Each test has its own empty home, so that no configuration of the machine's user takes part.

use std::path::Path;
use std::process::{Command, Output};

/// The binary, with nothing of this machine's desktop or configuration.
fn scope(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_goggles-scope"));
    command
        .env_clear()
        .env("HOME", home)
        .env("PATH", "/usr/bin:/bin")
        .env("XDG_RUNTIME_DIR", home);
    command
}

fn run(args: &[&str]) -> (i32, String, String) {
    let home = tempfile::tempdir().unwrap();
    outcome(scope(home.path()).args(args).output().unwrap())
}

fn outcome(output: Output) -> (i32, String, String) {
    (
        output.status.code().unwrap_or(-1),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

/// Runs with a configuration file of this text, named by a flag.
fn run_with_file(text: &str, args: &[&str]) -> (i32, String) {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("scope.toml");
    std::fs::write(&file, text).unwrap();
    let (code, _, err) = outcome(
        scope(home.path())
            .arg("--config")
            .arg(&file)
            .args(args)
            .output()
            .unwrap(),
    );
    (code, err.replace(home.path().to_str().unwrap(), ""))
}

#[test]
fn help_shows_what_is_served_and_nothing_else() {
    let (code, out, err) = run(&["--help"]);
    assert_eq!((code, err.as_str()), (0, ""));
    for word in [
        "-W, --output-width",
        "-h, --nested-height",
        "--stream <ADDR:PORT>",
        "doctor",
        "completions",
        "127",
    ] {
        assert!(out.contains(word), "{word} in\n{out}");
    }
    // What is taken with a line in the log is named there.
    assert!(
        out.split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .contains("(-f, -b, -O, --generate-drm-mode,"),
        "{out}"
    );
    for word in ["--hdr-itm-enabled", "--fullscreen", "-h, --help", "openvr"] {
        assert!(!out.contains(word), "{word} in\n{out}");
    }
    assert!(out.lines().all(|line| line.chars().count() <= 120));
}

#[test]
fn version_is_the_packages() {
    assert_eq!(
        run(&["--version"]),
        (
            0,
            concat!("goggles-scope ", env!("CARGO_PKG_VERSION"), "\n").into(),
            "".into()
        )
    );
}

#[test]
fn minus_h_is_a_height() {
    let (code, _, err) = run(&["-h", "7"]);
    assert_eq!(code, 2);
    assert!(
        err.contains("pixels from 16 to 16384") && err.contains("--nested-height"),
        "{err}"
    );
    let (code, _, err) = run(&["-h"]);
    assert_eq!(code, 2);
    assert!(err.contains("--nested-height"), "{err}");
}

#[test]
fn what_is_not_served_is_refused_by_name() {
    for (args, words) in [
        (
            &["--hdr-itm-enabled", "--", "true"][..],
            "--hdr-itm-enabled is gamescope's, and is about a picture in HDR, and the stream's is SDR",
        ),
        (&["--sharpness", "21", "--", "true"], "from 0 to 20"),
        (&["-m0", "--", "true"], "a factor from 0.01 to 100"),
        (
            &["-f", "--display-index", "1", "--", "true"],
            "--display-index is gamescope's, and is for a window on a desktop",
        ),
        (&["-cgv", "--", "true"], "--debug-hud (-v) is gamescope's, and draws"),
        (
            &["--prefer-vk-device", "1002:73bf", "--", "true"],
            "MESA_VK_DEVICE_SELECT",
        ),
        (&["-o", "0", "--", "true"], "a rate from 1 to 1000 Hz"),
        (&["--hotkeys", "x=super+x", "--", "true"], "is none of fullscreen"),
        (
            &["--backend", "wayland", "--", "true"],
            "--backend wayland is not served by this version yet",
        ),
        (
            &["--backend", "drm", "--", "true"],
            "--backend drm is not served by this version yet",
        ),
        (&["--backend", "sdl", "--", "true"], "--backend sdl is gamescope's"),
        (&["--xwayland-count", "0", "--", "true"], "--expose-wayland"),
        (&["--xwayland-count", "33", "--", "true"], "a count from 0 to 32"),
        (&["--bitrate", "5000", "--", "true"], "--bitrate is for a stream"),
        (&["-W", "1280", "--", "true"], "needs -H"),
        (
            &["glxgears"],
            "a program to run comes after '--': goggles-scope [OPTIONS] -- glxgears",
        ),
        (&["--no-such-option"], "unexpected argument '--no-such-option'"),
        (&["--stream", "here", "--", "true"], "ADDR:PORT is wanted"),
        (&["-r", "0", "--", "true"], "a rate from 1 to 1000 Hz"),
        (&["-s", "-1", "--", "true"], "a factor from 0.01 to 100"),
        (
            &["-S", "huge", "--", "true"],
            "[possible values: auto, integer, fit, fill, stretch]",
        ),
    ] {
        let (code, out, err) = run(args);
        assert_eq!((code, out.as_str()), (2, ""), "{args:?}: {err}");
        assert!(
            err.contains(words) && err.starts_with("goggles-scope: "),
            "{args:?}: {err}"
        );
    }
}

#[test]
fn a_desktop_gets_a_refusal_not_a_hidden_game() {
    let home = tempfile::tempdir().unwrap();
    let output = scope(home.path())
        .env("WAYLAND_DISPLAY", "wayland-0")
        .args(["--", "true"])
        .output()
        .unwrap();
    let (code, _, err) = outcome(output);
    assert_eq!(code, 2);
    assert!(err.contains("does not serve windows yet"), "{err}");
}

#[test]
fn the_file_is_read_with_lines() {
    assert_eq!(
        run_with_file("rt = true\nbackendd = 'headless'\n", &["--", "true"]),
        (
            2,
            "goggles-scope: /scope.toml:2: unknown key 'backendd'; is 'backend' meant?\n".into()
        )
    );
    let (code, err) = run_with_file("\noutput-height = '720'\n", &["--", "true"]);
    assert_eq!(code, 2);
    assert!(err.contains("/scope.toml:2: invalid type: string \"720\""), "{err}");
    let (code, err) = run_with_file("fullscreen = true\n", &["--", "true"]);
    assert_eq!(code, 2);
    assert!(
        err.contains("/scope.toml:1: 'fullscreen' is gamescope's, and holds anyway"),
        "{err}"
    );
    let (code, err) = run_with_file("output-width = 1280\n", &["--", "true"]);
    assert_eq!(code, 2);
    assert!(err.contains("needs -H") && err.contains("/scope.toml"), "{err}");
}

#[test]
fn a_named_file_must_be_there_and_the_default_one_is_read() {
    let (code, _, err) = run(&["--config", "/no/such/file", "--", "true"]);
    assert_eq!(code, 1);
    assert!(err.contains("/no/such/file: cannot be read"), "{err}");

    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(home.path().join(".config/goggles-scope")).unwrap();
    std::fs::write(home.path().join(".config/goggles-scope/config.toml"), "nonsense = 1").unwrap();
    let (code, _, err) = outcome(scope(home.path()).args(["--", "true"]).output().unwrap());
    assert_eq!(code, 2);
    assert!(
        err.contains("/.config/goggles-scope/config.toml:1: unknown key 'nonsense'"),
        "{err}"
    );
}

#[test]
fn completions_name_the_options() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let (code, out, _) = run(&["completions", shell]);
        assert_eq!(code, 0, "{shell}");
        assert!(
            out.contains("nested-refresh") && !out.contains("hdr-itm-enabled"),
            "{shell}"
        );
    }
    assert_eq!(run(&["completions", "tcsh"]).0, 2);
}

#[test]
fn the_doctor_speaks_to_people_and_programs() {
    let home = tempfile::tempdir().unwrap();
    // A desktop is no reason to refuse: nothing is run.
    let doctor = |args: &[&str]| outcome(scope(home.path()).env("DISPLAY", ":0").args(args).output().unwrap());
    let (_, out, err) = doctor(&["doctor"]);
    assert_eq!(err, "");
    for what in [
        "renderer: Pixman",
        "Xwayland",
        "PipeWire",
        "uinput",
        "uhid",
        "priority",
        "runtime directory",
        "port: ",
    ] {
        assert!(out.contains(what), "{what} in\n{out}");
    }
    let port = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let taken = port.local_addr().unwrap().to_string();
    let (code, out, _) = doctor(&["--stream", &taken, "doctor", "--json"]);
    assert_eq!(code, 1);
    let found: serde_json::Value = serde_json::from_str(&out).unwrap();
    let line = found
        .as_array()
        .unwrap()
        .iter()
        .find(|line| line["what"] == format!("port: {taken}"))
        .unwrap();
    assert_eq!(line["state"], "missing");
    assert!(line["remedy"].as_str().unwrap().contains("ss -lunp"), "{line}");
}

#[test]
fn what_is_missing_is_told_before_the_program_starts() {
    let home = tempfile::tempdir().unwrap();
    let mark = home.path().join("started");
    let command = ["--backend", "headless", "--", "touch", mark.to_str().unwrap()];
    for (name, value, words) in [
        ("XDG_RUNTIME_DIR", "/no/such/directory", "/no/such/directory"),
        ("XDG_RUNTIME_DIR", "", "XDG_RUNTIME_DIR is not set"),
        ("GOGGLES_LOG", "goggles_scope=loud", "GOGGLES_LOG"),
    ] {
        let (code, out, err) = outcome(scope(home.path()).env(name, value).args(command).output().unwrap());
        assert!(
            (code == 1 || code == 2) && out.is_empty() && err.contains(words),
            "{name}={value}: {code} {err}"
        );
    }
    let bin = home.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    std::os::unix::fs::symlink("/usr/bin/touch", bin.join("touch")).unwrap();
    let (code, _, err) = outcome(scope(home.path()).env("PATH", &bin).args(command).output().unwrap());
    assert!(code == 1 && err.contains("apt install xwayland"), "{code} {err}");
    assert!(!mark.exists());
}

#[test]
fn a_program_that_cannot_be_run_has_the_shells_status() {
    let (code, _, err) = run(&["--backend", "headless", "--", "no-program-of-this-name"]);
    assert_eq!(
        (code, err.as_str()),
        (127, "goggles-scope: no-program-of-this-name: command not found\n")
    );
    let (code, _, err) = run(&["--backend", "headless", "--", "/etc/passwd"]);
    assert!(code == 126 && err.contains("/etc/passwd: cannot be executed"), "{err}");
}
