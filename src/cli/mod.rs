//! The command line: gamescope's spelling, and what is ours.
//!
//! Owns the list of options ([`Options`], whose doc comments are the help and whose long names are the keys of the
//! configuration file), the list of gamescope's options that are refused ([`unserved`]), and [`parse`], which turns
//! arguments into an [`Action`]. What the options mean together is decided in [`crate::config`].

mod options;
mod parse;
pub mod unserved;
pub mod values;

pub use options::{Cli, Command, Options};
pub use parse::{Action, Refusal, command, parse};
