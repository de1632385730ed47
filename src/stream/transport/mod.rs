//! What carries packets to viewers and their input back. (Skeleton of the API that the compositor uses.)

use crate::config::Stream;
use crate::link::{FromScope, Packet, SceneInfo, ToScope};
use anyhow::Result;

/// Where the encode thread puts packets; cheap to clone; never blocks.
#[derive(Clone, Debug)]
pub struct PacketSink {}

impl PacketSink {
    /// Hands a packet to the network. `Err`: the queue was full and the packet is lost.
    pub fn try_send(&self, packet: Packet) -> Result<(), Packet> {
        Err(packet)
    }
}

/// The network thread, owned; dropping it says goodbye to viewers, stops and joins the thread.
#[derive(Debug)]
pub struct Transport {}

impl Transport {
    /// Binds the ports (so that an error comes before the child starts) and starts the thread.
    pub fn spawn(_stream: &Stream, _scene: SceneInfo, _to_scope: calloop::channel::Sender<ToScope>) -> Result<Self> {
        anyhow::bail!("skeleton")
    }

    /// Where packets go.
    pub fn packets(&self) -> PacketSink {
        PacketSink {}
    }

    /// Sends a message; never blocks.
    pub fn send(&self, _message: FromScope) {}

    /// The addresses to open, each with a fresh one-time token in its fragment.
    pub fn urls(&self) -> Vec<String> {
        Vec::new()
    }
}
