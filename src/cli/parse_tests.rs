//! What arguments become, without starting anything.

use super::{Action, parse};
use crate::config::{Edid, Encoder, Filter, Scaler, Settings};
use crate::link::{Rate, Refresh, Size};
use crate::stream::audio;
use goggles_protocols::audio::Layout;
use std::ffi::OsString;

fn action(args: &[&str]) -> Result<Action, String> {
    let args = ["goggles-scope"].iter().chain(args).map(OsString::from);
    parse(args, &|_| None).map_err(|refusal| refusal.message)
}

fn settings(args: &[&str]) -> Settings {
    match action(args) {
        Ok(Action::Run(settings)) => *settings,
        other => panic!("{args:?}: {other:?}"),
    }
}

#[test]
fn every_option_arrives() {
    let s = settings(&[
        "-W",
        "1920",
        "-H1080",
        "-w",
        "1280",
        "-h",
        "720",
        "-r",
        "59.94",
        "-S",
        "fill",
        "-F",
        "nearest",
        "-m",
        "1.5",
        "-s",
        "2.5",
        "-C",
        "500",
        "-R",
        "/r",
        "-T",
        "/t",
        "-e",
        "--rt",
        "--keep-alive",
        "--expose-wayland",
        "--xwayland-count",
        "0",
        "--framerate-limit",
        "30",
        "--cursor",
        "/c.png",
        "--cursor-hotspot",
        "3,4",
        "--cursor-scale-height",
        "600",
        "--gamemode=false",
        "--adaptive-sync=false",
        "--hdr-enabled",
        "--force-grab-cursor",
        "-g",
        "--hotkeys",
        "none",
        "-o",
        "5",
        "--force-windows-fullscreen",
        "--debug-focus",
        "--sharpness",
        "7",
        "--edid-name",
        "Den TV",
        "--edid-vendor",
        "ABC",
        "--backend",
        "headless",
        "--stream",
        "127.0.0.1:1",
        "--stream",
        "[::1]:2",
        "--stream-name",
        "den",
        "--encoder",
        "openh264",
        "--bitrate",
        "8000",
        "--audio",
        "host",
        "--audio-bitrate",
        "256",
        "--audio-packet",
        "2.5",
        "--audio-channels",
        "6",
        "--keyboard-layout",
        "de",
        "--keyboard-options",
        "caps:escape",
        "--keyboard-variant",
        "nodeadkeys",
        "--keyboard-model",
        "pc105",
        "--repeat-rate",
        "0",
        "--repeat-delay",
        "300",
        "-cx",
        "--immediate-flips",
        "--",
        "game",
        "-W",
        "--help",
    ]);
    assert_eq!(
        (s.output, s.nested),
        (Size { w: 1920, h: 1080 }, Some(Size { w: 1280, h: 720 }))
    );
    assert_eq!((s.refresh, s.limit), (Refresh(59_940), Some(Refresh(30_000))));
    assert_eq!(
        (s.scaler, s.filter, s.mouse_sensitivity, s.max_scale),
        (Scaler::Fill, Filter::Nearest, 2.5, 1.5)
    );
    assert_eq!(s.cursor_factor(), f64::from(s.output.h) / 600.0);
    assert_eq!(s.hide_cursor.unwrap().as_millis(), 500);
    assert!(s.hdr && s.steam && s.rt && s.keep_alive && s.expose_wayland && s.xwayland_count == 0);
    assert_eq!(
        (s.ready.unwrap().to_str(), s.stats.unwrap().to_str()),
        (Some("/r"), Some("/t"))
    );
    assert_eq!((s.cursor_hotspot, s.force_grab_cursor), ((3, 4), true));
    assert!(!s.gamemode && !s.adaptive_sync);
    assert_eq!((s.grab, s.force_fullscreen, s.debug_focus), (true, true, true));
    assert_eq!(
        (s.hotkeys, s.unfocused_refresh),
        ("none".parse().unwrap(), Refresh(5_000))
    );
    assert_eq!(s.sharpness, 7);
    assert_eq!(s.cursor.unwrap().to_str(), Some("/c.png"));
    let (name, vendor) = ("Den TV".parse().unwrap(), "ABC".parse().unwrap());
    assert_eq!(s.edid, Edid::Made { name, vendor });
    assert_eq!(
        (
            s.keyboard.layout.as_str(),
            s.keyboard.variant.as_str(),
            s.keyboard.model.as_str(),
            s.keyboard.options.as_deref(),
        ),
        ("de", "nodeadkeys", "pc105", Some("caps:escape"))
    );
    assert_eq!((s.keyboard.repeat_rate, s.keyboard.repeat_delay), (0, 300));
    assert_eq!((s.force_composition, s.xres, s.tearing), (true, false, true));
    assert!(s.color_management && s.taken.is_empty());
    let stream = s.stream.unwrap();
    assert_eq!(
        (stream.listen.len(), stream.name.as_str(), stream.encoder),
        (2, "den", Encoder::OpenH264)
    );
    assert_eq!(stream.rate, Rate::Constant { kbps: 8000 });
    let audio = s.audio.unwrap();
    assert_eq!(
        (
            audio.mode,
            audio.tuning.channels,
            audio.tuning.bitrate,
            audio.tuning.packet
        ),
        (
            audio::Mode::Host,
            Some(Layout::Surround51),
            Some(256_000),
            std::time::Duration::from_micros(2500)
        )
    );
    assert_eq!(s.command, ["game", "-W", "--help"]);
}

