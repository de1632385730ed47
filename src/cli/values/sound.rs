//! The values of the sound's options.

use clap::ValueEnum;
use std::str::FromStr;
use std::time::Duration;

/// `--audio`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Audio {
    /// To a sound server of the session's own
    Private,
    /// To one more sink on the user's PipeWire
    Host,
    /// Not to the stream: programs play and record as they would without it
    None,
}

/// `--audio-channels`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AudioChannels {
    /// As many as the player can hear
    Auto,
    /// Stereo
    #[value(name = "2")]
    Two,
    /// 5.1
    #[value(name = "6")]
    Six,
    /// 7.1
    #[value(name = "8")]
    Eight,
}

impl FromStr for AudioChannels {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        ValueEnum::from_str(text, false).map_err(|_| format!("auto, 2, 6 or 8 channels are wanted, not {text}"))
    }
}

/// How long a packet of sound is: one of those that Opus has no longer than needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AudioPacket(pub Duration);

impl FromStr for AudioPacket {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let us = match text.trim() {
            "2.5" => 2500,
            "5" => 5000,
            "10" => 10_000,
            _ => return Err("2.5, 5 or 10 milliseconds are wanted".into()),
        };
        Ok(Self(Duration::from_micros(us)))
    }
}
