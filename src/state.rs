//! The compositor's one owned state, and the order of one loop iteration.
//!
//! `State { backend, scope }`: disjoint fields, so that the backend renders while it reads the rest. Nothing here is
//! shared with another thread. An iteration is: events (Wayland, X11, network, encoder, child) → [`State::turn`]
//! (layout, focus, pacing, frame, cursor) → flush. `Scope::now` is read once an iteration.

mod news;
mod scope;
mod told;
mod tuning;
mod turn;

use crate::backend::Backend;
use crate::clients::Clients;
use crate::config::Settings;
use crate::frame::pacer::Pacer;
use crate::frame::stats::Stats;
use crate::handlers::{ClientState, Extras, outputs};
use crate::input::hotkeys::Hotkeys;
use crate::input::inject::Over;
use crate::limiter::LimiterFile;
use crate::link::{FromScope, Refresh, SceneInfo};
use crate::monitor::Monitor;
use crate::render::color::TEN_BITS;
use crate::scene::cursor::Cursor;
use crate::scene::layout::Fit;
use crate::scene::policy::{Choice, WindowId};
use crate::scene::stack::{Placed, Stack};
use crate::screenshot::Screenshots;
use crate::time::Mono;
use crate::xwayland::Controls;
use anyhow::{Context, Result};
use smithay::desktop::PopupManager;
use smithay::input::{Seat, SeatState, keyboard::XkbConfig};
use smithay::output::Output;
use smithay::reexports::calloop::LoopHandle;
use smithay::reexports::wayland_server::DisplayHandle;
use smithay::utils::Logical;
use smithay::wayland::compositor::CompositorState;
use smithay::wayland::selection::{data_device::DataDeviceState, primary_selection::PrimarySelectionState};
use smithay::wayland::shell::xdg::XdgShellState;
use smithay::wayland::shm::ShmState;
use smithay::wayland::socket::ListeningSocketSource;
use smithay::wayland::xdg_activation::XdgActivationState;
use std::rc::Rc;
use std::time::Duration;
use told::Unseen;
use tuning::Followed;

/// All of the compositor.
#[derive(Debug)]
pub struct State {
    /// What shows frames.
    pub backend: Backend,
    /// The rest.
    pub scope: Scope,
}

/// smithay's protocol states.
#[derive(Debug)]
#[allow(missing_docs)]
pub struct Protocols {
    pub compositor: CompositorState,
    pub shm: ShmState,
    pub xdg_shell: XdgShellState,
    pub seat: SeatState<State>,
    pub data_device: DataDeviceState,
    pub primary_selection: PrimarySelectionState,
    pub activation: XdgActivationState,
}

/// Everything but the backend.
#[derive(Debug)]
pub struct Scope {
    /// The Wayland display.
    pub dh: DisplayHandle,
    /// Their connections.
    pub clients: Clients,
    /// Its socket's name, once it listens.
    pub wayland: String,
    /// Where games' Vulkan drivers learn whether a frame limit is set, if there is such a file.
    pub limiter: Option<LimiterFile>,
    /// To add event sources.
    pub events: LoopHandle<'static, State>,
    /// What the user asked for.
    pub settings: Settings,
    /// What tells the time; a test's is virtual.
    pub clock: Clock,
    /// The time of this iteration.
    pub now: Mono,
    /// Protocol states.
    pub protocols: Protocols,
    /// The one seat.
    pub seat: Seat<State>,
    /// The one output, as clients see it.
    pub output: Output,
    /// What the output says it is.
    pub monitor: Monitor,
    /// The size clients see (`-w -h`), in the game's coordinates.
    pub area: smithay::utils::Size<i32, Logical>,
    /// The windows.
    pub windows: Stack,
    /// Their popups.
    pub popups: PopupManager,
    /// What X properties asked for.
    pub controls: Controls,
    /// The chords that are ours.
    pub hotkeys: Hotkeys,
    /// How many input events there were; it wraps.
    pub inputs: u32,
    /// The window the player clicked last.
    pub clicked: Option<WindowId>,
    /// Windows stand where they are put, unscaled, all of them: what tests of conformance expect of a compositor.
    pub free: bool,
    /// Who is shown and focused.
    pub choice: Choice,
    /// How the base fits the output.
    pub fit: Fit,
    /// How many pixels the base has to one of its coordinates: fewer than one, where a lower mode is emulated.
    pub density: (f64, f64),
    /// How what the pointer can reach fits it.
    pub pointer_fit: Fit,
    /// What is drawn, top to bottom.
    pub placed: Vec<Placed>,
    /// `placed` must be made anew.
    pub scene_dirty: bool,
    /// The scene may be another than what viewers were told.
    pub scene_info_dirty: bool,
    /// What they were told of it.
    told_scene: Option<SceneInfo>,
    /// The cursor.
    pub cursor: Cursor,
    /// What the pointer is over.
    pub over: Over,
    /// When frames are due.
    pub pacer: Pacer,
    /// When the newest content that is shown was committed.
    pub last_commit: Mono,
    /// Who draws though nothing of it is shown.
    pub unseen: Unseen,
    /// What protocols beyond the windows' own keep.
    pub extras: Extras,
    /// Counters and time lines.
    pub stats: Stats,
    /// Whose sound and bit rate are used.
    pub followed: Followed,
    /// The network, as far as the scope tells it things.
    pub to_network: Option<Outlet>,
    /// The sound, if there is any.
    pub audio: Option<crate::stream::audio::Audio>,
    /// Input from the network.
    pub remote: crate::input::remote::Remote,
    /// Text from the network that is being typed.
    pub typing: crate::input::text::Typing,
    /// Programs that emulate input.
    pub eis: crate::input::eis::Eis,
    /// Xwayland.
    pub xwayland: crate::xwayland::Xwayland,
    /// Screenshots under way.
    pub screenshots: Screenshots,
    /// How often a signal has asked for the end since the last look.
    pub stops: u32,
    /// The program has been started, or could not be.
    pub child_started: bool,
    /// The program may have ended.
    pub child_ended: bool,
}

