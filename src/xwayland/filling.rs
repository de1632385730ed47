//! Gives windows their places and sizes: as `placing` has it, and those of windows that fill the output.

use super::manager::tell;
use super::placing;
use crate::state::Scope;
use smithay::utils::{Logical, Rectangle, Size};
use smithay::xwayland::X11Surface;
use smithay::xwayland::xwm::WmWindowType;

/// What fills the output.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fill {
    Fullscreen,
    Maximized,
}

impl Scope {
    /// The size of the screen that the window is on.
    fn x11_area(&self, window: &X11Surface) -> Size<i32, Logical> {
        self.area_of(self.xwayland.server_of(window).unwrap_or(0))
    }

    pub(super) fn x11_first_place(&self, server: u32, window: &X11Surface) -> Rectangle<i32, Logical> {
        let hints = window.size_hints();
        let parent = window.is_transient_for();
        let at_least = |size: (i32, i32)| Size::from((size.0.max(0), size.1.max(0)));
        let first = placing::First {
            rect: window.geometry(),
            placed: hints.is_some_and(|h| h.position.is_some()),
            min: hints.and_then(|h| h.min_size).map(at_least).unwrap_or_default(),
            over: parent
                .and_then(|p| self.windows.by_x11(server, p))
                .map(|w| w.rect(self.area_of(server))),
            dialog: parent.is_some() || window.window_type().is_some_and(|t| t != WmWindowType::Normal),
        };
        placing::first(first, self.area_of(server))
    }

    /// A client asks for another place and size: it has its will within the screen, unless the window is full-screen.
    pub(super) fn x11_place(
        &mut self,
        window: &X11Surface,
        at: (Option<i32>, Option<i32>),
        size: (Option<u32>, Option<u32>),
    ) {
        let rect = if window.is_fullscreen() {
            self.x11_whole(window)
        } else {
            placing::asked(window.geometry(), at, size, self.x11_area(window))
        };
        tell(window.configure(rect));
        self.damage();
    }

    /// The rectangle of a window that fills the output.
    fn x11_whole(&mut self, window: &X11Surface) -> Rectangle<i32, Logical> {
        let server = self.xwayland.server_of(window);
        let ewmh = server.and_then(|server| self.xwayland.ewmh(server));
        ewmh.and_then(|e| e.emulated(window.window_id()))
            .unwrap_or_else(|| Rectangle::from_size(self.x11_area(window)))
    }

    /// A window is to fill the output.
    pub(super) fn x11_fill(&mut self, window: &X11Surface, how: Fill) {
        if window.is_override_redirect() {
            return;
        }
        let fills = window.is_fullscreen() || window.is_maximized();
        if let Some(managed) = self.xwayland.managed(window)
            && !fills
        {
            managed.former = Some(window.geometry());
        }
        tell(match how {
            Fill::Fullscreen => window.set_fullscreen(true),
            Fill::Maximized => window.set_maximized(true),
        });
        tell(window.configure(self.x11_whole(window)));
        self.damage();
    }

    /// A window asks to be full-screen, or to be so no longer: where every window must be, that is for later.
    pub(super) fn x11_asks_fullscreen(&mut self, window: &X11Surface, wants: bool) {
        let must = !wants && self.settings.force_fullscreen && self.x11_is_main(window);
        if let Some(managed) = self.xwayland.managed(window) {
            managed.forced = must;
        }
        if wants {
            self.x11_fill(window, Fill::Fullscreen);
        } else if !must {
            self.x11_unfill(window, Fill::Fullscreen);
        }
    }

    /// A window is to fill the output whether it wants or not, or only as it asked for itself.
    pub(super) fn x11_force(&mut self, window: &X11Surface, force: bool) {
        let full = window.is_fullscreen();
        let Some(managed) = self.xwayland.managed(window) else {
            return;
        };
        let was_forced = managed.forced;
        managed.forced = force && (was_forced || !full);
        if force && !full {
            self.x11_fill(window, Fill::Fullscreen);
        } else if !force && was_forced {
            self.x11_unfill(window, Fill::Fullscreen);
        }
    }

    /// Whether it is a main window.
    pub(super) fn x11_is_main(&self, window: &X11Surface) -> bool {
        let server = self.xwayland.server_of(window).unwrap_or(0);
        let known = self.windows.by_x11(server, window.window_id());
        let area = |server| self.area_of(server);
        known.is_some_and(|w| w.info(&self.windows, &area, false).is_main())
    }

    /// A window that fills the output, whose size has changed.
    pub(super) fn x11_fill_again(&mut self, window: &X11Surface) {
        tell(window.configure(self.x11_whole(window)));
    }

    pub(super) fn x11_unfill(&mut self, window: &X11Surface, how: Fill) {
        if window.is_override_redirect() {
            return;
        }
        tell(match how {
            Fill::Fullscreen => window.set_fullscreen(false),
            Fill::Maximized => window.set_maximized(false),
        });
        // One of the two may be left.
        let rect = match self.xwayland.managed(window).and_then(|m| m.former) {
            Some(former) if !window.is_fullscreen() && !window.is_maximized() => former,
            _ => return,
        };
        tell(window.configure(rect));
        self.damage();
    }
}
