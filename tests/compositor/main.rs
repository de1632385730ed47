//! The compositor in-process with scripted clients: from a commit to an `EncodeJob` with the right pixels, on a virtual
//! clock.

mod bad;
mod client;
mod devices;
mod fifo;
mod fixture;
mod gamma;
mod hints;
mod hotkeys;
mod idle;
mod input;
mod layers;
mod lock;
mod log;
mod modes;
mod picture;
mod relations;
mod sandbox;
mod scaling;
mod screencopy;
mod screenshot;
mod surfaces;
mod text;
mod timing;
mod virtual_pointer;
