//! Silence, times, another layout, and the sound server's death.

use crate::rig::{Decoder, Packet, Player, Rig, server};
use crate::tone::{LEVEL, find, frequency, wav};
use goggles_protocols::audio::{Layout, Place, RATE};
use goggles_scope::link::AudioFormat;
use goggles_scope::stream::audio::{Config, Message, Tuning};
use goggles_scope::time::Mono;
use rustix::process::{Pid, Signal, kill_process};
use std::time::Duration;

#[test]
fn silence_sends_nothing_and_the_first_sound_starts_it() {
    let mut rig = Rig::new(Config::default());
    let (file, quiet) = (rig.path("tone.wav"), rig.path("quiet.wav"));
    wav(&file, Layout::Stereo, RATE, 0.5);
    let mut playing = rig.play(Player::Native, &file);
    rig.packet();
    assert!(playing.0.wait().unwrap().success());
    // It ends with the hang-over, which is less than this.
    while rig.next_within(Duration::from_secs(2)).is_some() {}
    // A program that plays digital silence: nothing.
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[68..].fill(0);
    std::fs::write(&quiet, bytes).unwrap();
    assert!(rig.play(Player::Native, &quiet).0.wait().unwrap().success());
    assert!(rig.next_within(Duration::from_secs(2)).is_none(), "silence was sent");
    let _playing = rig.play(Player::Native, &file);
    let mut heard = vec![Vec::new(); 2];
    let mut decoder = Decoder::new(Layout::Stereo);
    for _ in 0..3 {
        decoder.decode(&rig.packet(), &mut heard);
    }
    assert!(
        heard[0].iter().any(|s| s.abs() > 0.1),
        "the first packets are of the tone, not of the silence before"
    );
}

#[test]
fn times_are_of_our_clock_and_follow_each_other() {
    let mut rig = Rig::new(Config::default());
    let file = rig.path("tone.wav");
    wav(&file, Layout::Stereo, RATE, 20.0);
    let before = Mono::now();
    let _playing = rig.play(Player::Native, &file);
    let mut last = rig.packet();
    assert!(last.at > before && last.at < Mono::now(), "{:?}", last.at);
    let first = last.at;
    let mut steps = Vec::new();
    for _ in 0..200 {
        let packet = rig.packet();
        steps.push(packet.at.0 - last.at.0);
        last = packet;
    }
    steps.sort();
    // A busy machine may delay a quantum, and the server then skips some; but most follow each other, and a step that
    // was not a packet's length (a quantum of 256 frames, say, is 5.3 ms) would be in all of them.
    assert!(steps[100].abs_diff(5_000_000) < 200_000, "{}", steps[100]);
    assert!(last.at.since(first) >= Duration::from_millis(990));
}

#[test]
fn packets_are_as_long_as_asked_for_and_so_are_quanta() {
    for micros in [2_500, 10_000] {
        let packet = Duration::from_micros(micros);
        let tuning = Tuning {
            packet,
            ..Tuning::default()
        };
        let config = Config {
            tuning,
            ..Config::default()
        };
        let mut rig = Rig::new(config);
        assert_eq!(rig.format.packet, packet);
        let file = rig.path("tone.wav");
        wav(&file, Layout::Stereo, RATE, 20.0);
        let _playing = rig.play(Player::Native, &file);
        let samples = |p: &Packet| opus::packet::get_nb_samples(&p.data, RATE).unwrap();
        let expected = RATE as usize * micros as usize / 1_000_000;
        // A busy machine makes holes; but some packets follow each other as they should.
        let (mut last, mut run) = (rig.packet(), 0);
        while run < 8 {
            assert_eq!(samples(&last), expected);
            let next = rig.packet();
            let off = (next.at.0 - last.at.0).abs_diff(micros * 1000);
            run = if off < 50_000 { run + 1 } else { 0 };
            last = next;
        }
        let dump = rig.command("pw-dump", &[]).output().unwrap().stdout;
        let quantum = format!("\"node.force-quantum\": {expected}");
        assert!(String::from_utf8_lossy(&dump).contains(&quantum), "no {quantum}");
        let is_clean = |piece: &[f32]| (find(piece, frequency(Place::FrontLeft)).level - LEVEL).abs() < 0.02;
        rig.decode_until(|all| all[0].chunks_exact(2_400).skip(2).any(is_clean));
    }
}

