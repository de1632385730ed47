//! What smithay's X11 window manager asks of us.

use super::filling::Fill;
use super::pairing::announced_id;
use super::slot::Managed;
use crate::scene::policy::WindowId;
use crate::scene::window::Kind;
use crate::state::{Scope, State};
use smithay::utils::{Logical, Rectangle};
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

impl XwmHandler for State {
    fn xwm_state(&mut self, id: XwmId) -> &mut X11Wm {
        // smithay begins each event with this.
        self.scope.now = self.scope.clock.now();
        let xwayland = &mut self.scope.xwayland;
        xwayland.asked = xwayland.managed_by(id);
        if let Some(server) = xwayland.asked {
            xwayland.asks(server);
        }
        let runs = xwayland.slots.values_mut().filter_map(|slot| slot.run.as_mut());
        let current = runs.filter_map(|run| run.wm.as_mut());
        match current.chain(&mut xwayland.retired).find(|wm| wm.id() == id) {
            Some(wm) => wm,
            // Every manager is kept from its start on, before it has had an event.
            None => unreachable!("an X11 window manager that never was"),
        }
    }

    // Programs make many windows that they never show: one is known from when it is to be mapped, and only counted before.
    fn new_window(&mut self, xwm: XwmId, window: X11Surface) {
        if let Some(server) = self.scope.xwayland.managed_by(xwm) {
            self.scope.x11_window_made(server, window.window_id());
        }
    }

    fn new_override_redirect_window(&mut self, xwm: XwmId, window: X11Surface) {
        self.new_window(xwm, window);
    }

    fn map_window_request(&mut self, xwm: XwmId, window: X11Surface) {
        let Some(server) = self.scope.xwayland.managed_by(xwm) else {
            return;
        };
        self.x11_note_focus(&window);
        let scope = &mut self.scope;
        let ewmh = scope.xwayland.ewmh(server);
        let wishes = ewmh.and_then(|e| e.wishes(window.window_id()).ok()).unwrap_or_default();
        let rect = scope.x11_first_place(server, &window);
        scope.x11_manage(server, &window, false);
        tell(window.configure(rect));
        tell(window.set_mapped(true));
        let id = scope.xwayland.managed(&window).map(|managed| managed.id);
        if let Some(known) = id.and_then(|id| scope.windows.get_mut(id)) {
            known.skipped = wishes.skipped;
        }
        if wishes.maximized {
            scope.x11_fill(&window, Fill::Maximized);
        }
        if wishes.fullscreen {
            scope.x11_fill(&window, Fill::Fullscreen);
        }
        if scope.settings.force_fullscreen && scope.x11_is_main(&window) {
            scope.x11_force(&window, true);
        }
    }

    fn map_window_notify(&mut self, xwm: XwmId, window: X11Surface) {
        if let Some(server) = self.scope.xwayland.managed_by(xwm) {
            self.scope.x11_manage(server, &window, true);
        }
    }

    fn mapped_override_redirect_window(&mut self, xwm: XwmId, window: X11Surface) {
        self.map_window_notify(xwm, window);
    }

    fn unmapped_window(&mut self, xwm: XwmId, window: X11Surface) {
        self.x11_forget(xwm, &window);
        if window.is_override_redirect()
            && let Some(server) = self.scope.xwayland.managed_by(xwm)
        {
            self.scope.x11_hide_for_manager(server, window.window_id());
        }
    }

    fn destroyed_window(&mut self, xwm: XwmId, window: X11Surface) {
        self.x11_forget(xwm, &window);
        let Some(server) = self.scope.xwayland.managed_by(xwm) else {
            return;
        };
        self.scope.x11_window_gone(server, window.window_id());
        if let Some(slot) = self.scope.xwayland.slots.get_mut(&server) {
            slot.hidden.retain(|w| *w != window.window_id());
        }
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
        // To be raised is to be seen, when it is a main window. To be lowered has no use: nobody could raise it again.
        if let (Some(Reorder::Top), Some(id)) = (reorder, self.scope.x11_id(&window)) {
            self.scope.windows.raise(id);
            self.scene_changed();
        }
    }

    fn configure_notify(
        &mut self,
        xwm: XwmId,
        window: X11Surface,
        _geometry: Rectangle<i32, Logical>,
        above: Option<u32>,
    ) {
        self.scope.damage();
        let server = self.scope.xwayland.managed_by(xwm);
        if let Some(slot) = server.and_then(|server| self.scope.xwayland.slots.get_mut(&server))
            && let Some(managed) = slot.windows.get_mut(&window.window_id())
            && managed.above != Some(above)
            && window.is_override_redirect()
        {
            // Nobody can keep such a window from moving in the order by itself; the scene's is told again.
            managed.above = Some(above);
            slot.told_order = None;
            self.x11_restack();
        }
    }

    fn property_notify(&mut self, _xwm: XwmId, window: X11Surface, property: WmWindowProperty) {
        let managed = self.scope.xwayland.managed(&window).is_some();
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
        self.scope.x11_asks_fullscreen(&window, true);
    }

