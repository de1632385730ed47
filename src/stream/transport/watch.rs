//! One MoQ session's task: publishes its broadcast, runs `moq_net`'s drivers, and tells the hub whether anybody
//! watches.

use super::adapter::Session;
use super::feed::Feed;
use super::hub::{Admitted, Event, Shared, Watcher};
use super::tracks::Tracks;
use anyhow::{Context, Result};
use moq_net::server::Handshake;
use moq_net::track;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Runs until either side ends it.
pub async fn run(
    handshake: Handshake<Session>,
    session: Session,
    admitted: Admitted,
    shared: &Arc<Shared>,
    events: mpsc::Sender<Event>,
) -> Result<()> {
    let viewer = admitted.viewer;
    let (tracks, origin, origin_driver) = Tracks::new(&shared.broadcast)?;
    let video = tracks.video();
    let (meter, connection) = (session.meter(), session.quic().clone());
    let watcher = Watcher {
        tracks,
        meter,
        connection,
        feed: Feed::default(),
    };
    events
        .send(Event::Watch(viewer, Box::new(watcher)))
        .await
        .ok()
        .context("shutting down")?;
    // From here on the hub must be told of the end, however it comes.
    let result = serve(handshake, origin, origin_driver, video, admitted, &events).await;
    events.send(Event::Gone(viewer)).await.ok().context("shutting down")?;
    result
}

async fn serve(
    handshake: Handshake<Session>,
    origin: moq_net::origin::Consumer,
    origin_driver: moq_net::origin::Driver,
    video: track::Producer,
    admitted: Admitted,
    events: &mpsc::Sender<Event>,
) -> Result<()> {
    // Held to the end: its drop closes the session.
    let (_session, driver) = handshake.with_publisher(&origin).ok().await?;
    let error = tokio::select! {
        error = moq_net::time::run(driver) => error,
        error = moq_net::time::run(origin_driver) => error,
        error = tell_demand(video, admitted, events) => error,
    };
    tracing::debug!("viewer {}: {error}", admitted.viewer.0);
    Ok(())
}

async fn tell_demand(mut video: track::Producer, admitted: Admitted, events: &mpsc::Sender<Event>) -> moq_net::Error {
    let mut known = false;
    loop {
        // Not `Producer::used`, which is also true while somebody only asks for the track's properties.
        let is = match video.subscription_changed().await {
            Ok(subscription) => subscription.is_some(),
            Err(e) => return e,
        };
        if is != known && events.send(Event::Subscribed(admitted.viewer, is)).await.is_err() {
            return moq_net::Error::Closed;
        }
        known = is;
    }
}
