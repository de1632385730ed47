//! Catalog, video and cursor.

use crate::client::{Key, PROTOCOL, Server, Track, Viewer, challenge, connect_with, frame, group, soon, video};
use bytes::Bytes;
use goggles_protocols::cursor;
use goggles_scope::link::{FromScope, ToScope};
use std::time::Duration;

/// Bytes that differ from frame to frame.
pub fn payload(seed: usize, len: usize) -> Bytes {
    (0..len).map(|n| (n * 31 + seed * 7) as u8).collect()
}

#[tokio::test]
async fn frames_arrive_byte_exact_with_their_times() {
    let mut server = Server::new();
    let viewer = Viewer::new(server.addr, &Key::new(), Some(server.token()))
        .await
        .unwrap();
    // Without a catalog nobody can subscribe, so a session counts until there is one.
    server.demand(1).await;
    server.key_frame_wanted().await;
    server.publish(true, payload(0, 50_000));

    let mut catalogs = viewer.subscribe("catalog.json").await;
    let catalog = frame(&mut group(&mut catalogs).await).await;
    let catalog: serde_json::Value = serde_json::from_slice(&catalog).unwrap();
    assert_eq!(catalog["video"]["renditions"]["video"]["codec"], "avc3.42c01f");
    assert_eq!(catalog["goggles"]["cursor"], "cursor");

    let mut track = viewer.subscribe("video").await;
    server.key_frame_wanted().await;
    let frames: Vec<_> = [30_000, 1, 20_000, 0, 300_000]
        .iter()
        .enumerate()
        .map(|(n, l)| payload(n, *l))
        .collect();
    for (n, data) in frames.iter().enumerate() {
        server.publish_sent(n == 0, data.clone()).await;
    }
    let mut first = group(&mut track).await;
    let mut last = 0;
    for data in &frames {
        let (time, received) = video(&mut first).await;
        assert_eq!(&received, data);
        assert!(time > last && time < 60_000_000, "{time} after {last}");
        last = time;
    }
    server.publish_sent(true, payload(9, 100)).await;
    assert!(soon("the group's end", first.read_frame()).await.unwrap().is_none());
    assert_eq!(video(&mut group(&mut track).await).await.1, payload(9, 100));

    drop(track);
    server.demand(0).await;
}

#[tokio::test]
async fn a_late_viewer_starts_at_a_fresh_key_frame() {
    let mut server = Server::primed();
    let key = Key::new();
    let first = Viewer::new(server.addr, &key, Some(server.token())).await.unwrap();
    let mut early = first.subscribe("video").await;
    server.key_frame_wanted().await;
    server.publish_sent(true, payload(0, 1000)).await;
    server.publish_sent(false, payload(1, 1000)).await;
    let mut old = group(&mut early).await;
    assert_eq!(video(&mut old).await.1, payload(0, 1000));

    let second = Viewer::new(server.addr, &key, None).await.unwrap();
    let mut late = second.subscribe("video").await;
    server.demand(2).await;
    server.key_frame_wanted().await;
    // In the encoder already when the wish came.
    server.publish_sent(false, payload(2, 1000)).await;
    server.publish_sent(true, payload(3, 1000)).await;
    server.publish_sent(false, payload(4, 1000)).await;
    let mut fresh = group(&mut late).await;
    assert_eq!(video(&mut fresh).await.1, payload(3, 1000));
    assert_eq!(video(&mut fresh).await.1, payload(4, 1000));
    assert_eq!(video(&mut old).await.1, payload(1, 1000));
    assert_eq!(video(&mut old).await.1, payload(2, 1000));

    // Unsubscribed and again: not what it had, but a fresh start.
    drop((late, fresh));
    server.demand(1).await;
    let mut again = second.subscribe("video").await;
    server.demand(2).await;
    server.key_frame_wanted().await;
    server.publish_sent(false, payload(5, 1000)).await;
    server.publish_sent(true, payload(6, 1000)).await;
    // The client's own cache may give it what it had; the server gives it the new group, and not from the middle.
    let mut first = video(&mut group(&mut again).await).await.1;
    if first == payload(3, 1000) {
        first = video(&mut group(&mut again).await).await.1;
    }
    assert_eq!(first, payload(6, 1000));
}

