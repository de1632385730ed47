//! What smithay's X11 window manager asks of us.

use super::pairing::announced_id;
use super::{Managed, placing};
use crate::scene::window::Kind;
use crate::state::{Scope, State};
use smithay::utils::{Logical, Rectangle, Size};
use smithay::wayland::selection::SelectionTarget;
use smithay::xwayland::xwm::{Reorder, ResizeEdge, WmWindowProperty, WmWindowType, XwmId};
use smithay::xwayland::{X11Surface, X11Wm, XwmHandler};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};

/// Kept with a window: it has no use for the keyboard (ICCCM 4.1.7, "no input").
#[derive(Default)]
struct NoInput(AtomicBool);

/// Whether a window can have the keyboard. Override-redirect windows, which no window manager is to focus, can when they
/// are no menu of any kind: old games make their full-screen windows so.
pub fn takes_keyboard(window: &X11Surface) -> bool {
    if window.is_override_redirect() {
        return matches!(
            window.window_type(),
            None | Some(WmWindowType::Normal | WmWindowType::Dialog | WmWindowType::Utility)
        );
    }
    let no_input = window.user_data().get::<NoInput>();
    no_input.is_none_or(|n| !n.0.load(Ordering::Relaxed))
}

/// What fills the output.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fill {
    Fullscreen,
    Maximized,
}

impl XwmHandler for State {
    fn xwm_state(&mut self, id: XwmId) -> &mut X11Wm {
        // smithay begins each event with this.
        self.scope.now = self.scope.clock.now();
        let xwayland = &mut self.scope.xwayland;
        let current = xwayland.server.as_mut().and_then(|s| s.wm.as_mut());
        match current
            .into_iter()
            .chain(&mut xwayland.retired)
            .find(|wm| wm.id() == id)
        {
            Some(wm) => wm,
            // Every manager is kept from its start on, before it has had an event.
            None => unreachable!("an X11 window manager that never was"),
        }
    }

    // Programs make many windows that they never show: one is known from when it is to be mapped.
    fn new_window(&mut self, _xwm: XwmId, _window: X11Surface) {}
    fn new_override_redirect_window(&mut self, _xwm: XwmId, _window: X11Surface) {}

    fn map_window_request(&mut self, _xwm: XwmId, window: X11Surface) {
        self.x11_note_focus(&window);
        let scope = &mut self.scope;
        let ewmh = scope.xwayland.server.as_mut().and_then(|s| s.ewmh.as_mut());
        let wishes = ewmh.and_then(|e| e.wishes(window.window_id()).ok()).unwrap_or_default();
        let rect = scope.x11_first_place(&window);
        scope.x11_manage(&window, false);
        tell(window.configure(rect));
        tell(window.set_mapped(true));
        if let Some(managed) = scope.xwayland.windows.get(&window.window_id())
            && let Some(known) = scope.windows.get_mut(managed.id)
        {
            known.skipped = wishes.skipped;
        }
        let main =
            window.window_type().is_none_or(|t| t == WmWindowType::Normal) && window.is_transient_for().is_none();
        if scope.settings.force_fullscreen && main {
            scope.x11_force(&window, true);
        }
        if wishes.maximized {
            scope.x11_fill(&window, Fill::Maximized);
        }
        if wishes.fullscreen {
            scope.x11_fill(&window, Fill::Fullscreen);
        }
    }

    fn map_window_notify(&mut self, _xwm: XwmId, window: X11Surface) {
        self.scope.x11_manage(&window, true);
    }

    fn mapped_override_redirect_window(&mut self, _xwm: XwmId, window: X11Surface) {
        self.scope.x11_manage(&window, true);
    }

    fn unmapped_window(&mut self, _xwm: XwmId, window: X11Surface) {
        self.x11_forget(&window);
        if window.is_override_redirect() {
            self.scope.x11_hide_for_manager(window.window_id());
        }
    }

    fn destroyed_window(&mut self, _xwm: XwmId, window: X11Surface) {
        self.x11_forget(&window);
        self.scope.xwayland.hidden.retain(|w| *w != window.window_id());
    }

    fn configure_request(
        &mut self,
        _xwm: XwmId,
        window: X11Surface,
        x: Option<i32>,
        y: Option<i32>,
        w: Option<u32>,
        h: Option<u32>,
        reorder: Option<Reorder>,
    ) {
        self.scope.x11_place(&window, (x, y), (w, h));
        let scope = &mut self.scope;
        // To be raised is to be seen, when it is a main window. To be lowered has no use: nobody could raise it again.
        if let (Some(Reorder::Top), Some(id)) = (reorder, scope.windows.by_x11(0, window.window_id()).map(|w| w.id)) {
            scope.windows.raise(id);
            self.scene_changed();
        }
    }

