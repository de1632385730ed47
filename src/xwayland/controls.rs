//! Obeys what Steam asks for by properties of the root window and of windows, and keeps the session's own properties true.

use super::properties::{Control, Layout, mark};
use super::steam::Change;
use crate::config::{Filter, Settings};
use crate::frame::fixed::RED_ZONE;
use crate::input::hotkeys::Action;
use crate::link::{Refresh, Size};
use crate::scene::policy::{WindowId, named};
use crate::scene::window::Kind;
use crate::state::{Scope, State, period, slower};
use smithay::input::keyboard::XkbConfig;
use smithay::output::Mode;
use smithay::xwayland::X11Surface;
use std::time::Duration;

/// What was asked for while the session runs, apart from what has its place in the settings.
#[derive(Clone, Debug, PartialEq)]
pub struct Controls {
    /// Whose windows are the base, best first.
    pub base_apps: Vec<u32>,
    /// The X11 window that is the base.
    pub base_window: Option<u32>,
    /// The refresh, in place of the settings'.
    pub refresh: Option<Refresh>,
    /// Nothing is passed through.
    pub composite_force: bool,
    /// The picture's share of the output, and how much it is enlarged: 1 and 1 without a wish.
    pub zoom: (f64, f64),
    /// Frames are shown as soon as they are drawn, or at even intervals, in place of the settings'.
    pub vrr: Option<bool>,
    /// Whether HDR is offered where the settings offer it.
    pub hdr: Option<bool>,
    /// Games that would rather tear than wait need not wait.
    pub tearing: bool,
    /// What even intervals leave for what the estimate misses.
    pub red_zone: Duration,
}

impl Controls {
    /// Nothing was asked for yet: the settings hold.
    pub fn new(settings: &Settings) -> Self {
        Self {
            base_apps: Vec::new(),
            base_window: None,
            refresh: None,
            composite_force: settings.force_composition,
            zoom: (1.0, 1.0),
            vrr: None,
            hdr: None,
            tearing: settings.tearing,
            red_zone: RED_ZONE,
        }
    }
}

impl State {
    /// Properties of windows, or of the root window, have changed: the window and the atom of each.
    pub(super) fn x11_properties(&mut self, server: u32, changed: &[(u32, u32)]) {
        let Some(run) = self.scope.xwayland.run(server) else {
            return;
        };
        let (Some(ewmh), Some(steam)) = (&mut run.ewmh, &mut run.steam) else {
            return;
        };
        let (conn, root) = ewmh.connection();
        let changes = steam.changes(conn, root, changed).unwrap_or_else(|why| {
            tracing::debug!("error reading properties: {why:#}");
            Vec::new()
        });
        for (window, change) in changes {
            match change {
                Change::Control(Control::Screenshot(property)) => self.x11_screenshot(server, property),
                Change::Control(control) => self.control(control),
                Change::Mark(at, words) => {
                    let id = self.scope.windows.by_x11(server, window).map(|w| w.id);
                    if let Some(known) = id.and_then(|id| self.scope.windows.get_mut(id)) {
                        mark(&mut known.marks, at, &words);
                        self.scene_changed();
                    }
                }
            }
        }
    }

