//! Large programs as a player has them: a browser, Wine, RetroArch, SuperTuxKart. Slow and large, so that only
//! `make test-games` installs and runs them.

mod chromium;
mod retroarch;
mod supertuxkart;
mod wine;

use nested_tests::picture::Size;
use std::time::Duration;

const HD: Size = Size { w: 1280, h: 720 };
/// They are slow to start, and draw without a GPU.
const PATIENCE: Duration = Duration::from_secs(120);
