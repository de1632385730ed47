//! One control session's task: its datagrams, answered or handed on at once, and its one stream.

use super::hub::{Admitted, Controller, Event, Shared};
use crate::link::{NetworkToAudio, ToScope, ViewerId};
use crate::stream::session::{Bucket, Level, PlayerId};
use crate::time::Mono;
use anyhow::{Context, Result, bail};
use goggles_protocols::clock::Pong;
use goggles_protocols::control::{Decoder, Message, ToClient, ToServer};
use goggles_protocols::datagram;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Datagrams of one client. A mouse of 1000 Hz makes 1000 a second.
const RATE: Bucket = Bucket {
    burst: 400,
    every: Duration::from_micros(500),
};
/// What is read of one client's stream, in units of [`UNIT`] bytes, where each message costs one more: 128 KiB at once, and
/// 16 KiB, or 250 messages, a second.
const SPEECH: Bucket = Bucket {
    burst: 2048,
    every: Duration::from_millis(4),
};
const UNIT: usize = 64;
/// From the session's start to Hello.
const PATIENCE: Duration = Duration::from_secs(5);
/// For the peer to take the goodbye and to leave by itself. Data that it has acknowledged but not looked at is lost when
/// we close first.
const GOODBYE: Duration = Duration::from_secs(2);
/// Messages that may wait for a client that doesn't read.
const OUTBOX: usize = 32;

/// Runs until either side ends it.
pub async fn run(
    connection: wtransport::Connection,
    admitted: Admitted,
    player: PlayerId,
    shared: &Arc<Shared>,
    events: mpsc::Sender<Event>,
) -> Result<()> {
    let (viewer, rights) = (admitted.viewer, admitted.rights);
    let (outbox, outgoing) = mpsc::channel(OUTBOX);
    let speaks = Arc::<AtomicBool>::default();
    let controller = Controller {
        player,
        rights,
        speaks: speaks.clone(),
        connection: connection.clone(),
        outbox,
        greeted: false,
        behind: Default::default(),
        loudspeakers: None,
        playback: Default::default(),
    };
    events
        .send(Event::Control(viewer, Box::new(controller)))
        .await
        .ok()
        .context("shutting down")?;
    // From here on the hub must be told of the end, however it comes.
    let result = tokio::select! {
        result = datagrams(&connection, viewer, &speaks, shared) => result,
        result = stream(&connection, viewer, shared, &events, outgoing) => result,
    };
    connection.close(0u32.into(), b"");
    events.send(Event::Gone(viewer)).await.ok().context("shutting down")?;
    result
}

async fn datagrams(
    connection: &wtransport::Connection,
    viewer: ViewerId,
    speaks: &AtomicBool,
    shared: &Shared,
) -> Result<()> {
    let mut level = Level::default();
    loop {
        let received = connection.receive_datagram().await?;
        let now = Mono::now();
        if !level.take(RATE, now) {
            shared.counters.too_fast.add();
            continue;
        }
        match datagram::ToServer::decode(&received) {
            Ok(datagram::ToServer::Ping(ping)) => {
                let (t0, t1) = (ping.t0, now.micros());
                let pong = datagram::ToClient::Pong(Pong {
                    t0,
                    t1,
                    t2: Mono::now().micros(),
                });
                // A datagram that can't be sent is lost, as the network may lose it.
                let _ = connection.send_datagram(pong.encode());
            }
            Ok(datagram::ToServer::Input(batch)) => {
                if shared.holder.load(Ordering::Relaxed) == viewer.0 {
                    shared.tell(ToScope::Input { viewer, batch, at: now });
                } else {
                    shared.counters.foreign_input.add();
                }
            }
            Ok(datagram::ToServer::Report(report)) => {
                // Without an offset there is nothing to be learnt from it yet.
                if let Some(report) = report.in_server_clock() {
                    shared.tell(ToScope::Report { viewer, report });
                }
            }
            Ok(datagram::ToServer::Microphone(packet)) => match &shared.voices {
                Some(voices) if speaks.load(Ordering::Relaxed) => {
                    if !voices.try_send(NetworkToAudio {
                        viewer,
                        at: now,
                        packet,
                    }) {
                        shared.counters.microphone_lost.add();
                    }
                }
                _ => shared.counters.foreign_microphone.add(),
            },
            Err(_) => shared.counters.malformed.add(),
        }
    }
}

