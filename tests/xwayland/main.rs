//! X11 programs in an in-process compositor with the real Xwayland: what is seen, what has the focus, where input goes,
//! what is copied and pasted, and what happens when the X server dies.

#[allow(dead_code, reason = "shared with the compositor's tests, which use all of it")]
#[path = "../compositor/client.rs"]
mod client;
#[allow(dead_code, reason = "shared with the compositor's tests, which use all of it")]
#[path = "../compositor/fixture.rs"]
mod fixture;
#[allow(dead_code, reason = "shared with the compositor's tests, which use all of it")]
#[path = "../compositor/log.rs"]
mod log;

mod answers;
mod clipboard;
mod controls;
mod cursor;
mod desk;
mod grab;
mod input;
mod limit;
mod modes;
mod monitor;
mod profiles;
mod programs;
mod selection;
mod server;
mod servers;
mod steam;
mod typing;
mod windows;
mod x;