    fn configure_notify(
        &mut self,
        _xwm: XwmId,
        window: X11Surface,
        _geometry: Rectangle<i32, Logical>,
        above: Option<u32>,
    ) {
        self.scope.damage();
        let xwayland = &mut self.scope.xwayland;
        if let Some(managed) = xwayland.windows.get_mut(&window.window_id())
            && managed.above != Some(above)
            && window.is_override_redirect()
        {
            // Nobody can keep such a window from moving in the order by itself; the scene's is told again.
            managed.above = Some(above);
            xwayland.told_order = None;
            self.x11_restack();
        }
        // One that places itself becomes a main window by covering everything.
        if window.is_override_redirect() {
            let id = self.scope.windows.by_x11(0, window.window_id()).map(|w| w.id);
            let main = |s: &Scope| {
                let known = id.and_then(|id| s.windows.get(id));
                known.is_some_and(|w| w.info(&s.windows, s.area, s.settings.steam).is_main())
            };
            let was = self.scope.choice.base == id;
            if id.is_some() && main(&self.scope) != was {
                self.scene_changed();
            }
        }
    }

    fn property_notify(&mut self, _xwm: XwmId, window: X11Surface, property: WmWindowProperty) {
        let managed = self.scope.xwayland.windows.contains_key(&window.window_id());
        match property {
            WmWindowProperty::Title | WmWindowProperty::Class => self.scope.scene_info_dirty = true,
            WmWindowProperty::Hints | WmWindowProperty::Protocols if managed => {
                self.x11_note_focus(&window);
                self.scene_changed();
            }
            WmWindowProperty::TransientFor | WmWindowProperty::WindowType if managed => self.scene_changed(),
            _ => {}
        }
    }

    fn maximize_request(&mut self, _xwm: XwmId, window: X11Surface) {
        self.scope.x11_fill(&window, Fill::Maximized);
    }

    fn unmaximize_request(&mut self, _xwm: XwmId, window: X11Surface) {
        self.scope.x11_unfill(&window, Fill::Maximized);
    }

    fn fullscreen_request(&mut self, _xwm: XwmId, window: X11Surface) {
        self.scope.x11_fill(&window, Fill::Fullscreen);
    }

    fn unfullscreen_request(&mut self, _xwm: XwmId, window: X11Surface) {
        self.scope.x11_unfill(&window, Fill::Fullscreen);
    }

    // There is nowhere to minimise to: another main window is shown, if there is one.
    fn minimize_request(&mut self, _xwm: XwmId, window: X11Surface) {
        if let Some(id) = self.scope.windows.by_x11(0, window.window_id()).map(|w| w.id) {
            self.minimize(id);
        }
    }

    // The main window fills the output, wherever it is, so that there is nothing to drag.
    fn resize_request(&mut self, _xwm: XwmId, _window: X11Surface, _button: u32, _edge: ResizeEdge) {}
    fn move_request(&mut self, _xwm: XwmId, _window: X11Surface, _button: u32) {}

    fn allow_selection_access(&mut self, _xwm: XwmId, _target: SelectionTarget) -> bool {
        self.x11_may_read()
    }

    fn send_selection(&mut self, _xwm: XwmId, target: SelectionTarget, mime: String, fd: OwnedFd) {
        self.x11_wants(target, mime, fd);
    }

    fn new_selection(&mut self, _xwm: XwmId, target: SelectionTarget, mimes: Vec<String>) {
        self.x11_offers(target, mimes);
    }

    fn cleared_selection(&mut self, _xwm: XwmId, target: SelectionTarget) {
        self.x11_offers_nothing(target);
    }

    fn disconnected(&mut self, id: XwmId) {
        self.x11_lost_manager(id);
    }
}

impl State {
    fn x11_forget(&mut self, window: &X11Surface) {
        if let Some(managed) = self.scope.xwayland.windows.remove(&window.window_id()) {
            self.scope.windows.remove(managed.id);
            self.scene_changed();
        }
    }

    fn x11_note_focus(&mut self, window: &X11Surface) {
        let ewmh = self.scope.xwayland.server.as_mut().and_then(|s| s.ewmh.as_mut());
        let takes = ewmh
            .and_then(|e| e.takes_focus(window.window_id()).ok())
            .unwrap_or(false);
        let input = window.hints().and_then(|h| h.input).unwrap_or(true);
        let data = window.user_data();
        data.insert_if_missing_threadsafe(NoInput::default);
        if let Some(no_input) = data.get::<NoInput>() {
            no_input.0.store(!input && !takes, Ordering::Relaxed);
        }
    }
}