#[test]
fn the_last_one_wins_as_in_gamescope() {
    assert_eq!(
        settings(&["-r", "30", "-r", "144", "--", "x"]).refresh,
        Refresh(144_000)
    );
    assert!(!settings(&["-e", "--steam=false", "--", "x"]).steam);
    let streams = settings(&["--stream", "127.0.0.1:1", "--stream", "127.0.0.1:2"])
        .stream
        .unwrap();
    assert_eq!(streams.listen.len(), 2);
}

#[test]
fn a_hotspot_is_of_an_image() {
    let alone = action(&["--cursor-hotspot", "1,1", "--", "x"]);
    assert!(alone.unwrap_err().contains("say --cursor FILE"));
    for text in ["1", "1,", "-1,2", "a,b", "1,2,3"] {
        let hotspot = format!("--cursor-hotspot={text}");
        assert!(action(&["--cursor", "/c", &hotspot, "--", "x"]).is_err(), "{text}");
    }
}

#[test]
fn an_edid_of_a_file_has_its_own_name() {
    let file = settings(&["--edid", "/e", "--", "x"]);
    assert_eq!(file.edid, Edid::File("/e".into()));
    let both = action(&["--edid", "/e", "--edid-name", "TV", "--", "x"]);
    assert!(both.unwrap_err().contains("leave out --edid-name"));
    assert!(action(&["--edid-vendor", "abcd", "--", "x"]).is_err());
    assert!(action(&["--edid-name", "more than 13 letters", "--", "x"]).is_err());
}

#[test]
fn what_gamescopes_sessions_say_is_taken() {
    let s = settings(&[
        "-bf",
        "-O",
        "*,eDP-1",
        "--generate-drm-mode",
        "fixed",
        "--default-touch-mode",
        "4",
        "--fade-out-duration",
        "200",
        "--",
        "x",
    ]);
    let begins = |name: &str| {
        s.taken
            .iter()
            .any(|line| line.starts_with(&format!("{name} is gamescope's, and ")))
    };
    for name in [
        "--fullscreen (-f)",
        "--borderless (-b)",
        "--prefer-output (-O)",
        "--generate-drm-mode",
        "--default-touch-mode",
        "--fade-out-duration",
    ] {
        assert!(begins(name), "{name} in {:?}", s.taken);
    }
    assert_eq!((s.taken.len(), s.command), (6, vec!["x".into()]));
}

#[test]
fn hdr_needs_that_programs_can_say_so() {
    assert!(!settings(&["--disable-color-management", "--", "x"]).color_management);
    let both = action(&["--disable-color-management", "--hdr-enabled", "--", "x"]);
    assert!(both.unwrap_err().contains("leave out --disable-color-management"));
}

#[test]
fn letters_may_stand_together() {
    let s = settings(&["-er60", "--", "x"]);
    assert!(s.steam && s.refresh == Refresh(60_000));
}

#[test]
fn doctor_is_a_word_only_before_the_dashes() {
    assert!(matches!(action(&["doctor"]), Ok(Action::Doctor { json: false, .. })));
    assert!(matches!(
        action(&["--stream", "127.0.0.1:1", "doctor", "--json"]),
        Ok(Action::Doctor { json: true, .. })
    ));
    assert_eq!(settings(&["--", "doctor"]).command, ["doctor"]);
    assert_eq!(
        settings(&["--", "completions", "bash"]).command,
        ["completions", "bash"]
    );
    assert!(action(&["doctor", "--", "x"]).is_err());
}