/// Tells the time.
#[derive(Clone)]
pub struct Clock(pub Rc<dyn Fn() -> Mono>);

impl Clock {
    /// `CLOCK_MONOTONIC`.
    pub fn monotonic() -> Self {
        Self(Rc::new(Mono::now))
    }

    /// The time now.
    pub fn now(&self) -> Mono {
        (self.0)()
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}

/// Sends messages to the network; a test collects them.
pub struct Outlet(pub Box<dyn Fn(FromScope)>);

impl std::fmt::Debug for Outlet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Outlet")
    }
}

impl State {
    /// Creates every global on `dh`. `backend` shows the frames.
    pub fn new(
        settings: Settings,
        backend: Backend,
        dh: DisplayHandle,
        events: LoopHandle<'static, Self>,
        clock: Clock,
    ) -> Result<Self> {
        let now = clock.now();
        let mut seat_state = SeatState::new();
        let mut seat = seat_state.new_wl_seat(&dh, "seat0");
        let kb = &settings.keyboard;
        seat.add_keyboard(
            XkbConfig {
                rules: "",
                model: &kb.model,
                layout: &kb.layout,
                variant: &kb.variant,
                options: kb.options.clone(),
            },
            kb.repeat_delay,
            kb.repeat_rate,
        )
        .context("error compiling the keyboard layout")?;
        let area = settings.game();
        // In a corner it would be at an edge where many games scroll, and beside a window smaller than the screen.
        let middle = (f64::from(settings.output.w) / 2.0, f64::from(settings.output.h) / 2.0);
        seat.add_pointer().set_location(middle.into());

        let monitor = Monitor::new(&settings)?;
        let output = monitor.create_output(0, area, settings.refresh);
        outputs::publish(&dh, &output, 0);
        let own_cursor = match &settings.cursor {
            Some(path) => {
                let bytes = std::fs::read(path).with_context(|| format!("error reading {}", path.display()))?;
                let image = crate::scene::cursor::from_png(&bytes, settings.cursor_hotspot);
                Some(image.with_context(|| format!("error in {}", path.display()))?)
            }
            None => None,
        };
        let period = period(settings.limit.map_or(settings.refresh, |l| slower(l, settings.refresh)));
        let mut pacer = Pacer::new(period);
        pacer.set_fixed(!settings.adaptive_sync);
        let scope = Scope {
            protocols: Protocols {
                compositor: CompositorState::new_v6::<Self>(&dh),
                shm: ShmState::new::<Self>(&dh, TEN_BITS),
                xdg_shell: XdgShellState::new::<Self>(&dh),
                seat: seat_state,
                data_device: DataDeviceState::new::<Self>(&dh),
                primary_selection: PrimarySelectionState::new::<Self>(&dh),
                activation: XdgActivationState::new::<Self>(&dh),
            },
            seat,
            output,
            monitor,
            area: (area.w as i32, area.h as i32).into(),
            windows: Stack::default(),
            popups: PopupManager::default(),
            controls: Controls::new(&settings),
            hotkeys: Hotkeys::new(settings.hotkeys.clone(), settings.grab),
            inputs: 0,
            clicked: None,
            free: false,
            choice: Choice::default(),
            fit: Fit::IDENTITY,
            density: (1.0, 1.0),
            pointer_fit: Fit::IDENTITY,
            placed: Vec::new(),
            scene_dirty: true,
            scene_info_dirty: true,
            told_scene: None,
            cursor: Cursor::new(own_cursor, settings.cursor_factor(), settings.hide_cursor),
            over: Over::default(),
            pacer,
            last_commit: now,
            unseen: Unseen::default(),
            extras: Extras::new(&dh, &events, &settings),
            stats: Stats::new(now),
            followed: Followed {
                profile: settings.profile.clone(),
                tuning: settings.tuning(),
            },
            to_network: None,
            audio: None,
            remote: crate::input::remote::Remote::default(),
            typing: crate::input::text::Typing::default(),
            eis: crate::input::eis::Eis::default(),
            xwayland: crate::xwayland::Xwayland::default(),
            screenshots: Screenshots::default(),
            stops: 0,
            child_started: false,
            child_ended: false,
            wayland: String::new(),
            limiter: None,
            clients: Clients::new(),
            dh,
            events,
            settings,
            clock,
            now,
        };
        Ok(Self { backend, scope })
    }

    /// Takes connections at the first free `gamescope-N` socket and gives its name.
    pub fn listen(&mut self) -> Result<String> {
        let name = (0..=127)
            .map(|n| format!("gamescope-{n}"))
            .find_map(|name| ListeningSocketSource::with_name(&name).ok())
            .context(
                "error creating the Wayland socket: no gamescope-N is free in XDG_RUNTIME_DIR, or it can't be written",
            )?;
        let socket = name.socket_name().to_string_lossy().into_owned();
        self.scope
            .events
            .insert_source(name, |stream, (), state: &mut Self| {
                state.let_in(stream, ClientState::default());
            })
            .map_err(|e| anyhow::anyhow!("error listening at the Wayland socket: {e}"))?;
        self.scope.wayland.clone_from(&socket);
        Ok(socket)
    }
}

/// The slower of two rates.
pub fn slower(a: Refresh, b: Refresh) -> Refresh {
    Refresh(a.0.min(b.0))
}

/// One interval of a rate.
pub fn period(rate: Refresh) -> Duration {
    Duration::from_nanos(1_000_000_000_000 / u64::from(rate.0.max(1)))
}