    /// Does what a property of the root window asks for.
    pub fn control(&mut self, control: Control) {
        tracing::debug!(?control, "asked by a property");
        let scope = &mut self.scope;
        match control {
            Control::BaseApps(apps) => scope.controls.base_apps = apps,
            Control::BaseWindow(window) => scope.controls.base_window = window,
            Control::FpsLimit(limit) => {
                scope.settings.limit = limit;
                scope.repace();
            }
            Control::DynamicRefresh(refresh) => {
                scope.controls.refresh = refresh;
                scope.repace();
            }
            Control::Mode { server, size, beyond } => {
                let out = scope.settings.output;
                let within = |s: Size| Size {
                    w: s.w.min(out.w),
                    h: s.h.min(out.h),
                };
                self.x11_resize_screen(server, if beyond { size } else { size.map(within) });
            }
            Control::Filter(filter) => scope.settings.filter = filter,
            Control::Scaling(scaler, filter) => {
                (scope.settings.scaler, scope.settings.filter) = (scaler, filter);
            }
            Control::Scaler(scaler) => scope.settings.scaler = scaler,
            Control::Sharpness(sharpness) => scope.settings.sharpness = sharpness,
            Control::CompositeForce(force) => scope.controls.composite_force = force,
            Control::ScreenScale(share) => scope.controls.zoom.0 = share,
            Control::Magnification(factor) => scope.controls.zoom.1 = factor,
            Control::Keyboard(names) => self.set_layout(names),
            Control::KeyRepeat(repeat) => self.set_key_repeat(repeat),
            Control::Vrr(on) => scope.set_vrr(on),
            Control::Hdr(on) => scope.set_hdr(on),
            Control::Tearing(may) => {
                scope.controls.tearing = may.unwrap_or(scope.settings.tearing);
                scope.look_at_hints();
            }
            Control::RedZone(red_zone) => {
                scope.controls.red_zone = red_zone.unwrap_or(RED_ZONE);
                scope.pacer.set_red_zone(scope.controls.red_zone);
            }
            Control::ForceFullscreen(force) => self.force_fullscreen(force),
            Control::CreateServer(name) => self.x11_create_server(name),
            Control::DestroyServer(server) => self.x11_end_server(server),
            Control::Screenshot(_) => self.take_screenshot(),
        }
        self.scene_changed();
    }

    /// What one of our hotkeys does.
    pub fn hotkey(&mut self, action: Action) {
        let settings = &mut self.scope.settings;
        let toggled = |filter| {
            if settings.filter == filter {
                Filter::Linear
            } else {
                filter
            }
        };
        match action {
            Action::Nearest => settings.filter = toggled(Filter::Nearest),
            Action::Nis => settings.filter = toggled(Filter::Nis),
            Action::Fsr => settings.filter = toggled(Filter::Fsr),
            Action::Sharper => settings.sharpness = settings.sharpness.saturating_sub(1),
            Action::Softer => settings.sharpness = (settings.sharpness + 1).min(20),
            Action::Screenshot => self.take_screenshot(),
            Action::Grab => self.scope.hotkeys.grabbed = !self.scope.hotkeys.grabbed,
            Action::GrabPointer => settings.force_grab_cursor = !settings.force_grab_cursor,
            Action::Fullscreen => {
                let force = !settings.force_fullscreen;
                self.force_fullscreen(force);
            }
        }
        tracing::info!(?action, "hotkey");
        self.scope.scene_info_dirty = true;
        self.scope.xwayland.told.dirty = true;
        self.scope.damage();
    }

    /// Every main window is made to fill the output, or is given back its own size.
    fn force_fullscreen(&mut self, force: bool) {
        if std::mem::replace(&mut self.scope.settings.force_fullscreen, force) == force {
            return;
        }
        let scope = &self.scope;
        let windows = scope.windows.infos(&|server| scope.area_of(server), false);
        let main = windows.iter().filter(|w| w.is_main()).map(|w| w.id);
        for id in main.collect::<Vec<_>>() {
            if let Some(Kind::X11(window)) = self.scope.windows.get(id).map(|w| w.kind.clone()) {
                self.scope.x11_force(&window, force);
            }
        }
    }

    /// The keyboard's layout, without one the settings'.
    fn set_layout(&mut self, layout: Option<Layout>) {
        let Some(keyboard) = self.scope.seat.get_keyboard() else {
            return;
        };
        let kb = self.scope.settings.keyboard.clone();
        let layout = layout.unwrap_or(Layout {
            layout: kb.layout,
            variant: kb.variant,
            options: None,
        });
        let config = XkbConfig {
            rules: "",
            model: &kb.model,
            layout: &layout.layout,
            variant: &layout.variant,
            options: layout.options.clone().or(kb.options),
        };
        match keyboard.set_xkb_config(self, config) {
            Ok(()) => {
                self.scope.typing.forget_keys();
                self.eis_devices_changed();
            }
            Err(_) => tracing::warn!(?layout, "no keyboard has this layout"),
        }
    }