#[test]
fn flags_win_over_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("c.toml");
    std::fs::write(
        &file,
        "output-height = 600\nsteam = true\nbitrate = 900\nstream = '127.0.0.1:9'\nrt = true",
    )
    .unwrap();
    let file = file.to_str().unwrap();
    let s = settings(&[
        "--config",
        file,
        "-H",
        "1080",
        "--steam=false",
        "--stream",
        "127.0.0.1:1",
    ]);
    assert_eq!((s.output.h, s.steam, s.rt), (1080, false, true));
    let stream = s.stream.unwrap();
    assert_eq!(stream.listen, ["127.0.0.1:1".parse().unwrap()]);
    assert_eq!(stream.rate, Rate::Constant { kbps: 900 });
}

#[test]
fn no_command_is_allowed() {
    assert!(settings(&[]).command.is_empty());
}

#[test]
fn the_parser_is_consistent() {
    super::command().debug_assert();
}

#[test]
fn flags_win_over_the_profile_and_that_over_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    let text = "audio-bitrate = 96\naudio-channels = 2\nbitrate = 1000\nmouse-sensitivity = 3\n\
                [profile.game]\nmatch = { program = 'game' }\naudio-channels = 6\naudio-bitrate = 256\nbitrate = 2000\n";
    std::fs::write(&file, text).unwrap();
    let of = |program: &str| {
        let stream = ["--stream", "127.0.0.1:0", "--bitrate", "3000"];
        let config = ["--config", file.to_str().unwrap(), "--", program];
        settings(&[&stream[..], &config[..]].concat())
    };
    let (game, other) = (of("/usr/games/game"), of("other"));
    assert_eq!(
        (game.profile.as_deref(), other.profile.as_deref()),
        (Some("game"), None)
    );
    let (sound, others) = (game.audio.unwrap().tuning, other.audio.unwrap().tuning);
    assert_eq!(
        (sound.channels, sound.bitrate),
        (Some(Layout::Surround51), Some(256_000))
    );
    assert_eq!((others.channels, others.bitrate), (Some(Layout::Stereo), Some(96_000)));
    assert_eq!(game.stream.unwrap().rate, Rate::Constant { kbps: 3000 });
    assert_eq!(
        (game.mouse_sensitivity, sound.packet),
        (3.0, audio::Tuning::default().packet)
    );
}

#[test]
fn profiles_are_for_windows_too_and_flags_win_over_them() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    let text = "audio-channels = 2\nbitrate = 1000\n\
                [profile.one]\nmatch = { program = 'game' }\naudio-channels = 8\naudio-packet = 2.5\nbitrate = 2000\n\
                [profile.two]\nmatch = { app = 480, program = ['game', 'org.example.Game'] }\naudio-bitrate = 300\n";
    std::fs::write(&file, text).unwrap();
    let flags = ["--stream", "127.0.0.1:0", "--audio-packet", "10"];
    let config = ["--config", file.to_str().unwrap(), "--", "/usr/games/game"];
    let settings = settings(&[&flags[..], &config[..]].concat());
    let start = settings.tuning();
    assert_eq!(start.rate, Some(Rate::Constant { kbps: 2000 }));
    let of = |app: u64, names: &[&str]| {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        settings.profiles.of(&crate::config::Shown { app, names })
    };
    let name = |app, names: &[&str]| of(app, names).map(|tuned| tuned.profile.name.clone());
    assert_eq!(name(0, &["game"]).unwrap(), "one", "the first");
    for (app, names) in [(480, &[][..]), (0, &["steam_app_480"]), (7, &["x", "org.example.Game"])] {
        assert_eq!(name(app, names).unwrap(), "two", "{app} {names:?}");
    }
    for (app, names) in [(0, &["steam_app_48", "Game", ""][..]), (48, &["480"])] {
        assert_eq!(name(app, names), None, "{app} {names:?}");
    }
    assert_eq!(of(0, &["game"]).unwrap().tuning, start);
    let two = of(480, &[]).unwrap().tuning;
    let packet = std::time::Duration::from_millis(10);
    let sound = audio::Tuning {
        channels: Some(Layout::Stereo),
        bitrate: Some(300_000),
        packet,
    };
    assert_eq!(
        (two.sound, two.rate),
        (Some(sound), Some(Rate::Constant { kbps: 1000 }))
    );
}
