//! The viewer's half of goggles-scope. A library for now: what the native client will be made of, held to the same
//! vectors as the page.

pub mod audio;
