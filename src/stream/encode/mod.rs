//! What turns frames into packets, on a thread of its own. (Skeleton of the API that the compositor uses.)

use crate::config::Encoder as Choice;
use crate::link::{EncodeJob, EncoderToScope};
use crate::stream::transport::PacketSink;
use anyhow::Result;

/// How to encode.
#[derive(Clone, Debug)]
pub struct Config {
    /// Which encoder.
    pub choice: Choice,
    /// Slice threads.
    pub threads: usize,
}

/// The encode thread, owned; dropping it stops and joins the thread.
#[derive(Debug)]
pub struct Encoder {}

impl Encoder {
    /// Starts the thread. Events come through `events`, packets go to `packets`.
    pub fn spawn(
        _config: Config,
        _events: calloop::channel::Sender<EncoderToScope>,
        _packets: PacketSink,
    ) -> Result<Self> {
        anyhow::bail!("skeleton")
    }

    /// Hands a job over; never blocks. If a job was still waiting, the newer takes its place and the older is reported
    /// as `EncoderToScope::Replaced` (its wish for a key frame passes to the newer).
    pub fn submit(&self, _job: EncodeJob) {}
}