#[tokio::test]
async fn a_viewer_that_stops_reading_delays_nobody_and_comes_back_at_a_key_frame() {
    let mut server = Server::primed();
    let key = Key::new();
    let good = Viewer::new(server.addr, &key, Some(server.token())).await.unwrap();
    let mut good_track = good.subscribe("video").await;
    let challenge = challenge(server.addr).await;
    let path = format!("/moq?{}", key.sign(&challenge, "/moq", None).to_query());
    let stuck = connect_with(server.addr, &path, &challenge, &[PROTOCOL], |quic| {
        quic.receive_window(65_536u32.into());
    });
    let stuck = Viewer::over(stuck.await.unwrap()).await.unwrap();
    let mut stuck_track = stuck.subscribe("video").await;
    server.demand(2).await;
    server.key_frame_wanted().await;
    server.publish_sent(true, payload(0, 20_000)).await;
    assert_eq!(video(&mut group(&mut stuck_track).await).await.1, payload(0, 20_000));
    let mut good_group = group(&mut good_track).await;
    video(&mut good_group).await;

    stuck.freeze(true);
    for n in 1..150 {
        server.publish_sent(false, payload(n, 20_000)).await;
        assert_eq!(video(&mut good_group).await.1, payload(n, 20_000));
        tokio::time::sleep(Duration::from_millis(4)).await;
    }
    // All of them came: nothing waits for the stuck one.
    server.key_frame_wanted().await;
    stuck.freeze(false);
    server.publish_sent(true, payload(500, 30_000)).await;
    server.publish_sent(false, payload(501, 30_000)).await;
    // What it gets next is the new group, whole; the rest of the old one is gone.
    let mut fresh = group(&mut stuck_track).await;
    assert_eq!(video(&mut fresh).await.1, payload(500, 30_000));
    assert_eq!(video(&mut fresh).await.1, payload(501, 30_000));

    server.transport().send(FromScope::Shutdown("enough".into()));
    let shed = |m: &ToScope| match m {
        ToScope::Counters(list) => list.iter().find(|(name, _)| *name == "viewers shed").map(|(_, n)| *n),
        _ => None,
    };
    assert_eq!(server.message("the counters", shed).await, 1);
}

#[tokio::test]
async fn the_cursor_comes_as_a_snapshot_and_changes() {
    let mut server = Server::primed();
    let viewer = Viewer::new(server.addr, &Key::new(), Some(server.token()))
        .await
        .unwrap();
    let image = cursor::Update::Image {
        width: 2,
        height: 1,
        hot_x: 0,
        hot_y: 0,
        rgba: vec![9; 8],
    };
    server.transport().send(FromScope::Cursor(image.clone()));
    server
        .transport()
        .send(FromScope::Cursor(cursor::Update::Position { x: 3, y: 4 }));
    let mut track = viewer.subscribe("cursor").await;
    let mut state = cursor::State::default();
    let mut expected = cursor::State::default();
    expected.apply(&image);
    expected.apply(&cursor::Update::Position { x: 3, y: 4 });
    let mut newest = None;
    read_until(&mut track, &mut newest, &mut state, &expected).await;
    // Thousands of moves: groups are short, and whoever reads the newest has the whole state.
    for x in 0..2000 {
        server
            .transport()
            .send(FromScope::Cursor(cursor::Update::Position { x, y: 0 }));
    }
    expected.apply(&cursor::Update::Position { x: 1999, y: 0 });
    read_until(&mut track, &mut newest, &mut state, &expected).await;
    while let Some(message) = server.try_message() {
        assert!(!matches!(message, ToScope::Sent { .. }));
    }
}

/// Reads group after group until the state is as expected.
async fn read_until(
    track: &mut Track,
    newest: &mut Option<moq_net::group::Consumer>,
    state: &mut cursor::State,
    expected: &cursor::State,
) {
    while state != expected {
        let next = match newest {
            Some(group) => soon("the cursor", group.read_frame()).await.ok().flatten(),
            None => None,
        };
        match next {
            Some(frame) => cursor::decode(&frame.payload)
                .unwrap()
                .iter()
                .for_each(|u| state.apply(u)),
            None => *newest = Some(group(track).await),
        }
    }
}
