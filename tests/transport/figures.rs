//! How long a packet takes from the encoder's hand to a native viewer's, over loopback:
//! `cargo test --release --test transport -- --ignored --nocapture figures`.

use crate::client::{Key, Server, Viewer, group, soon};
use bytes::Bytes;
use std::time::{Duration, Instant};

async fn delays(server: &mut Server, count: usize, gap: Duration, len: usize) -> Vec<Duration> {
    let viewer = Viewer::new(server.addr, &Key::new(), Some(server.token()))
        .await
        .unwrap();
    let mut track = viewer.subscribe("video").await;
    server.key_frame_wanted().await;
    server.publish(true, Bytes::from(vec![0; len]));
    let mut running = group(&mut track).await;
    let (arrived, mut arrivals) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok(Some(_)) = running.read_frame().await {
            if arrived.send(Instant::now()).is_err() {
                return;
            }
        }
    });
    soon("the key frame", arrivals.recv()).await.unwrap();
    let mut delays = Vec::with_capacity(count);
    for _ in 0..count {
        tokio::time::sleep(gap).await;
        let start = Instant::now();
        server.publish(false, Bytes::from(vec![1; len]));
        let at = soon("a frame", arrivals.recv()).await.unwrap();
        delays.push(at.duration_since(start));
    }
    delays.sort();
    delays
}

#[tokio::test]
#[ignore = "figures, not a check"]
async fn figures() {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap();
    for (name, count, gap, len) in [
        ("60 a second, 20 KB", 600, 16_667, 20_000),
        ("60 a second, 1 KB", 600, 16_667, 1000),
        ("60 a second, 60 KB", 300, 16_667, 60_000),
        ("after half a second of nothing, 20 KB", 40, 500_000, 20_000),
    ] {
        let mut server = Server::primed();
        let delays = delays(&mut server, count, Duration::from_micros(gap), len).await;
        let at = |percent: usize| delays[(delays.len() - 1) * percent / 100].as_micros();
        eprintln!(
            "{name}: n {count}, p50 {} µs, p95 {} µs, p99 {} µs, most {} µs",
            at(50),
            at(95),
            at(99),
            at(100)
        );
    }
    eprintln!("load before: {load}");
}
