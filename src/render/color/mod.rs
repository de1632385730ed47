//! What is not sRGB is made it, as the output and the stream are: a surface whose image description says something else is
//! drawn from a converted copy of its buffer.
//!
//! | file | what |
//! |---|---|
//! | [`curve`] | transfer functions: from a signal to light, and back |
//! | [`primaries`] | from one set of primaries to another |
//! | [`tone`] | highlights that the output can't show |
//! | [`convert`] | all of it, for pictures |
//! | [`surface`] | which surfaces, and their copies |

mod convert;
mod curve;
mod primaries;
mod surface;
mod tone;

pub use convert::{Converter, Depth, Space};
pub use curve::Curve;
pub use surface::{Converted, Copies, TEN_BITS};

#[cfg(test)]
mod tests;