#[test]
fn another_layout_is_another_format_and_the_program_plays_on() {
    for player in [Player::Native, Player::Pulse] {
        let mut rig = Rig::new(Config::default());
        assert_eq!(rig.format.layout, Layout::Stereo);
        let file = rig.path("tone.wav");
        wav(&file, Layout::Surround51, RATE, 60.0);
        let mut playing = rig.play(player, &file);
        rig.packet_of(Layout::Stereo);
        rig.audio.send(Message::Loudspeakers(Layout::Surround51));
        rig.packet_of(Layout::Surround51);
        let all = rig.decode_until(|all| all.iter().all(|c| c.iter().any(|s| s.abs() > 0.1)));
        assert_eq!(all.len(), 6);
        assert!(playing.0.try_wait().unwrap().is_none(), "{player:?}");
    }
}

#[test]
fn another_game_is_in_front_and_has_its_own_sound() {
    let mut rig = Rig::new(Config::default());
    let file = rig.path("tone.wav");
    wav(&file, Layout::Surround51, RATE, 60.0);
    let mut playing = rig.play(Player::Native, &file);
    rig.packet_of(Layout::Stereo);
    let asked = |channels, kbps: Option<u32>, micros| Tuning {
        channels,
        bitrate: kbps.map(|kbps| kbps * 1000),
        packet: Duration::from_micros(micros),
    };
    let six = Some(Layout::Surround51);
    for (heard, tuning, layout) in [
        // Another bit rate alone is the same sink's.
        (None, asked(None, Some(96), 5_000), Layout::Stereo),
        (None, asked(six, Some(300), 2_500), Layout::Surround51),
        (Some(Layout::Surround71), asked(six, None, 10_000), Layout::Surround51),
        // What the player can hear counts again, and was not forgotten.
        (None, asked(None, Some(150), 5_000), Layout::Surround71),
    ] {
        if let Some(heard) = heard {
            rig.audio.send(Message::Loudspeakers(heard));
        }
        rig.audio.send(Message::Tuning(tuning));
        let is = |format: &AudioFormat| {
            let kbps = tuning.bitrate.map(u64::from);
            format.layout == layout && format.packet == tuning.packet && kbps.is_none_or(|bits| format.bitrate == bits)
        };
        while !is(&rig.format) {
            rig.packet();
        }
        let all = rig.decode_until(|all| all.iter().take(2).all(|c| c.iter().any(|s| s.abs() > 0.1)));
        assert_eq!(all.len(), usize::from(layout.channels()));
    }
    assert!(playing.0.try_wait().unwrap().is_none());
}

#[test]
fn a_killed_server_comes_back_and_so_does_the_sound() {
    let mut rig = Rig::new(Config::default());
    let file = rig.path("tone.wav");
    wav(&file, Layout::Stereo, RATE, 60.0);
    let environment = rig.audio.environment().to_vec();
    let _first = rig.play(Player::Native, &file);
    rig.packet();
    let old = server(&rig.audio);
    kill_process(Pid::from_raw(old as i32).unwrap(), Signal::KILL).unwrap();
    let killed = Mono::now();
    // The program tries again, as games do whose sound is lost.
    let script = format!(
        "until pw-cat --playback --latency 10ms {}; do sleep 0.1; done",
        file.display()
    );
    let _again = rig.start("sh", &["-c", &script]);
    loop {
        if rig.packet().at > killed + Duration::from_millis(200) {
            break;
        }
    }
    assert_ne!(server(&rig.audio), old);
    assert_eq!(rig.audio.environment(), environment, "where programs find it stays");
}

/// As a program may that can do as it likes on the session's server.
#[test]
fn a_sink_that_was_taken_away_comes_back() {
    let mut rig = Rig::new(Config::default());
    let file = rig.path("tone.wav");
    wav(&file, Layout::Stereo, RATE, 60.0);
    let script = format!(
        "until pw-cat --playback --latency 10ms {}; do sleep 0.1; done",
        file.display()
    );
    let _playing = rig.start("sh", &["-c", &script]);
    rig.packet();
    let listed = rig.command("pw-cli", &["ls", "Node"]).output().unwrap().stdout;
    let listed = String::from_utf8(listed).unwrap();
    let mut lines = listed.lines().map(str::trim);
    let mut id = "";
    // `id 33, type …`, and then what it is called.
    let found = lines.any(|line| {
        id = line
            .strip_prefix("id ")
            .and_then(|rest| rest.split(',').next())
            .unwrap_or(id);
        line == "node.name = \"goggles-scope\""
    });
    assert!(found, "{listed}");
    // It may complain that the server has gone, for that is started again.
    rig.command("pw-cli", &["destroy", id]).status().unwrap();
    let gone = Mono::now();
    while rig.packet().at < gone + Duration::from_millis(200) {}
}

#[test]
fn the_end_takes_the_server_and_its_folder_along() {
    let rig = Rig::new(Config::default());
    let process = server(&rig.audio);
    let Rig { audio, folder, .. } = rig;
    drop(audio);
    assert!(!std::path::Path::new(&format!("/proc/{process}")).exists());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
