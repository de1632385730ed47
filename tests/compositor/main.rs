//! The compositor in-process with scripted clients: from a commit to an `EncodeJob` with the right pixels, on a virtual
//! clock.

mod client;
mod fixture;
mod input;
mod picture;
mod scaling;
mod timing;
