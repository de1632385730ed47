//! Clients that know the protocols: well-formed requests that make no sense, each connection's from a seed of its own.

use super::nonsense::{Nonsense, Request};
use crate::raw::Raw;
use anyhow::{Context, Result, ensure};
use std::collections::VecDeque;
use std::path::Path;

/// Connections, requests of each, and how many are there at the same time.
const CONNECTIONS: u64 = 300;
const REQUESTS: usize = 300;
const AT_ONCE: usize = 8;
/// Not bound, since what they do outlives their client, as it is to: the session would stay locked, or have another size.
const LEFT_OUT: [&str; 2] = ["ext_session_lock_manager_v1", "zwlr_output_manager_v1"];

/// All connections, of the seeds from `FUZZ_FROM` (0) on; `look` is called after each. How many there were, and that each was
/// answered or let go.
pub fn all(path: &Path, look: &mut dyn FnMut() -> Result<()>) -> Result<(usize, bool)> {
    let from = std::env::var("FUZZ_FROM")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(0);
    let mut there = VecDeque::new();
    for seed in from..from + CONNECTIONS {
        let told = || format!("the connection of seed {seed} (FUZZ_FROM={seed} begins with it)");
        there.push_back(torment(path, seed).with_context(told)?);
        if there.len() > AT_ONCE {
            there.pop_front();
        }
        look().with_context(told)?;
    }
    Ok((CONNECTIONS as usize, true))
}

/// Sends one seed's requests. The connection, which may have ended.
fn torment(path: &Path, seed: u64) -> Result<Raw> {
    let mut raw = Raw::new(path)?;
    let mut nonsense = Nonsense::new(seed);
    send(&raw, &Nonsense::registry());
    let globals = raw.roundtrip_as(nonsense.id())?;
    let globals = globals.ok().context("no globals")?;
    let mut first = nonsense.bind(&globals, &LEFT_OUT);
    first.extend(nonsense.window());
    ensure!(
        first.iter().all(|request| send(&raw, request)),
        "it was let go for nothing"
    );
    listen(&mut raw, &mut nonsense)?;
    let shown = nonsense.show();
    ensure!(
        shown.iter().all(|request| send(&raw, request)),
        "it was let go for a window"
    );
    for done in 0..REQUESTS {
        let request = nonsense.request();
        let ended = request.is_some_and(|request| !send(&raw, &request));
        if ended || done % 16 == 0 && !listen(&mut raw, &mut nonsense)? {
            return Ok(raw);
        }
    }
    listen(&mut raw, &mut nonsense)?;
    Ok(raw)
}

fn send(raw: &Raw, request: &Request) -> bool {
    raw.request(request.object, request.opcode.into(), &request.body, &request.files)
}

/// Waits until all that was sent has been looked at. Whether the connection goes on.
fn listen(raw: &mut Raw, nonsense: &mut Nonsense) -> Result<bool> {
    let Ok(events) = raw.roundtrip_as(nonsense.id())? else {
        return Ok(false);
    };
    events.iter().for_each(|event| nonsense.hear(event));
    Ok(true)
}
