//! Control sessions: input, roles, clock, reports, the goodbye.

use crate::client::{Control, Key, Server, Viewer, soon};
use goggles_protocols::control::{Message, ToClient, ToServer};
use goggles_protocols::{clock, datagram, frame, input};
use goggles_scope::link::{FromScope, SceneInfo, ToScope, ViewerId};
use goggles_scope::time::Mono;

fn batch(seq: u32) -> datagram::ToServer {
    datagram::ToServer::Input(Box::new(input::Batch {
        seq,
        ..input::Batch::default()
    }))
}

fn input(message: &ToScope) -> Option<(ViewerId, u32)> {
    match message {
        ToScope::Input { viewer, batch, .. } => Some((*viewer, batch.seq)),
        _ => None,
    }
}

fn holder(message: &ToScope) -> Option<Option<ViewerId>> {
    match message {
        ToScope::InputHolder(holder) => Some(*holder),
        _ => None,
    }
}

#[tokio::test]
async fn input_of_the_holder_arrives_and_is_acknowledged() {
    let mut server = Server::primed();
    let (key, token) = (Key::new(), server.token());
    let mut first = Control::new(server.addr, &key, Some(token)).await.unwrap();
    let (viewer, has_input) = first.hello(true).await;
    assert!(has_input);
    let viewer = ViewerId(viewer);
    assert_eq!(server.message("the holder", holder).await, Some(viewer));
    first.connection.send_datagram(batch(7).encode()).unwrap();
    assert_eq!(server.message("input", input).await, (viewer, 7));
    let ack = input::Ack {
        epoch: 1,
        batch: 7,
        edge: 3,
    };
    server.transport().send(FromScope::InputAck { viewer, ack });
    assert_eq!(first.datagram().await, datagram::ToClient::Ack(ack));

    // Gone: the role is free.
    drop(first);
    assert_eq!(server.message("nobody", holder).await, None);
}

#[tokio::test]
async fn one_plays_and_the_others_watch_until_they_take_over() {
    let mut server = Server::primed();
    let (anna, token) = (Key::new(), server.token());
    let mut first = Control::new(server.addr, &anna, Some(token)).await.unwrap();
    let (first_id, _) = first.hello(true).await;
    server.message("the holder", holder).await;
    // The same player's other window: takes the role over, and the old one is told.
    let mut second = Control::new(server.addr, &anna, None).await.unwrap();
    let (second_id, has_input) = second.hello(true).await;
    assert!(has_input);
    assert_eq!(server.message("the holder", holder).await, Some(ViewerId(second_id)));
    assert_eq!(
        first.hear().await,
        ToClient::Role {
            input: false,
            holder: true
        }
    );

    first.connection.send_datagram(batch(1).encode()).unwrap();
    first.say(&ToServer::Text("from a non-holder".into())).await;
    first.say(&ToServer::TakeInput).await;
    assert_eq!(
        server.message("the holder", holder).await,
        Some(ViewerId(first_id)),
        "and not its input before"
    );
    assert_eq!(
        first.hear().await,
        ToClient::Role {
            input: true,
            holder: true
        }
    );
    assert_eq!(
        second.hear().await,
        ToClient::Role {
            input: false,
            holder: true
        }
    );
    first.say(&ToServer::Text("hällo".into())).await;
    let text = |m: &ToScope| match m {
        ToScope::Text { text, .. } => Some(text.clone()),
        _ => None,
    };
    assert_eq!(server.message("text", text).await, "hällo");
    first.say(&ToServer::DropInput).await;
    assert_eq!(server.message("nobody", holder).await, None);
    assert_eq!(
        second.hear().await,
        ToClient::Role {
            input: false,
            holder: false
        }
    );
}

#[tokio::test]
async fn the_clock_is_answered_and_reports_are_in_ours() {
    let mut server = Server::primed();
    let mut control = Control::new(server.addr, &Key::new(), Some(server.token()))
        .await
        .unwrap();
    control.hello(false).await;
    let before = Mono::now().micros();
    control
        .connection
        .send_datagram(datagram::ToServer::Ping(clock::Ping { t0: 42 }).encode())
        .unwrap();
    let datagram::ToClient::Pong(pong) = control.datagram().await else {
        panic!("no pong")
    };
    assert_eq!(pong.t0, 42);
    assert!(before <= pong.t1 && pong.t1 <= pong.t2 && pong.t2 <= Mono::now().micros());

    let seen = frame::Seen {
        frame: 5,
        received: 100,
        decoded: 200,
        painted: 0,
    };
    for offset in [None, Some(1000)] {
        let report = frame::Report {
            offset,
            frames: vec![seen],
        };
        control
            .connection
            .send_datagram(datagram::ToServer::Report(report).encode())
            .unwrap();
    }
    let report = |m: &ToScope| match m {
        ToScope::Report { report, .. } => Some(report.frames.clone()),
        _ => None,
    };
    let expected = frame::Seen {
        frame: 5,
        received: 1100,
        decoded: 1200,
        painted: 0,
    };
    assert_eq!(server.message("the report", report).await, [expected]);
}