    /// How keys repeat, without a word on it as the settings say.
    fn set_key_repeat(&mut self, repeat: Option<(u32, u32)>) {
        let kb = &self.scope.settings.keyboard;
        let (rate, delay) = repeat.map_or((kb.repeat_rate, kb.repeat_delay), |(r, d)| (r as i32, d as i32));
        if let Some(keyboard) = self.scope.seat.get_keyboard() {
            keyboard.change_repeat_info(rate, delay);
        }
    }
}

impl Scope {
    /// The server at this place is gone, with the properties that named the base, or with the window that they named: another
    /// one is to have its number.
    pub(super) fn forget_named_base(&mut self, server: u32) {
        // Its windows are there still, but can't be seen any more.
        let area = |server| self.area_of(server);
        let windows = self
            .windows
            .iter()
            .map(|w| w.info(&self.windows, &area, self.settings.steam));
        let of_it =
            named(&windows.collect::<Vec<_>>(), &self.wants()).is_some_and(|w| w.x11.map(|(of, _)| of) == Some(server));
        if of_it || server == 0 {
            self.controls.base_window = None;
        }
        if server == 0 {
            self.controls.base_apps.clear();
        }
    }

    /// Reads what Steam says of a window that is new.
    pub(super) fn x11_read_marks(&mut self, server: u32, window: &X11Surface, id: WindowId) {
        let Some(run) = self.xwayland.run(server) else { return };
        let (Some(ewmh), Some(steam)) = (&mut run.ewmh, &run.steam) else {
            return;
        };
        let marks = steam.marks(ewmh.connection().0, window.window_id());
        match marks {
            Ok(marks) => {
                if let Some(known) = self.windows.get_mut(id) {
                    known.marks = marks;
                }
            }
            Err(why) => tracing::debug!("error reading a window's properties: {why:#}"),
        }
    }

    /// The refresh that the output has now.
    pub fn refresh(&self) -> Refresh {
        let most = self.settings.refresh;
        self.controls.refresh.map_or(most, |r| slower(r, most))
    }

    /// Whether frames are shown as soon as they are drawn, and not at even intervals.
    pub fn is_vrr(&self) -> bool {
        self.controls.vrr.unwrap_or(self.settings.adaptive_sync)
    }

    /// Shows frames as soon as they are drawn, or at even intervals; `None`: as the settings say.
    pub fn set_vrr(&mut self, on: Option<bool>) {
        let before = self.is_vrr();
        self.controls.vrr = on;
        if self.is_vrr() != before {
            self.pacer.set_fixed(before);
            self.pacer.set_red_zone(self.controls.red_zone);
            self.xwayland.told.dirty = true;
        }
    }

    /// The limit, or the refresh, has changed.
    pub fn repace(&mut self) {
        let refresh = self.refresh();
        let rate = self.settings.limit.map_or(refresh, |l| slower(l, refresh));
        self.pacer.set_period(period(rate));
        self.tell_limit();
    }

    /// Tells games' drivers whether a limit is set.
    pub fn tell_limit(&mut self) {
        let limited = self.settings.limit.is_some();
        if let Some(why) = self.limiter.as_mut().and_then(|file| file.tell(limited).err()) {
            tracing::warn!("the frame limit can't be told: {why}");
        }
    }

    /// Gives the game another size to be.
    pub(super) fn resize_area(&mut self, size: Size) {
        self.area = (size.w as i32, size.h as i32).into();
        let mode = Mode {
            size: (size.w as i32, size.h as i32).into(),
            refresh: self.settings.refresh.0 as i32,
        };
        self.output.change_current_state(Some(mode), None, None, None);
        self.output.set_preferred(mode);
        for window in self.windows.iter() {
            if let Kind::Xdg(toplevel) = &window.kind
                && toplevel.is_initial_configure_sent()
                && toplevel.parent().is_none()
            {
                toplevel.with_pending_state(|s| {
                    s.bounds = Some(self.area);
                    s.size = s.size.and(Some(self.area));
                });
                toplevel.send_pending_configure();
            }
        }
        self.damage();
    }
}
