//! The network thread's memory over a long stream. A binary of its own: memory is the process's.

#[allow(dead_code, reason = "the other tests of the network use the rest")]
#[path = "transport/client.rs"]
mod client;

use bytes::Bytes;
use client::{Key, Server, Viewer, frame, group, soon};
use goggles_scope::link::ToScope;

#[tokio::test]
async fn memory_does_not_grow_with_the_stream() {
    const FRAMES: usize = 40_000;
    const LEN: usize = 8000;
    let mut server = Server::primed();
    let key = Key::new();
    let viewer = Viewer::new(server.addr, &key, Some(server.token())).await.unwrap();
    let mut track = viewer.subscribe("video").await;
    // Subscribes to all of it and reads nothing.
    let stuck = Viewer::new(server.addr, &key, None).await.unwrap();
    let _stuck_track = stuck.subscribe("video").await;
    server.demand(2).await;
    let mut running = None;
    let mut groups = 0;
    let mut want_key = true;
    for n in 0..FRAMES {
        let key_frame_sent = std::mem::take(&mut want_key);
        server.publish(key_frame_sent, Bytes::from(vec![n as u8; LEN]));
        if n == 1 {
            stuck.freeze(true);
        }
        loop {
            let (sent, key_frame) = server
                .message("sent", |m| {
                    Some((matches!(m, ToScope::Sent { .. }), matches!(m, ToScope::KeyFrame)))
                })
                .await;
            want_key |= key_frame;
            // A packet that no viewer could take is never sent; then a key frame is asked for.
            if sent || key_frame {
                break;
            }
        }
        if running.is_none() {
            running = Some(group(&mut track).await);
            groups += 1;
        }
        let received = soon("a frame", running.as_mut().unwrap().read_frame()).await;
        if matches!(received, Ok(Some(_))) {
            continue;
        }
        if key_frame_sent {
            let mut next = group(&mut track).await;
            frame(&mut next).await;
            running = Some(next);
            groups += 1;
        } else {
            // On a machine that stood still for a moment this viewer, too, is shed, and needs a key frame.
            running = None;
            want_key = true;
        }
    }
    let after = resident();
    // Each is at most 24 MiB or 6,000 frames long.
    assert!(groups > FRAMES / 6000, "{groups} groups");
    // 320 MB have passed. This process is both ends, each of which keeps at most 48 MiB of groups, and the tests.
    assert!(after < 200 << 20, "{after} bytes");
}

/// The bytes of memory this process has in use.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}