    fn unfullscreen_request(&mut self, _xwm: XwmId, window: X11Surface) {
        self.scope.x11_asks_fullscreen(&window, false);
    }

    // There is nowhere to minimise to: another main window is shown, if there is one.
    fn minimize_request(&mut self, _xwm: XwmId, window: X11Surface) {
        if let Some(id) = self.scope.x11_id(&window) {
            self.minimize(id);
        }
    }

    // The main window fills the output, wherever it is, so that there is nothing to drag.
    fn resize_request(&mut self, _xwm: XwmId, _window: X11Surface, _button: u32, _edge: ResizeEdge) {}
    fn move_request(&mut self, _xwm: XwmId, _window: X11Surface, _button: u32) {}

    fn allow_selection_access(&mut self, xwm: XwmId, _target: SelectionTarget) -> bool {
        self.x11_may_read(xwm)
    }

    fn send_selection(&mut self, xwm: XwmId, target: SelectionTarget, mime: String, fd: OwnedFd) {
        if let Some(server) = self.scope.xwayland.managed_by(xwm) {
            self.x11_wants(server, target, mime, fd);
        }
    }

    fn new_selection(&mut self, xwm: XwmId, target: SelectionTarget, mimes: Vec<String>) {
        if let Some(server) = self.scope.xwayland.managed_by(xwm) {
            self.x11_offers(server, target, mimes);
        }
    }

    fn cleared_selection(&mut self, xwm: XwmId, target: SelectionTarget) {
        if let Some(server) = self.scope.xwayland.managed_by(xwm) {
            self.x11_offers_nothing(server, target);
        }
    }

    fn disconnected(&mut self, id: XwmId) {
        self.x11_lost_manager(id);
    }
}

impl State {
    fn x11_forget(&mut self, xwm: XwmId, window: &X11Surface) {
        let server = self.scope.xwayland.managed_by(xwm);
        let slot = server.and_then(|server| self.scope.xwayland.slots.get_mut(&server));
        if let Some(managed) = slot.and_then(|slot| slot.windows.remove(&window.window_id())) {
            self.scope.windows.remove(managed.id);
            self.scene_changed();
        }
    }

    fn x11_note_focus(&mut self, window: &X11Surface) {
        let xwayland = &mut self.scope.xwayland;
        let ewmh = xwayland.server_of(window).and_then(|server| xwayland.ewmh(server));
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
    fn x11_hide_for_manager(&mut self, server: u32, window: u32) {
        self.xwayland.asks(server);
        let Some(slot) = self.xwayland.slots.get_mut(&server) else {
            return;
        };
        let Some(ewmh) = slot.run.as_mut().and_then(|s| s.ewmh.as_mut()) else {
            return;
        };
        match ewmh.hide(window) {
            // smithay will hear of this unmapping, too.
            Ok(true) => slot.hidden.push(window),
            Ok(false) => {
                let before = slot.hidden.len();
                slot.hidden.retain(|w| *w != window);
                if slot.hidden.len() < before {
                    slot.to_show.push(window);
                }
            }
            Err(why) => tracing::debug!("error hiding an X11 window: {why:#}"),
        }
    }

    /// Shows again what was hidden, once smithay's request has been seen to.
    pub(super) fn x11_show_hidden(&mut self, server: u32) {
        let Some(slot) = self.xwayland.slots.get_mut(&server) else {
            return;
        };
        if slot.to_show.is_empty() {
            return;
        }
        let windows = std::mem::take(&mut slot.to_show);
        let Some(run) = self.xwayland.run(server) else { return };
        let (Some(wm), Some(ewmh)) = (&run.wm, &mut run.ewmh) else {
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
    fn x11_manage(&mut self, server: u32, window: &X11Surface, mapped: bool) {
        let Some(slot) = self.xwayland.slots.get_mut(&server) else {
            return;
        };
        slot.look = true;
        if let Some(managed) = slot.windows.get_mut(&window.window_id()) {
            managed.mapped |= mapped;
            return;
        }
        let owner = self.x11_owner(server, window);
        let id = self.windows.add(server, Kind::X11(window.clone()), None, owner);
        let managed = Managed {
            id,
            mapped,
            before: announced_id(window),
            paired: None,
            former: None,
            forced: false,
            above: None,
        };
        if let Some(slot) = self.xwayland.slots.get_mut(&server) {
            slot.windows.insert(window.window_id(), managed);
        }
        self.x11_read_marks(server, window, id);
    }

    /// The scene's name of a window that is mapped.
    fn x11_id(&mut self, window: &X11Surface) -> Option<WindowId> {
        self.xwayland.managed(window).map(|managed| managed.id)
    }
}

/// Requests fail only when the server is gone, which is noticed elsewhere.
pub(super) fn tell<E: std::fmt::Display>(result: Result<(), E>) {
    if let Err(why) = result {
        tracing::debug!("error asking the X server: {why}");
    }
}
