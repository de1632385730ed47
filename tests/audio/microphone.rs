//! What viewers say is recorded by real programs, and nothing else is.

use crate::rig::{PATIENCE, Player, Playing, Rig};
use crate::speaker::{FREQUENCY, Speaker};
use crate::tone::{LEVEL, find, wav};
use goggles_protocols::audio::{Layout, RATE};
use goggles_scope::link::{NetworkToAudio, ViewerId};
use goggles_scope::stream::audio::Config;
use goggles_scope::time::Mono;
use std::io::Read;
use std::process::Stdio;

/// Samples that are looked at, one piece after the other: 100 ms.
const PIECE: usize = 4800;

fn config() -> Config {
    Config {
        microphone: true,
        ..Config::default()
    }
}

/// A program that records one channel, and what comes of it.
struct Recorder {
    program: Playing,
    output: std::process::ChildStdout,
}

impl Recorder {
    fn new(rig: &Rig, player: Player) -> Self {
        let mut command = match player {
            Player::Native => rig.command(
                "pw-cat",
                &[
                    "--record",
                    "--format=f32",
                    "--rate=48000",
                    "--channels=1",
                    "--latency=10ms",
                    "-",
                ],
            ),
            Player::Pulse => rig.command(
                "parec",
                &[
                    "--raw",
                    "--format=float32le",
                    "--rate=48000",
                    "--channels=1",
                    "--latency-msec=20",
                ],
            ),
        };
        let mut program = command.stdout(Stdio::piped()).spawn().unwrap();
        let output = program.stdout.take().unwrap();
        Self {
            program: Playing(program),
            output,
        }
    }

    fn read(&mut self, samples: usize) -> Vec<f32> {
        let mut bytes = vec![0; samples * 4];
        self.output.read_exact(&mut bytes).unwrap();
        floats(&bytes)
    }

    /// Ends the program; what it has recorded and nobody has read.
    fn rest(mut self) -> Vec<f32> {
        self.program.0.kill().unwrap();
        let mut bytes = Vec::new();
        self.output.read_to_end(&mut bytes).unwrap();
        floats(&bytes)
    }
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    let (samples, _) = bytes.as_chunks::<4>();
    samples.iter().map(|b| f32::from_le_bytes(*b)).collect()
}

#[test]
fn a_viewers_voice_is_recorded() {
    for player in [Player::Native, Player::Pulse] {
        let rig = Rig::new(config());
        let voices = rig.voices.clone();
        let _speaker = Speaker::new(move |packet| {
            let (viewer, at) = (ViewerId(1), Mono::now());
            voices.try_send(NetworkToAudio { viewer, at, packet });
        });
        let mut recorder = Recorder::new(&rig, player);
        let give_up = Mono::now() + PATIENCE;
        // A busy machine makes holes, which are not what is looked for here: some piece is without one.
        loop {
            let found = find(&recorder.read(PIECE), FREQUENCY);
            if found.snr > 40.0 && (found.level - LEVEL).abs() < 0.01 {
                break;
            }
            assert!(Mono::now() < give_up, "{player:?}: the tone is not clean: {found:?}");
        }
    }
}

#[test]
fn the_microphone_is_there_only_where_it_is_asked_for() {
    for microphone in [false, true] {
        let config = Config {
            microphone,
            ..Config::default()
        };
        let rig = Rig::new(config);
        let output = rig.command("pactl", &["list", "short", "sources"]).output().unwrap();
        let sources = String::from_utf8(output.stdout).unwrap();
        assert_eq!(sources.contains("goggles-scope-microphone"), microphone, "{sources}");
        let devices = sources.lines().filter(|line| !line.contains("goggles-scope"));
        assert_eq!(devices.count(), 0, "only what is ours: {sources}");
    }
}

/// Without a microphone, and with one that nobody speaks into.
#[test]
fn nothing_else_is_recorded() {
    for microphone in [false, true] {
        let config = Config {
            microphone,
            ..Config::default()
        };
        let mut rig = Rig::new(config);
        let file = rig.path("tone.wav");
        wav(&file, Layout::Stereo, RATE, 60.0);
        let recorders = [Player::Native, Player::Pulse].map(|player| Recorder::new(&rig, player));
        let _playing = rig.play(Player::Native, &file);
        // The game's own sound goes the other way, for longer than a recorder needs to start.
        rig.decode_until(|all| all[0].iter().filter(|s| s.abs() > 0.01).count() > 2 * RATE as usize);
        for recorder in recorders {
            let recorded = recorder.rest();
            assert!(recorded.iter().all(|s| *s == 0.0), "microphone: {microphone}");
            assert!(microphone || recorded.is_empty(), "{}", recorded.len());
        }
    }
}