async fn stream(
    connection: &wtransport::Connection,
    viewer: ViewerId,
    shared: &Shared,
    events: &mpsc::Sender<Event>,
    mut outgoing: mpsc::Receiver<ToClient>,
) -> Result<()> {
    let (mut send, mut recv) = timeout(PATIENCE, connection.accept_bi())
        .await
        .context("no control stream")??;
    let mut decoder = Decoder::<ToServer>::new();
    let mut buffer = vec![0; 4096];
    let mut greeted = false;
    let mut speech = Speech::default();
    let deadline = tokio::time::sleep(PATIENCE);
    tokio::pin!(deadline);
    loop {
        let wait = speech.wait(Mono::now());
        tokio::select! {
            message = outgoing.recv() => match message {
                Some(message) => send.write_all(&message.encode()).await?,
                // The hub has said its last.
                None => {
                    let _ = timeout(GOODBYE, async {
                        send.finish().await?;
                        while recv.read(&mut buffer).await?.is_some() {}
                        anyhow::Ok(())
                    })
                    .await;
                    return Ok(());
                }
            },
            () = tokio::time::sleep(wait), if !wait.is_zero() => {}
            read = recv.read(&mut buffer), if wait.is_zero() => {
                let Some(len) = read? else { return Ok(()) };
                let messages = push(&mut decoder, &buffer[..len]).inspect_err(|_| shared.counters.broken.add())?;
                speech.heard(len, messages.len(), Mono::now());
                for message in messages {
                    greeted = true;
                    events.send(Event::Message(viewer, message)).await.ok().context("shutting down")?;
                }
            }
            () = &mut deadline, if !greeted => bail!("no Hello came"),
        }
    }
}

/// How much one client has said: what is more than [`SPEECH`] waits at the client's, so that neither the compositor's queue nor
/// the hub's work is of the client's choosing.
#[derive(Default)]
struct Speech {
    level: Level,
}

impl Speech {
    /// So much was read just now.
    fn heard(&mut self, bytes: usize, messages: usize, now: Mono) {
        self.level.spend(SPEECH, (bytes.div_ceil(UNIT) + messages) as u32, now);
    }

    /// How long to read nothing; zero: go on.
    fn wait(&self, now: Mono) -> Duration {
        self.level.next(SPEECH).since(now)
    }
}

fn push(decoder: &mut Decoder<ToServer>, bytes: &[u8]) -> Result<Vec<ToServer>, goggles_protocols::Error> {
    decoder.push(bytes)?;
    std::iter::from_fn(|| decoder.pop().transpose()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A long paste is read at once; who never stops is read at the rate.
    #[test]
    fn a_stream_is_read_no_faster_than_people_write() {
        let read_for = |time: Duration, messages: usize| {
            let (mut speech, start) = (Speech::default(), Mono(1_000_000_000));
            let (mut now, mut bytes) = (start, 0);
            loop {
                now = now + speech.wait(now);
                if now.since(start) > time {
                    return bytes;
                }
                speech.heard(4096, messages, now);
                bytes += 4096;
            }
        };
        assert!(read_for(Duration::ZERO, 1) > 100_000);
        let minute = Duration::from_secs(60);
        assert!(
            (900_000..1_200_000).contains(&read_for(minute, 1)),
            "{}",
            read_for(minute, 1)
        );
        // Messages of six bytes.
        assert!(read_for(minute, 682) / 6 < 20_000, "{}", read_for(minute, 682));
    }
}
