//! The MoQ session: finds the broadcast, reads its catalog, hands the video to the decoder, notes the cursor, and keeps the
//! sound's packets.

use super::{Heard, Sinks, Unit};
use anyhow::{Context, Result, bail, ensure};
use goggles_protocols::cursor;
use goggles_scope::stream::transport::adapter;
use goggles_scope::time::Mono;
use moq_net::track::{Subscriber, Subscription};
use std::time::Instant;
use tokio::sync::watch;

/// One protocol only, so that there is no choice whose result a client of wtransport can't see.
const PROTOCOL: &str = "moq-lite-05";
/// It, as a structured list of strings (RFC 8941).
pub const OFFER: &str = "\"moq-lite-05\"";

/// The track of sound that is wanted.
pub type Wanted = watch::Receiver<Option<String>>;

/// Runs until the session ends.
pub async fn run(connection: wtransport::Connection, sinks: Sinks, wanted: Wanted) -> Result<()> {
    let (origin, origin_driver) = moq_net::origin::Producer::new(moq_net::origin::Config::default());
    let broadcasts = origin.consume();
    let session = adapter::Session::web(connection, Some(PROTOCOL));
    let (_session, driver) = moq_net::Client::new()
        .with_subscriber(origin)
        .connect(Instant::now(), session)
        .await?;
    tokio::select! {
        error = moq_net::time::run(driver) => bail!("session: {error}"),
        error = moq_net::time::run(origin_driver) => bail!("origin: {error}"),
        end = subscribe(broadcasts, sinks, wanted) => end,
    }
}

async fn subscribe(broadcasts: moq_net::origin::Consumer, sinks: Sinks, mut wanted: Wanted) -> Result<()> {
    let update = broadcasts.announced().next().await.context("nothing is announced")?;
    ensure!(update.kind.is_active(), "the broadcast is gone");
    let broadcast = broadcasts.request_broadcast(&update.prefix).await?;
    let subscribe = async |name: &str| -> Result<Subscriber> {
        let track = broadcast.track(name).with_context(|| format!("no track {name}"))?;
        track
            .subscribe(Subscription::default())
            .await
            .with_context(|| format!("error subscribing to {name}"))
    };
    let (catalog, cursor) = (subscribe("catalog.json").await?, subscribe("cursor").await?);
    let video = subscribe("video").await?;
    let sound = async {
        let mut last = None;
        loop {
            // Nobody may ever want it, or another.
            let Ok(name) = wanted.wait_for(|name| *name != last).await.map(|name| name.clone()) else {
                return Ok(());
            };
            let track = subscribe(name.as_deref().unwrap_or_default()).await?;
            last = name;
            tokio::select! {
                ended = listen(track, &sinks) => ended?,
                // The end of those who want is seen above.
                _ = wanted.changed() => {}
            }
        }
    };
    tokio::try_join!(
        sound,
        frames(video, |payload, received| {
            let frame = hang::container::Frame::decode(payload)?;
            let pts_us = u64::try_from(frame.timestamp.as_micros())?;
            // The decoder has ended only if it failed, which its own end tells.
            let _ = sinks.units.send(Unit {
                pts_us,
                data: frame.payload,
                received,
            });
            Ok(())
        }),
        frames(catalog, |payload, _| {
            let catalog = serde_json::from_slice(&payload).context("the catalog is not JSON")?;
            sinks.note(|told| told.catalog = Some(catalog));
            Ok(())
        }),
        frames(cursor, |payload, _| {
            let updates = cursor::decode(&payload).context("the cursor track")?;
            sinks.note(|told| told.cursor.extend(updates));
            Ok(())
        }),
    )?;
    bail!("all tracks have ended")
}

/// Keeps the packets of sound: each is a group.
async fn listen(mut track: Subscriber, sinks: &Sinks) -> Result<()> {
    while let Some(mut group) = track.recv_group().await? {
        // An aborted group is a lost packet.
        let Ok(Some(frame)) = group.read_frame().await else {
            continue;
        };
        let received = Mono::now();
        let frame = hang::container::Frame::decode(frame.payload)?;
        // The viewer may be on its way out.
        let _ = sinks.heard.send(Heard {
            pts_us: u64::try_from(frame.timestamp.as_micros())?,
            data: frame.payload,
            received,
        });
    }
    Ok(())
}

/// Gives each frame's payload, and when its last byte had arrived, to `take`. A newer group ends an older one.
async fn frames(mut track: Subscriber, mut take: impl FnMut(bytes::Bytes, Mono) -> Result<()>) -> Result<()> {
    let Some(mut group) = track.recv_group().await? else {
        return Ok(());
    };
    loop {
        tokio::select! {
            biased;
            frame = group.read_frame() => match frame {
                Ok(Some(frame)) => take(frame.payload, Mono::now())?,
                // An aborted group is followed by another, or the track ends with its own error.
                Ok(None) | Err(_) => match track.recv_group().await? {
                    Some(next) => group = next,
                    None => return Ok(()),
                },
            },
            next = track.recv_group() => match next? {
                Some(next) => group = next,
                None => return Ok(()),
            },
        }
    }
}
