//! The X server's own life.

use crate::desk::{Desk, H, W};
use crate::x::{BLACK, GREEN, RED, X};
use goggles_protocols::input::Event;
use rustix::process::{Pid, Signal, kill_process};
use std::os::unix::fs::MetadataExt;
use std::process::{Command, Stdio};
use std::time::SystemTime;
use x11rb::protocol::Event as XEvent;
use x11rb::protocol::xproto::AtomEnum;

/// The X server of this display, a child of this process.
pub fn server(display: u32) -> Option<Pid> {
    let own = std::process::id().to_string();
    let mut all = std::fs::read_dir("/proc").unwrap().flatten();
    let found = all.find(|entry| {
        let read = |file: &str| std::fs::read_to_string(entry.path().join(file)).unwrap_or_default();
        let stat = read("stat");
        // After the name: state, parent.
        let parent = stat
            .rsplit(") ")
            .next()
            .and_then(|s| s.split(' ').nth(1).map(str::to_owned));
        parent.as_deref() == Some(&own) && read("cmdline").contains(&format!("Xwayland\0:{display}\0"))
    })?;
    Pid::from_raw(found.file_name().to_str()?.parse().ok()?)
}

#[test]
fn a_server_that_dies_is_started_again_at_the_same_display() {
    let mut desk = Desk::new();
    let display = desk.display();
    let x = desk.x();
    let window = x.window((0, 0, W, H), RED);
    x.map(window);
    desk.until_seen(&[(1, 1, RED)]);

    // What it named by numbers of this server means nothing to the next.
    for (name, value) in [("WINDOW", window), ("APPID", window)] {
        x.set_words(
            x.root,
            &format!("GAMESCOPECTRL_BASELAYER_{name}"),
            AtomEnum::CARDINAL,
            &[value],
        );
    }
    let named = |d: &Desk| {
        (
            d.f.state.scope.controls.base_window,
            d.f.state.scope.controls.base_apps.clone(),
        )
    };
    desk.until("it is named", |d| named(d) == (Some(window), vec![window]));

    let before = server(display).expect("the server runs");
    kill_process(before, Signal::KILL).unwrap();
    desk.until_seen(&[(1, 1, BLACK)]);
    desk.until("nothing is named", |d| named(d) == (None, vec![]));
    desk.until("no window is left", |d| d.f.state.scope.windows.iter().next().is_none());
    desk.until("another server is ready", |d| {
        d.f.state.scope.xwayland.display() == Some(display) && server(display).is_some_and(|p| p != before)
    });
    assert!(desk.f.state.scope.xwayland.take_failure().is_none());

    let mut x = desk.x();
    let window = x.window((0, 0, W, H), GREEN);
    x.map(window);
    desk.until_seen(&[(1, 1, GREEN)]);
    desk.until_focused(&x, window);
    desk.f.state.inject(Event::Key {
        code: 30,
        pressed: true,
    });
    desk.event(&mut x, "a key arrives", |e| {
        matches!(e, XEvent::KeyPress(_)).then_some(())
    });
}

#[test]
fn a_named_window_is_forgotten_with_its_server() {
    let mut desk = Desk::unstarted();
    desk.f.state.scope.settings.xwayland_count = 2;
    desk.f.state.scope.settings.steam = true;
    desk.start();
    let (first, second) = (desk.x(), desk.x_at(1));
    let of_app = |x: &X, app, colour| {
        let window = x.window((0, 0, W, H), colour);
        x.set_words(window, "STEAM_GAME", AtomEnum::CARDINAL, &[app]);
        x.map(window);
        window
    };
    let steam = of_app(&first, 769, GREEN);
    desk.until_seen(&[(1, 1, GREEN)]);
    let game = of_app(&second, 570, RED);
    assert_eq!(steam, game, "the servers give the same numbers");
    let name = |property, word| first.set_words(first.root, property, AtomEnum::CARDINAL, &[word]);
    name("GAMESCOPECTRL_BASELAYER_APPID", 769);
    desk.until_seen(&[(1, 1, GREEN)]);
    name("GAMESCOPECTRL_BASELAYER_WINDOW", game);
    desk.until_seen(&[(1, 1, RED)]);
    let display = desk.f.state.scope.xwayland.display_of(1).expect("it is ready");
    kill_process(server(display).expect("the server runs"), Signal::KILL).unwrap();
    desk.until("nothing is named", |d| d.f.state.scope.controls.base_window.is_none());
    desk.until_seen(&[(1, 1, GREEN)]);
}

