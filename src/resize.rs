//! Gives the output another size and rate while the session runs: the stream's frames, the game's area, and what clients
//! and viewers are told follow.

use crate::link::{Refresh, Size};
use crate::state::State;
use anyhow::{Context, Result, ensure};

/// What sides may be, in pixels; as for `-W` and `-H`.
const SIDES: std::ops::RangeInclusive<u32> = 16..=16_384;
/// What rates may be, in millihertz; as for `-r`.
const RATES: std::ops::RangeInclusive<u32> = 1_000..=1_000_000;
/// How large a picture may be, in H.264's macroblocks of 16×16: level 6.2's largest frame.
const MACROBLOCKS: u32 = 139_264;

/// Whether an output can have this mode.
pub fn check(size: Size, refresh: Refresh) -> Result<()> {
    ensure!(
        SIDES.contains(&size.w) && SIDES.contains(&size.h),
        "{}x{} is no size from 16 to 16384",
        size.w,
        size.h
    );
    ensure!(
        size.w.div_ceil(16) * size.h.div_ceil(16) <= MACROBLOCKS,
        "{}x{} is larger than a stream can be",
        size.w,
        size.h
    );
    ensure!(
        RATES.contains(&refresh.0),
        "{} mHz is no rate from 1 to 1000 Hz",
        refresh.0
    );
    Ok(())
}

impl State {
    /// Gives the output this size and rate. The game's size follows, unless it has one of its own (`-w -h`). An error: the
    /// output can't have it, and nothing has changed.
    pub fn set_output(&mut self, size: Size, refresh: Refresh) -> Result<()> {
        check(size, refresh)?;
        let before = self.scope.settings.output;
        if (size, refresh) == (before, self.scope.settings.refresh) {
            return Ok(());
        }
        self.backend
            .set_mode(size, refresh)
            .context("error changing the output's mode")?;
        tracing::info!(w = size.w, h = size.h, mhz = refresh.0, "the output has another mode");
        self.scope.settings.output = size;
        self.scope.settings.refresh = refresh;
        self.scope.repace();
        self.scope.cursor.set_factor(self.scope.settings.cursor_factor());
        // Before the X servers' screens, so that who looks for the new mode in its EDID finds it.
        match self.scope.monitor.follow(&self.scope.settings) {
            Ok(()) => self.x11_show_monitors(),
            Err(why) => tracing::warn!("the monitor's EDID does not follow its mode: {why:#}"),
        }
        self.x11_output_resized(before);
        self.eis_devices_changed();
        self.scope.scene_info_dirty = true;
        self.scene_changed();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_that_no_stream_can_have_are_refused() {
        let ok = |w, h, mhz| check(Size { w, h }, Refresh(mhz)).is_ok();
        assert!(ok(16, 16, 1_000) && ok(7680, 4320, 240_000) && ok(1080, 1920, 59_940));
        assert!(!ok(15, 16, 60_000) && !ok(16_385, 16, 60_000) && !ok(16_384, 16_384, 60_000));
        assert!(!ok(640, 480, 0) && !ok(640, 480, 1_000_001));
    }
}
