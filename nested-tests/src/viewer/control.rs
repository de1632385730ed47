//! The control session: sends input as the page does, keeps the frames' times and the server's messages.

use super::{Command, Sinks};
use anyhow::{Context, Result};
use goggles_protocols::control::{Decoder, Message, ToClient, ToServer, VERSION};
use goggles_protocols::{datagram, input};
use goggles_scope::time::Mono;
use std::sync::mpsc;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedReceiver;
use wtransport::{Connection, RecvStream};

/// Runs until told to stop, or the session ends. `entered` is told when the server has said Welcome.
pub async fn run(
    connection: Connection,
    mut commands: UnboundedReceiver<Command>,
    sinks: Sinks,
    entered: mpsc::Sender<()>,
) -> Result<()> {
    let (mut send, recv) = connection.open_bi().await?.await?;
    let hello = ToServer::Hello {
        version: VERSION,
        want_input: true,
        name: "nested-tests".into(),
    };
    send.write_all(&hello.encode()).await?;
    let mut sender = input::Sender::new(1);
    let messages = messages(recv, sinks.clone(), entered);
    tokio::pin!(messages);
    loop {
        if let Some(batch) = sender.poll(Mono::now().micros()) {
            connection.send_datagram(datagram::ToServer::Input(Box::new(batch)).encode())?;
        }
        let wait = sender
            .deadline()
            .map(|at| Duration::from_micros(at.saturating_sub(Mono::now().micros())));
        tokio::select! {
            biased;
            command = commands.recv() => match command {
                Some(Command::Input(event)) => apply(&mut sender, event),
                Some(Command::Tell(message)) => send.write_all(&message.encode()).await?,
                Some(Command::Say(packet)) => connection.send_datagram(datagram::ToServer::Microphone(packet).encode())?,
                Some(Command::Stop) | None => {
                    connection.close(0u32.into(), b"");
                    return Ok(());
                }
            },
            datagram = connection.receive_datagram() => {
                match datagram::ToClient::decode(&datagram?).context("a malformed datagram")? {
                    datagram::ToClient::Ack(ack) => sender.on_ack(Mono::now().micros(), ack),
                    datagram::ToClient::Pong(_) => (),
                    datagram::ToClient::Times(times) => {
                        sender.shown(times.frame);
                        sinks.note(|told| {
                            told.times.insert(times.pts_us, times);
                        });
                    }
                }
            },
            end = &mut messages => return end,
            () = tokio::time::sleep(wait.unwrap_or_default()), if wait.is_some() => (),
        }
    }
}

fn apply(sender: &mut input::Sender, event: input::Event) {
    let now = Mono::now().micros();
    match event {
        input::Event::Key { code, pressed } | input::Event::Button { code, pressed } => sender.key(now, code, pressed),
        input::Event::Relative { dx, dy } => sender.relative(now, dx, dy),
        input::Event::Absolute { x, y } => sender.absolute(now, x, y),
        input::Event::Scroll { dx, dy } => sender.scroll(now, dx, dy),
    }
}

async fn messages(mut recv: RecvStream, sinks: Sinks, entered: mpsc::Sender<()>) -> Result<()> {
    let mut decoder = Decoder::<ToClient>::new();
    let mut buffer = vec![0; 4096];
    while let Some(count) = recv.read(&mut buffer).await? {
        decoder.push(&buffer[..count])?;
        while let Some(message) = decoder.pop()? {
            if matches!(message, ToClient::Welcome { .. }) {
                // The one who waits may have lost patience.
                let _ = entered.send(());
            }
            sinks.note(|told| told.messages.push(message));
        }
    }
    anyhow::bail!("the server has closed the control stream")
}