impl Scope {
    /// smithay answers the unmapping of any window by putting it onto the screen once more, which unmaps and maps one
    /// that is mapped: were its client to have mapped it again by now, this would go on for ever. So an
    /// override-redirect window (others are mapped by smithay itself) is hidden until smithay is done with it.
    fn x11_hide_for_manager(&mut self, window: u32) {
        let xwayland = &mut self.xwayland;
        let Some(ewmh) = xwayland.server.as_mut().and_then(|s| s.ewmh.as_mut()) else {
            return;
        };
        match ewmh.hide(window) {
            // smithay will hear of this unmapping, too.
            Ok(true) => xwayland.hidden.push(window),
            Ok(false) => {
                let before = xwayland.hidden.len();
                xwayland.hidden.retain(|w| *w != window);
                if xwayland.hidden.len() < before {
                    xwayland.to_show.push(window);
                }
            }
            Err(why) => tracing::debug!("error hiding an X11 window: {why:#}"),
        }
    }

    /// Shows again what was hidden, once smithay's request has been seen to.
    pub(super) fn x11_show_hidden(&mut self) {
        if self.xwayland.to_show.is_empty() {
            return;
        }
        let windows = std::mem::take(&mut self.xwayland.to_show);
        let Some(server) = &mut self.xwayland.server else {
            return;
        };
        let (Some(wm), Some(ewmh)) = (&server.wm, &mut server.ewmh) else {
            return;
        };
        // Any answer to the manager comes after what it asked for before.
        if let Err(why) = wm.get_randr_primary_output() {
            tracing::debug!("error waiting for the X server: {why}");
        }
        for window in windows {
            tell(ewmh.show(window));
        }
    }

    /// A window is to be mapped, or is.
    fn x11_manage(&mut self, window: &X11Surface, mapped: bool) {
        self.xwayland.look = true;
        if let Some(managed) = self.xwayland.windows.get_mut(&window.window_id()) {
            managed.mapped |= mapped;
            return;
        }
        let id = self.windows.add(Kind::X11(window.clone()), None);
        let managed = Managed {
            id,
            mapped,
            before: announced_id(window),
            paired: None,
            former: None,
            above: None,
        };
        self.xwayland.windows.insert(window.window_id(), managed);
        self.x11_read_marks(window, id);
    }

    fn x11_first_place(&self, window: &X11Surface) -> Rectangle<i32, Logical> {
        let hints = window.size_hints();
        let parent = window.is_transient_for();
        let at_least = |size: (i32, i32)| Size::from((size.0.max(0), size.1.max(0)));
        let first = placing::First {
            rect: window.geometry(),
            placed: hints.is_some_and(|h| h.position.is_some()),
            min: hints.and_then(|h| h.min_size).map(at_least).unwrap_or_default(),
            over: parent
                .and_then(|p| self.windows.by_x11(0, p))
                .map(|w| w.rect(self.area)),
            dialog: parent.is_some() || window.window_type().is_some_and(|t| t != WmWindowType::Normal),
        };
        placing::first(first, self.area)
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
            placing::asked(window.geometry(), at, size, self.area)
        };
        tell(window.configure(rect));
        self.damage();
    }

    /// The rectangle of a window that fills the output.
    fn x11_whole(&mut self, window: &X11Surface) -> Rectangle<i32, Logical> {
        let ewmh = self.xwayland.server.as_mut().and_then(|s| s.ewmh.as_mut());
        ewmh.and_then(|e| e.emulated(window.window_id()))
            .unwrap_or(Rectangle::from_size(self.area))
    }

    fn x11_fill(&mut self, window: &X11Surface, how: Fill) {
        if window.is_override_redirect() {
            return;
        }
        let fills = window.is_fullscreen() || window.is_maximized();
        if let Some(managed) = self.xwayland.windows.get_mut(&window.window_id())
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

    /// A window that is to fill the output whether it wants or not.
    pub(super) fn x11_force(&mut self, window: &X11Surface, force: bool) {
        if force {
            self.x11_fill(window, Fill::Fullscreen);
        } else {
            self.x11_unfill(window, Fill::Fullscreen);
        }
    }

    /// A window that fills the output, whose size has changed.
    pub(super) fn x11_fill_again(&mut self, window: &X11Surface) {
        tell(window.configure(self.x11_whole(window)));
    }

    fn x11_unfill(&mut self, window: &X11Surface, how: Fill) {
        if window.is_override_redirect() {
            return;
        }
        tell(match how {
            Fill::Fullscreen => window.set_fullscreen(false),
            Fill::Maximized => window.set_maximized(false),
        });
        // One of the two may be left.
        let managed = self.xwayland.windows.get_mut(&window.window_id());
        let rect = match managed.and_then(|m| m.former) {
            Some(former) if !window.is_fullscreen() && !window.is_maximized() => former,
            _ => return,
        };
        tell(window.configure(rect));
        self.damage();
    }
}

/// Requests fail only when the server is gone, which is noticed elsewhere.
pub(super) fn tell<E: std::fmt::Display>(result: Result<(), E>) {
    if let Err(why) = result {
        tracing::debug!("error asking the X server: {why}");
    }
}