#[tokio::test]
async fn frames_are_told_with_their_times() {
    let mut server = Server::primed();
    let key = Key::new();
    let mut control = Control::new(server.addr, &key, Some(server.token())).await.unwrap();
    control.hello(false).await;
    let viewer = Viewer::new(server.addr, &key, None).await.unwrap();
    let mut track = viewer.subscribe("video").await;
    server.key_frame_wanted().await;
    let frame = server.publish_sent(true, vec![1; 777].into()).await;
    let datagram::ToClient::Times(times) = control.datagram().await else {
        panic!("no times")
    };
    assert_eq!((times.frame, times.key, times.bytes), (frame, true, 777));
    assert!(times.commit > 0 && times.sent >= times.commit);
    let (pts, _) = crate::client::video(&mut crate::client::group(&mut track).await).await;
    assert_eq!(times.pts_us, pts);

    control.say(&ToServer::RequestKeyFrame).await;
    server.key_frame_wanted().await;
}

#[tokio::test]
async fn the_scene_and_the_goodbye_are_told() {
    let mut server = Server::primed();
    let key = Key::new();
    let mut control = Control::new(server.addr, &key, Some(server.token())).await.unwrap();
    control.hello(false).await;
    let viewer = Viewer::new(server.addr, &key, None).await.unwrap();
    let scene = SceneInfo {
        title: "two".into(),
        pointer_locked: true,
        ..crate::client::scene()
    };
    server.transport().send(FromScope::Scene(scene));
    let ToClient::Scene {
        title,
        pointer_locked: true,
        ..
    } = control.hear().await
    else {
        panic!("no scene")
    };
    assert_eq!(title, "two");

    server.transport().send(FromScope::Shutdown("enough".into()));
    assert_eq!(
        control.hear().await,
        ToClient::Bye {
            reason: "enough".into()
        }
    );
    soon("the end of the MoQ session", viewer.connection.closed()).await;
    let counters = |m: &ToScope| match m {
        ToScope::Counters(list) => Some(list.clone()),
        _ => None,
    };
    let counters = server.message("counters", counters).await;
    assert!(counters.contains(&("sessions", 2)), "{counters:?}");
    let start = std::time::Instant::now();
    drop(server.transport.take());
    assert!(start.elapsed() < std::time::Duration::from_secs(5));
}

#[tokio::test]
async fn a_game_that_changes_its_title_without_end_closes_no_viewer() {
    const CHANGES: usize = 2000;
    let server = Server::primed();
    let mut control = Control::new(server.addr, &Key::new(), Some(server.token()))
        .await
        .unwrap();
    control.hello(false).await;
    for change in 1..=CHANGES {
        let title = change.to_string();
        server.transport().send(FromScope::Scene(SceneInfo {
            title,
            ..crate::client::scene()
        }));
    }
    // It need not hear of each, but of the last.
    loop {
        let ToClient::Scene { title, .. } = control.hear().await else {
            panic!("no scene")
        };
        if title == CHANGES.to_string() {
            break;
        }
    }
}

#[tokio::test]
async fn another_version_is_told_so() {
    let server = Server::primed();
    let mut control = Control::new(server.addr, &Key::new(), Some(server.token()))
        .await
        .unwrap();
    control
        .say(&ToServer::Hello {
            version: 99,
            want_input: true,
            name: String::new(),
        })
        .await;
    let ToClient::Bye { reason } = control.hear().await else {
        panic!("no Bye")
    };
    assert!(reason.contains("version 1"), "{reason}");
}

/// Of what changes before anybody has read it only the last is told, and nobody is closed for not having read more.
#[tokio::test]
async fn a_player_who_takes_and_drops_without_end_closes_nobody() {
    let mut server = Server::with_microphone();
    let token = server.speaking_token();
    let mut fickle = Control::new(server.addr, &Key::new(), Some(token)).await.unwrap();
    fickle.hello(false).await;
    let token = server.token();
    let mut other = Control::new(server.addr, &Key::new(), Some(token)).await.unwrap();
    other.hello(false).await;
    let turns = [
        ToServer::TakeInput,
        ToServer::Microphone(true),
        ToServer::DropInput,
        ToServer::Microphone(false),
    ];
    let bytes: Vec<u8> = (0..200).flat_map(|_| &turns).flat_map(ToServer::encode).collect();
    fickle.send.write_all(&bytes).await.unwrap();
    for _ in 0..400 {
        server.message("the holder", holder).await;
    }
    let scene = SceneInfo {
        title: "the end".into(),
        ..crate::client::scene()
    };
    server.transport().send(FromScope::Scene(scene));
    for viewer in [&mut fickle, &mut other] {
        let mut holds = None;
        loop {
            match viewer.hear().await {
                ToClient::Role { holder, .. } => holds = Some(holder),
                ToClient::Scene { title, .. } if title == "the end" => break,
                _ => {}
            }
        }
        assert_eq!(holds, Some(false));
    }
}
