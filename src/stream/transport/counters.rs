//! What was dropped, refused or malformed, for the statistics at exit.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident: $text:literal,)*) => {
        /// Counts; shared by the network thread's tasks.
        #[derive(Debug, Default)]
        pub struct Counters {
            $($(#[$doc])* pub $name: Counter,)*
        }

        impl Counters {
            /// Name and value of each.
            pub fn list(&self) -> Vec<(&'static str, u64)> {
                vec![$(($text, self.$name.0.load(Ordering::Relaxed)),)*]
            }
        }
    };
}

/// One count.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn add(&self) {
        self.add_all(1);
    }

    /// So many more.
    pub fn add_all(&self, count: u32) {
        self.0.fetch_add(count.into(), Ordering::Relaxed);
    }
}

counters! {
    /// MoQ sessions and control sessions that were let in.
    sessions: "sessions",
    /// Connections without valid credentials, from a foreign page, or to a path that is none.
    refused: "sessions refused",
    /// Datagrams that are no message.
    malformed: "malformed datagrams",
    /// Control streams that broke the protocol.
    broken: "broken control streams",
    /// Input from viewers that don't hold the role.
    foreign_input: "input of non-holders",
    /// Datagrams beyond the rate.
    too_fast: "datagrams over the rate",
    /// Packets published.
    packets: "packets",
    /// Packets of sound published.
    sound_packets: "sound packets",
    /// Packets of sound that found the queue full.
    sound_lost: "sound packets lost before the network",
    /// Packets that viewers' players made up.
    sound_concealed: "sound packets concealed by viewers",
    /// Packets that were not there at their time, made up for or not.
    sound_missing: "sound packets missing at viewers'",
    /// Times that the sound was over 2 ms away from where it should be for 200 ms, at a viewer's.
    sound_drifted: "times that the sound drifted at a viewer's",
    /// Times that a viewer's sound jumped to where it should be.
    sound_jumped: "jumps of the sound at viewers'",
    /// Microphone packets, and attempts to turn one on, from viewers that may not or have not.
    foreign_microphone: "microphones refused",
    /// Microphone packets that found the queue full.
    microphone_lost: "microphone packets lost before the sound",
    /// Times that a lagging viewer was cut off until the next key frame.
    shed: "viewers shed",
    /// Key frames asked for.
    key_frames: "key frames asked for",
    /// Web requests that were no request.
    bad_requests: "bad web requests",
}
