//! The datagrams of the `/control` session, told apart by their first byte.

use crate::{Error, audio, clock, frame, input};

/// Client → server.
#[derive(Clone, Debug, PartialEq)]
pub enum ToServer {
    /// Kind 0x01.
    Input(Box<input::Batch>),
    /// Kind 0x02.
    Ping(clock::Ping),
    /// Kind 0x03.
    Report(frame::Report),
    /// Kind 0x04.
    Microphone(audio::Microphone),
}

impl ToServer {
    /// Reads one datagram.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        match *bytes.first().ok_or(Error::Truncated)? {
            input::Batch::KIND => input::Batch::decode(bytes).map(|b| Self::Input(Box::new(b))),
            clock::Ping::KIND => clock::Ping::decode(bytes).map(Self::Ping),
            frame::Report::KIND => frame::Report::decode(bytes).map(Self::Report),
            audio::Microphone::KIND => audio::Microphone::decode(bytes).map(Self::Microphone),
            kind => Err(Error::Kind(kind)),
        }
    }

    /// The datagram's bytes.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Input(batch) => batch.encode(),
            Self::Ping(ping) => ping.encode(),
            Self::Report(report) => report.encode(),
            Self::Microphone(microphone) => microphone.encode(),
        }
    }
}

/// Server → client.
#[derive(Clone, Debug, PartialEq)]
pub enum ToClient {
    /// Kind 0x81.
    Ack(input::Ack),
    /// Kind 0x82.
    Pong(clock::Pong),
    /// Kind 0x83.
    Times(frame::Times),
}

impl ToClient {
    /// Reads one datagram.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        match *bytes.first().ok_or(Error::Truncated)? {
            input::Ack::KIND => input::Ack::decode(bytes).map(Self::Ack),
            clock::Pong::KIND => clock::Pong::decode(bytes).map(Self::Pong),
            frame::Times::KIND => frame::Times::decode(bytes).map(Self::Times),
            kind => Err(Error::Kind(kind)),
        }
    }

    /// The datagram's bytes.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Ack(ack) => ack.encode(),
            Self::Pong(pong) => pong.encode(),
            Self::Times(times) => times.encode(),
        }
    }
}
