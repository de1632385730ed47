//! How much one composition may draw apart from the picture itself: converted copies, and what is translucent. A client may
//! have thousands of surfaces that ask for either, each as large as the output.

use crate::link::Size;

/// What is granted whatever the output's size is: a picture of 3840 x 2160, and half as much beside it.
const LEAST: u64 = 3840 * 2160 * 3 / 2;

/// So many outputs' worth is granted, if that is more: a game's picture and what lies above it.
const OUTPUTS: u64 = 4;

/// The pixels that a composition may still draw.
#[derive(Debug, Default)]
pub struct Budget(u64);

impl Budget {
    /// For an output of this size.
    pub fn new(output: Size) -> Self {
        Self((OUTPUTS * u64::from(output.w) * u64::from(output.h)).max(LEAST))
    }

    /// Takes so many pixels. Whether there were as many.
    pub fn take(&mut self, pixels: u64) -> bool {
        let left = self.0.checked_sub(pixels);
        self.0 = left.unwrap_or(self.0);
        left.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much_is_not_taken_and_less_still_is() {
        let mut budget = Budget::new(Size { w: 640, h: 360 });
        assert!(budget.take(LEAST - 1000));
        assert!(!budget.take(1001) && budget.take(1000) && !budget.take(1) && budget.take(0));
        let mut budget = Budget::new(Size { w: 7680, h: 4320 });
        assert!((0..4).all(|_| budget.take(7680 * 4320)) && !budget.take(1));
    }
}
