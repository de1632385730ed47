//! What a viewer hears, and says.

use super::{Command, Viewer, lock};
use anyhow::{Context, Result, bail};
use goggles_protocols::audio::Microphone;
use goggles_scope::time::Mono;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

/// A packet of sound.
pub struct Heard {
    /// When its first decoded sample left the game, on the session's clock.
    pub pts_us: u64,
    /// Opus.
    pub data: bytes::Bytes,
    /// When its last byte had arrived.
    pub received: Mono,
}

impl Viewer {
    /// Subscribes to a track of sound, and to no other any more.
    pub fn listen(&self, track: &str) {
        self.listen.send_replace(Some(track.into()));
    }

    /// The packets of sound that have come.
    pub fn packets(&self) -> impl Iterator<Item = Heard> {
        self.heard.try_iter()
    }

    /// The next packet of sound; `None`: none came in that time.
    ///
    /// # Errors
    /// The stream has ended.
    pub fn hear(&self, patience: Duration) -> Result<Option<Heard>> {
        match self.heard.recv_timeout(patience) {
            Ok(heard) => Ok(Some(heard)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => bail!("the stream has ended: {:?}", lock(&self.notes).end),
        }
    }

    /// The name of the sound's track.
    pub fn audio_track(&self) -> Result<String> {
        let catalog = self.catalog()?;
        let renditions = catalog["audio"]["renditions"].as_object();
        let name = renditions.and_then(|renditions| renditions.keys().next());
        name.cloned().context("no sound in the catalog")
    }

    /// What sends a packet of the microphone; whether it may, the server says.
    pub fn mouth(&self) -> impl Fn(Microphone) + Send + 'static {
        let commands = self.commands.clone();
        move |packet| {
            // A network thread that has ended says so where its answer is waited for.
            let _ = commands.send(Command::Say(packet));
        }
    }
}
