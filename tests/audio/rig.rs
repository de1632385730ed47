//! The audio thread with a private PipeWire, programs that play to it, and a decoder.

use goggles_protocols::audio::{Layout, RATE};
use goggles_scope::link::{AudioFormat, AudioToNetwork};
use goggles_scope::stream::audio::{Audio, Config, Outlet, PROGRAM, VoiceSender, voices};
use goggles_scope::time::Mono;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// Far more than anything here takes, even on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

struct ToTest(Sender<AudioToNetwork>);

impl Outlet for ToTest {
    fn try_send(&self, audio: AudioToNetwork) -> bool {
        self.0.send(audio).is_ok()
    }

    fn is_listened(&self) -> bool {
        true
    }
}

/// One Opus packet.
#[derive(Clone, Debug)]
pub struct Packet {
    pub at: Mono,
    pub data: bytes::Bytes,
}

pub struct Rig {
    pub audio: Audio,
    /// Where viewers' microphones come in.
    pub voices: VoiceSender,
    packets: Receiver<AudioToNetwork>,
    pub format: Arc<AudioFormat>,
    pub folder: tempfile::TempDir,
}

impl Rig {
    pub fn new(config: Config) -> Self {
        let installed =
            std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).any(|p| p.join(PROGRAM).exists());
        assert!(installed, "there is no program {PROGRAM} (tools/setup.sh run)");
        let filter = tracing_subscriber::EnvFilter::from_default_env();
        let _ = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_test_writer()
            .try_init();
        let folder = tempfile::tempdir().unwrap();
        let (to_test, packets) = channel();
        let (voices, receiver) = voices().unwrap();
        let outlet = Box::new(ToTest(to_test));
        let audio = Audio::spawn(config, outlet, Some(receiver), folder.path().into()).unwrap();
        let AudioToNetwork::Format(format) = packets.recv_timeout(PATIENCE).unwrap() else {
            panic!("a packet before the format")
        };
        Self {
            audio,
            voices,
            packets,
            format,
            folder,
        }
    }

    /// A file's path in a folder of the test's own.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts a program that plays here.
    pub fn start(&self, program: &str, args: &[&str]) -> Playing {
        let mut command = self.command(program, args);
        Playing(command.spawn().unwrap_or_else(|e| panic!("{program}: {e}")))
    }

    /// A program whose sound server is ours.
    pub fn command(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(args).stdin(Stdio::null());
        for (name, value) in self.audio.environment() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command
    }

    pub fn play(&self, how: Player, file: &Path) -> Playing {
        let file = file.to_str().unwrap();
        match how {
            Player::Native => self.start("pw-cat", &["--playback", "--latency", "10ms", file]),
            Player::Pulse => self.start("paplay", &[file]),
        }
    }

    /// The next packet; a change of the format is remembered.
    pub fn packet(&mut self) -> Packet {
        self.next_within(PATIENCE).expect("a packet comes")
    }

    /// The next packet, if one comes.
    pub fn next_within(&mut self, time: Duration) -> Option<Packet> {
        loop {
            match self.packets.recv_timeout(time) {
                Ok(AudioToNetwork::Format(format)) => self.format = format,
                Ok(AudioToNetwork::Packet { format, at, data }) => {
                    self.format = format;
                    return Some(Packet { at, data });
                }
                Err(RecvTimeoutError::Timeout) => return None,
                Err(RecvTimeoutError::Disconnected) => panic!("the audio thread has ended"),
            }
        }
    }

    /// Waits for a packet of this layout, and gives back that packet.
    pub fn packet_of(&mut self, layout: Layout) -> Packet {
        loop {
            let packet = self.packet();
            if self.format.layout == layout {
                return packet;
            }
        }
    }

    /// Decodes what comes until `enough` says so; samples of each channel, in Opus's order.
    pub fn decode_until(&mut self, enough: impl Fn(&[Vec<f32>]) -> bool) -> Vec<Vec<f32>> {
        let layout = self.format.layout;
        let mut decoder = Decoder::new(layout);
        let mut all = vec![Vec::new(); usize::from(layout.channels())];
        let give_up = Mono::now() + PATIENCE;
        while !enough(&all) {
            assert!(Mono::now() < give_up, "what was played doesn't come");
            let packet = self.packet();
            assert_eq!(self.format.layout, layout);
            decoder.decode(&packet, &mut all);
        }
        all
    }
}

pub struct Decoder {
    opus: opus::MSDecoder,
    channels: usize,
}

impl Decoder {
    pub fn new(layout: Layout) -> Self {
        let (streams, coupled) = layout.streams();
        Self {
            opus: opus::MSDecoder::new(RATE, streams, coupled, layout.mapping()).unwrap(),
            channels: usize::from(layout.channels()),
        }
    }

    pub fn decode(&mut self, packet: &Packet, all: &mut [Vec<f32>]) {
        let mut samples = vec![0.0; 480 * self.channels];
        let count = self.opus.decode_float(&packet.data, &mut samples, false).unwrap();
        for frame in samples[..count * self.channels].chunks(self.channels) {
            for (channel, sample) in all.iter_mut().zip(frame) {
                channel.push(*sample);
            }
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub enum Player {
    Native,
    Pulse,
}

/// A program, ended with its value.
pub struct Playing(pub Child);

impl Drop for Playing {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The private server's process.
pub fn server(audio: &Audio) -> u32 {
    let environment = audio.environment();
    let remote = environment.iter().find(|(name, _)| name == "PIPEWIRE_REMOTE").unwrap();
    let folder = Path::new(remote.1.as_ref().unwrap()).parent().unwrap().to_owned();
    let is = |pid: &u32| {
        std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| {
            line.starts_with(b"pipewire\0") && String::from_utf8_lossy(&line).contains(folder.to_str().unwrap())
        })
    };
    let processes = std::fs::read_dir("/proc").unwrap();
    let mut ids = processes.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    ids.find(is).expect("the server runs")
}
