//! The way of viewers' microphones from the network thread to the audio thread: a bounded queue that wakes the latter.

use super::wake::Wake;
use crate::link::NetworkToAudio;
use tokio::sync::mpsc;

/// Packets that may wait: 80 ms of four viewers' packets of 5 ms.
const QUEUE: usize = 64;

/// For the network thread; cheap to clone.
#[derive(Clone, Debug)]
pub struct Sender {
    packets: mpsc::Sender<NetworkToAudio>,
    wake: Wake,
}

/// For the audio thread.
#[derive(Debug)]
pub struct Receiver {
    packets: mpsc::Receiver<NetworkToAudio>,
    wake: Wake,
}

/// Both ends of a new queue.
///
/// # Errors
/// There are no descriptors left.
pub fn voices() -> std::io::Result<(Sender, Receiver)> {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let wake = Wake::new()?;
    let ends = (wake.clone(), wake);
    Ok((
        Sender {
            packets: sender,
            wake: ends.0,
        },
        Receiver {
            packets: receiver,
            wake: ends.1,
        },
    ))
}

impl Sender {
    /// Hands a packet on; never blocks. `false`: the queue was full, or there is no sound, and it is lost.
    pub fn try_send(&self, packet: NetworkToAudio) -> bool {
        let sent = self.packets.try_send(packet).is_ok();
        self.wake.wake();
        sent
    }

    /// Whether there is no sound (any more).
    pub fn is_closed(&self) -> bool {
        self.packets.is_closed()
    }
}

impl Receiver {
    /// The next packet that waits.
    pub fn try_recv(&mut self) -> Option<NetworkToAudio> {
        self.packets.try_recv().ok()
    }

    /// What is woken by packets.
    pub(super) fn wake(&self) -> &Wake {
        &self.wake
    }
}
