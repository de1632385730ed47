//! Messages as JSON values, for the vectors.

use goggles_protocols::audio::Redundant;
use goggles_protocols::auth::Credentials;
use goggles_protocols::input::{Batch, Event, Place};
use goggles_protocols::{control, cursor, datagram, frame};
use serde_json::{Value, json};

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

pub fn datagram_to_server(message: &datagram::ToServer) -> Value {
    match message {
        datagram::ToServer::Input(batch) => input(batch),
        datagram::ToServer::Ping(ping) => json!({ "kind": "ping", "t0": ping.t0 }),
        datagram::ToServer::Report(report) => json!({
            "kind": "report", "offset": report.offset, "frames": report.frames.iter().map(seen).collect::<Vec<_>>(),
        }),
        datagram::ToServer::Microphone(m) => {
            json!({ "kind": "microphone", "seq": m.seq, "time": m.time, "packet": hex(&m.packet) })
        }
    }
}

fn seen(s: &frame::Seen) -> Value {
    json!({ "frame": s.frame, "received": s.received, "decoded": s.decoded, "painted": s.painted })
}

fn place(place: &Place) -> Value {
    let at = place.absolute;
    json!({
        "motion": [place.motion.x, place.motion.y], "absolute": { "seq": at.seq, "x": at.x, "y": at.y },
    })
}

fn input(batch: &Batch) -> Value {
    let edge = |e: &goggles_protocols::input::Edge| json!({ "code": e.code, "pressed": e.pressed, "age": e.age, "place": e.place.as_ref().map(place) });
    json!({
        "kind": "input",
        "epoch": batch.epoch,
        "seq": batch.seq,
        "time": batch.time,
        "last_ack": batch.last_ack,
        "ack_age": batch.ack_age,
        "frame": batch.frame,
        "place": place(&batch.place),
        "scroll": [batch.scroll.x, batch.scroll.y],
        "held": batch.held.iter().collect::<Vec<_>>(),
        "edge_seq": batch.edge_seq,
        "edges": batch.edges.iter().map(edge).collect::<Vec<_>>(),
    })
}

pub fn datagram_to_client(message: &datagram::ToClient) -> Value {
    match message {
        datagram::ToClient::Ack(a) => json!({ "kind": "ack", "epoch": a.epoch, "batch": a.batch, "edge": a.edge }),
        datagram::ToClient::Pong(p) => json!({ "kind": "pong", "t0": p.t0, "t1": p.t1, "t2": p.t2 }),
        datagram::ToClient::Times(t) => json!({
            "kind": "times",
            "frame": t.frame,
            "pts_us": t.pts_us,
            "commit": t.commit,
            "latch": t.latch,
            "rendered": t.rendered,
            "encode_start": t.encode_start,
            "converted": t.converted,
            "encoded": t.encoded,
            "sent": t.sent,
            "key": t.key,
            "bytes": t.bytes,
        }),
    }
}

pub fn control_to_server(message: &control::ToServer) -> Value {
    match message {
        control::ToServer::Hello {
            version,
            want_input,
            name,
        } => {
            json!({ "kind": "hello", "version": version, "want_input": want_input, "name": name })
        }
        control::ToServer::TakeInput => json!({ "kind": "take_input" }),
        control::ToServer::DropInput => json!({ "kind": "drop_input" }),
        control::ToServer::Text(text) => json!({ "kind": "text", "text": text }),
        control::ToServer::RequestKeyFrame => json!({ "kind": "request_key_frame" }),
        control::ToServer::Loudspeakers(channels) => json!({ "kind": "loudspeakers", "channels": channels }),
        control::ToServer::Microphone(on) => json!({ "kind": "microphone", "on": on }),
        control::ToServer::Playback(p) => json!({
            "kind": "playback", "delay": p.delay, "depth": p.depth, "drift": p.drift, "played": p.played,
            "concealed": p.concealed, "missing": p.missing, "late": p.late, "resyncs": p.resyncs, "excursions": p.excursions,
        }),
    }
}

pub fn control_to_client(message: &control::ToClient) -> Value {
    match message {
        control::ToClient::Welcome {
            version,
            viewer,
            width,
            height,
            refresh_mhz,
            start_us,
        } => json!({
            "kind": "welcome",
            "version": version,
            "viewer": viewer,
            "width": width,
            "height": height,
            "refresh_mhz": refresh_mhz,
            "start_us": start_us,
        }),
        control::ToClient::Role { input, holder } => json!({ "kind": "role", "input": input, "holder": holder }),
        control::ToClient::Scene {
            width,
            height,
            refresh_mhz,
            pointer_locked,
            title,
        } => json!({
            "kind": "scene",
            "width": width,
            "height": height,
            "refresh_mhz": refresh_mhz,
            "pointer_locked": pointer_locked,
            "title": title,
        }),
        control::ToClient::Bye { reason } => json!({ "kind": "bye", "reason": reason }),
        control::ToClient::Microphone { allowed, on, live } => {
            json!({ "kind": "microphone", "allowed": allowed, "on": on, "live": live })
        }
    }
}

pub fn cursor(update: &cursor::Update) -> Value {
    match update {
        cursor::Update::Image {
            width,
            height,
            hot_x,
            hot_y,
            rgba,
        } => json!({
            "kind": "image", "width": width, "height": height, "hot_x": hot_x, "hot_y": hot_y, "rgba": hex(rgba),
        }),
        cursor::Update::Position { x, y } => json!({ "kind": "position", "x": x, "y": y }),
        cursor::Update::Hidden => json!({ "kind": "hidden" }),
        cursor::Update::Visible => json!({ "kind": "visible" }),
    }
}

pub fn redundant(payload: &Redundant) -> Value {
    let earlier: Vec<_> = payload
        .earlier
        .iter()
        .map(|e| json!({ "age": e.age, "packet": hex(&e.packet) }))
        .collect();
    json!({ "earlier": earlier, "packet": hex(&payload.packet) })
}

pub fn credentials(shown: &Credentials) -> Value {
    match shown {
        Credentials::Signed {
            key,
            nonce,
            signature,
            token,
        } => json!({
            "key": hex(key), "nonce": hex(nonce), "sig": hex(signature), "token": token.map(|t| hex(&t)),
        }),
        Credentials::Token(token) => json!({ "token": hex(token) }),
    }
}

pub fn event(event: &Event) -> Value {
    match *event {
        Event::Key { code, pressed } => json!(["key", code, pressed]),
        Event::Button { code, pressed } => json!(["button", code, pressed]),
        Event::Relative { dx, dy } => json!(["relative", dx, dy]),
        Event::Absolute { x, y } => json!(["absolute", x, y]),
        Event::Scroll { dx, dy } => json!(["scroll", dx, dy]),
    }
}
