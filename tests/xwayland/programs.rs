//! Real programs that look at the X side and drive it: xprop and xdotool.

use crate::desk::{Desk, H, W};
use crate::x::{BLUE, GREEN, RED};
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{AtomEnum, ConnectionExt as _};

/// Runs a program with this desk as its display, while the desk lives; what it wrote.
fn run(desk: &mut Desk, program: &str, args: &[&str]) -> String {
    let mut child = Command::new(program)
        .args(args)
        .env("DISPLAY", format!(":{}", desk.display()))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("{program} (tools/setup.sh check): {e}"));
    let status = desk.wait(&format!("{program} {args:?} ends"), |_| {
        child.try_wait().expect("a child")
    });
    let mut said = String::new();
    child
        .stdout
        .take()
        .expect("a pipe")
        .read_to_string(&mut said)
        .expect("text");
    let mut wrong = String::new();
    child
        .stderr
        .take()
        .expect("a pipe")
        .read_to_string(&mut wrong)
        .expect("text");
    assert!(status.success(), "{program} {args:?}: {wrong}");
    said
}

#[test]
fn xprop_reads_and_sets_steams_properties() {
    let mut desk = Desk::unstarted();
    desk.f.state.scope.settings.steam = true;
    desk.start();
    let x = desk.x();
    let (first, second) = (x.window((0, 0, W, H), RED), x.window((0, 0, W, H), BLUE));
    x.map(first);
    desk.until_seen(&[(1, 1, RED)]);
    x.map(second);
    desk.until_seen(&[(1, 1, BLUE)]);
    let id = first.to_string();
    let set = ["-id", &id, "-f", "STEAM_GAME", "32c", "-set", "STEAM_GAME", "570"];
    run(&mut desk, "xprop", &set);
    // A game is before what is none.
    desk.until_seen(&[(1, 1, RED)]);
    desk.until("its app is told", |_| x.words(x.root, "GAMESCOPE_FOCUSED_APP") == [570]);
    let said = run(
        &mut desk,
        "xprop",
        &["-root", "GAMESCOPE_FOCUSED_APP", "GAMESCOPE_FOCUSABLE_APPS"],
    );
    let lines = "GAMESCOPE_FOCUSED_APP(CARDINAL) = 570\nGAMESCOPE_FOCUSABLE_APPS(CARDINAL) = 570\n";
    assert_eq!(said, lines);
}

#[test]
fn xdotool_finds_activates_and_minimises_windows() {
    let mut desk = Desk::new();
    let x = desk.x();
    let (first, second) = (x.window((0, 0, W, H), RED), x.window((0, 0, W, H), BLUE));
    x.map(first);
    desk.until_seen(&[(1, 1, RED)]);
    x.map(second);
    desk.until_seen(&[(1, 1, BLUE)]);
    desk.until_focused(&x, second);
    let active = run(&mut desk, "xdotool", &["getactivewindow"]);
    assert_eq!(active.trim(), second.to_string());
    run(&mut desk, "xdotool", &["windowactivate", "--sync", &first.to_string()]);
    desk.until_seen(&[(1, 1, RED)]);
    desk.until_focused(&x, first);
    run(&mut desk, "xdotool", &["windowminimize", &first.to_string()]);
    desk.until_seen(&[(1, 1, BLUE)]);
    desk.until_focused(&x, second);
    run(&mut desk, "xdotool", &["windowsize", &second.to_string(), "320", "240"]);
    desk.until("it has that size", |_| x.place(second).2 == 320);
}

#[test]
fn windows_are_placed_and_closed_as_ewmh_says() {
    let mut desk = Desk::new();
    let mut x = desk.x();
    let window = x.window((0, 0, 320, 240), RED);
    let (protocols, delete) = (x.atom("WM_PROTOCOLS"), x.atom("WM_DELETE_WINDOW"));
    x.set_words(window, "WM_PROTOCOLS", AtomEnum::ATOM, &[delete]);
    x.map(window);
    desk.until_seen(&[(1, 1, RED)]);
    // Width and y, but neither x nor height.
    x.ask(
        window,
        "_NET_MOVERESIZE_WINDOW",
        [(1 << 9) | (1 << 10), 77, 30, 400, 99],
    );
    desk.until("it is placed", |_| x.place(window) == (0, 30, 400, 240));
    x.ask(window, "_NET_CLOSE_WINDOW", [0; 5]);
    desk.event(&mut x, "it is asked to close", |e| match e {
        Event::ClientMessage(m) => (m.type_ == protocols && m.data.as_data32()[0] == delete).then_some(()),
        _ => None,
    });
}