#[test]
fn it_ends_when_told_and_leaves_no_socket() {
    let mut desk = Desk::new();
    let display = desk.display();
    let files = [format!("/tmp/.X11-unix/X{display}"), format!("/tmp/.X{display}-lock")];
    let before = files.each_ref().map(|path| made(path).expect("it is there"));
    desk.f.state.stop_xwayland();
    desk.until("its process is gone", |d| d.f.state.scope.xwayland.is_gone());
    assert_eq!(desk.f.state.scope.xwayland.display(), None);
    // Another session may have taken the display by now, but then not with the same files.
    for (path, before) in files.iter().zip(before) {
        assert_ne!(made(path), Some(before), "{path}");
    }
}

/// Which file it is, and when it was made.
fn made(path: &str) -> Option<(u64, SystemTime)> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.ino(), metadata.modified().ok()?))
}

/// Runs the binary with what is in `folder` as the only programs; gives its exit status and what it said.
fn run_with(folder: &std::path::Path) -> (Option<i32>, String) {
    let runtime = tempfile::tempdir().unwrap();
    let run = Command::new(env!("CARGO_BIN_EXE_goggles-scope"))
        .args([
            "--backend",
            "headless",
            "--",
            "/bin/sh",
            "-c",
            "echo the program has started >&2",
        ])
        .env("PATH", folder)
        .env("XDG_RUNTIME_DIR", runtime.path())
        .env("XDG_CONFIG_HOME", runtime.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    (run.status.code(), String::from_utf8_lossy(&run.stderr).into_owned())
}

#[test]
fn the_program_is_told_of_all_displays() {
    let script = r#"for d in $DISPLAY $STEAM_GAME_DISPLAY_0 $STEAM_GAME_DISPLAY_1; do test -S /tmp/.X11-unix/X${d#:} || exit 3; done
        echo "$DISPLAY $STEAM_GAME_DISPLAY_0 $STEAM_GAME_DISPLAY_1 ${STEAM_GAME_DISPLAY_2-none} $STEAM_MULTIPLE_XWAYLANDS""#;
    let folder = tempfile::tempdir().unwrap();
    let run = Command::new(env!("CARGO_BIN_EXE_goggles-scope"))
        .args([
            "--backend",
            "headless",
            "--xwayland-count",
            "3",
            "-e",
            "--",
            "sh",
            "-c",
            script,
        ])
        .env("XDG_RUNTIME_DIR", folder.path())
        .env("XDG_CONFIG_HOME", folder.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{said}{}", String::from_utf8_lossy(&run.stderr));
    let words: Vec<_> = said.split_whitespace().collect();
    assert_eq!(words[3..], ["none", "1"]);
    let mut displays = words[..3].to_vec();
    displays.sort_unstable();
    displays.dedup();
    assert_eq!(displays.len(), 3, "{said}");
}

#[test]
fn without_xwayland_the_program_is_not_started() {
    let nothing = tempfile::tempdir().unwrap();
    let (code, said) = run_with(nothing.path());
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("Xwayland: not found in PATH"), "{said}");
    assert!(!said.contains("the program has started"), "{said}");
}

#[test]
fn an_xwayland_that_fails_is_quoted() {
    let folder = tempfile::tempdir().unwrap();
    let fake = folder.path().join("Xwayland");
    // Written by another process: were the file open here, another test's child could hold it open at its start, and it
    // could not be executed ("text file busy").
    let write = r#"printf '#!/bin/sh\necho some library is missing >&2\nexit 1\n' > "$1" && chmod 755 "$1""#;
    let status = std::process::Command::new("sh")
        .args(["-c", write, "sh"])
        .arg(&fake)
        .status();
    assert!(status.unwrap().success());
    let (code, said) = run_with(folder.path());
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("it last said: some library is missing"), "{said}");
    assert!(!said.contains("the program has started"), "{said}");
}
