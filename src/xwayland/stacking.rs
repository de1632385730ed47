//! Tells each X server the order of windows and which has the focus.
//!
//! The X server picks the window under its pointer by its own order. Were that another than the scene's, a hidden
//! window would swallow the clicks meant for the one that is seen.

use crate::state::{Scope, State};
use smithay::xwayland::X11Surface;

/// The X11 window whose place among the screen's windows counts: the frame that smithay put around it, if there is one.
pub fn outermost(window: &X11Surface) -> u32 {
    window.mapped_window_id().unwrap_or_else(|| window.window_id())
}

impl State {
    /// Tells each X server the stacking order of its windows and the focused one.
    pub fn x11_restack(&mut self) {
        for server in self.scope.xwayland.places() {
            self.scope.x11_restack_server(server);
        }
    }
}

impl Scope {
    fn x11_restack_server(&mut self, server: u32) {
        // What the pointer is not to reach (a performance display over the game) is below what it is.
        let choice = &self.choice;
        let reach = |id| usize::from(choice.pointer.contains(&id)) * choice.shown.len();
        let shown = |id| choice.shown.iter().position(|s| *s == id).map(|at| at + reach(id));
        let of_server = self.windows.iter().filter(|w| w.server == server);
        let mut windows: Vec<_> = of_server
            .filter_map(|w| Some((shown(w.id).map_or(0, |at| at + 1), w.id, w.x11()?)))
            .collect();
        // Stable: the hidden ones keep their order among themselves, below all others.
        windows.sort_by_key(|(at, ..)| *at);

        let mut active = x11rb::NONE;
        for (_, id, x11) in &windows {
            let focused = choice.keyboard == Some(*id);
            if focused {
                active = x11.window_id();
            }
            if !x11.is_override_redirect()
                && let Err(why) = x11.set_activated(focused)
            {
                tracing::debug!("error telling an X11 window whether it is active: {why}");
            }
        }
        let order: Vec<u32> = windows.iter().map(|(.., x11)| outermost(x11)).collect();
        let listed = windows.iter().filter(|(.., x11)| !x11.is_override_redirect());
        let listed: Vec<u32> = listed.map(|(.., x11)| x11.window_id()).collect();
        self.xwayland.asks(server);
        let Some(slot) = self.xwayland.slots.get_mut(&server) else {
            return;
        };
        let Some(ewmh) = slot.run.as_mut().and_then(|s| s.ewmh.as_mut()) else {
            return;
        };
        let told = if slot.told_order.as_ref() == Some(&order) {
            Ok(())
        } else {
            ewmh.restack(&order, &listed)
        };
        if let Err(why) = told.and_then(|()| ewmh.set_active(active)) {
            tracing::debug!("error telling the X server the order of windows: {why:#}");
        }
        slot.told_order = Some(order);
    }
}

/// The moves, each a window and the one directly below which it is put, that make `now` agree with `wanted`; both
/// bottom to top. From the top down, so that a window under the pointer (mostly the topmost) is left alone: each move
/// makes the X server send enter and leave events.
pub fn moves(now: &[u32], wanted: &[u32]) -> Vec<(u32, u32)> {
    let mut now: Vec<u32> = now.iter().copied().filter(|w| wanted.contains(w)).collect();
    let mut out = Vec::new();
    let mut last: Option<u32> = None;
    for window in wanted.iter().rev().copied() {
        let Some(at) = now.iter().position(|w| *w == window) else {
            continue;
        };
        if let Some(above) = last
            && let Some(limit) = now.iter().position(|w| *w == above)
            && at > limit
        {
            now.remove(at);
            now.insert(limit, window);
            out.push((window, above));
        }
        last = Some(window);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn moves_as_little_as_it_can() {
        assert_eq!(moves(&[1, 2, 3], &[1, 2, 3]), []);
        // A hidden dialog that was mapped over a menu goes below both.
        assert_eq!(moves(&[1, 2, 3], &[3, 1, 2]), [(3, 1)]);
        // A menu of old over a window of late.
        assert_eq!(moves(&[1, 2], &[2, 1]), [(2, 1)]);
        // Windows that only one side knows.
        assert_eq!(moves(&[9, 2, 8, 1], &[1, 7, 2]), [(1, 2)]);
    }

    proptest! {
        #[test]
        fn reaches_the_wanted_order(
            now in Just((0..8u32).collect::<Vec<_>>()).prop_shuffle(),
            wanted in Just((0..8u32).collect::<Vec<_>>()).prop_shuffle(),
        ) {
            let mut order = now.clone();
            for (window, above) in moves(&now, &wanted) {
                order.retain(|w| *w != window);
                let at = order.iter().position(|w| *w == above).unwrap();
                order.insert(at, window);
            }
            prop_assert_eq!(order, wanted);
        }
    }
}