#[test]
fn every_main_window_can_be_made_to_fill_the_output() {
    let mut desk = Desk::unstarted();
    desk.f.state.scope.settings.force_fullscreen = true;
    desk.start();
    let x = desk.x();
    let window = x.window((0, 0, 320, 240), RED);
    x.map(window);
    desk.until("it fills the output", |_| x.place(window) == (0, 0, W, H));
    let dialog = x.window((0, 0, 100, 80), BLUE);
    x.belongs_to(dialog, window);
    x.map(dialog);
    desk.until_focused(&x, dialog);
    let (_, _, w, h) = x.place(dialog);
    assert_eq!((w, h), (100, 80), "a dialog does not");
    let property = "GAMESCOPE_FORCE_WINDOWS_FULLSCREEN";
    x.set_words(x.root, property, AtomEnum::CARDINAL, &[0]);
    desk.until("it has its own size again", |_| x.place(window).2 == 320);
    x.set_words(x.root, property, AtomEnum::CARDINAL, &[1]);
    desk.until("it fills the output again", |_| x.place(window) == (0, 0, W, H));
}

#[test]
fn what_a_window_asked_for_itself_outlives_that_all_must_fill_the_output() {
    let mut desk = Desk::new();
    let x = desk.x();
    let (game, other) = (x.window((0, 0, 320, 240), RED), x.window((0, 0, 200, 100), BLUE));
    x.map(game);
    desk.until_seen(&[(1, 1, RED)]);
    x.map(other);
    desk.until_seen(&[(320, 240, BLUE)]);
    let full = |wants, window| x.ask_state(window, wants, ["_NET_WM_STATE_FULLSCREEN", ""]);
    let force = |on| x.set_words(x.root, "GAMESCOPE_FORCE_WINDOWS_FULLSCREEN", AtomEnum::CARDINAL, &[on]);
    full(1, game);
    desk.until("it fills the output", |_| x.place(game) == (0, 0, W, H));
    force(1);
    desk.until("so does the other", |_| x.place(other) == (0, 0, W, H));
    // The windows are told in the order of their making: were the game's to change, it would have by now.
    force(0);
    desk.until("that has its own size again", |_| x.place(other).2 == 200);
    assert_eq!(x.place(game), (0, 0, W, H));
    // While all must, nobody is let out; whoever asked to be has its size afterwards, and whoever asked for it keeps it.
    force(1);
    desk.until("it must", |_| x.place(other) == (0, 0, W, H));
    full(0, game);
    full(1, other);
    // What is asked of the window manager is seen to in its order; properties are not among it.
    let last = x.window((0, 0, 100, 80), GREEN);
    x.map(last);
    desk.until("both were heard", |_| x.place(last) == (0, 0, W, H));
    force(0);
    desk.until("the one has its size", |_| x.place(game).2 == 320);
    assert_eq!(x.place(other), (0, 0, W, H));
}

#[test]
fn a_game_that_steam_has_not_marked_is_known_by_its_process() {
    let mut desk = Desk::unstarted();
    desk.f.state.scope.settings.steam = true;
    desk.start();
    let x = desk.x();
    let steam = x.window((0, 0, W, H), BLUE);
    x.set_words(steam, "STEAM_GAME", AtomEnum::CARDINAL, &[769]);
    x.map(steam);
    desk.until_seen(&[(1, 1, BLUE)]);
    x.set_words(x.root, "GAMESCOPECTRL_BASELAYER_APPID", AtomEnum::CARDINAL, &[570, 769]);
    // A shell by the name of Steam's own launcher; the game is below it, and says nothing of itself.
    let folder = tempfile::tempdir().expect("a folder");
    let reaper = folder.path().join("reaper");
    std::os::unix::fs::symlink("/bin/sh", &reaper).expect("a link");
    let script = "xev -geometry 200x100 >/dev/null & echo $!; wait";
    let mut launched = Command::new(reaper)
        .args(["-c", script, "SteamLaunch", "AppId=570", "--", "xev"])
        .env("DISPLAY", format!(":{}", desk.display()))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a shell");
    desk.until("its app has the input", |_| {
        x.words(x.root, "GAMESCOPE_FOCUSED_APP") == [570]
    });
    let mut game = String::new();
    let mut said = BufReader::new(launched.stdout.take().expect("a pipe"));
    said.read_line(&mut game).expect("its number");
    let game: u32 = game.trim().parse().expect("a number");
    let windows = x.words(x.root, "GAMESCOPE_FOCUSABLE_WINDOWS");
    assert_eq!(
        (windows.len(), &windows[..2], &windows[4..]),
        (6, &[steam, 769][..], &[570, game][..])
    );
    assert!(x.words(windows[3], "_NET_WM_PID").is_empty(), "it did not say it");
    // What Steam says counts more.
    x.set_words(windows[3], "STEAM_GAME", AtomEnum::CARDINAL, &[400]);
    desk.until("Steam is shown", |_| x.words(x.root, "GAMESCOPE_FOCUSED_APP") == [769]);
    x.conn.kill_client(windows[3]).expect("a request");
    x.flush();
    desk.wait("it ends", |_| launched.try_wait().expect("a child"));
}
