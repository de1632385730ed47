//! The globals that only few clients use, and what they keep.
//!
//! Not advertised: drm-lease, since a headless output has no connector to lend.

use super::color::Preferred;
use super::dmabuf::Dmabufs;
use super::gamma_control::Gamma;
use super::hints::Hints;
use super::idle::Idle;
use super::layer_shell::Layers;
use super::output_management::Heads;
use super::screencopy::Screencopy;
use super::session_lock::Lock;
use super::shortcuts::Shortcuts;
use super::surface_output::OnOutput;
use super::syncobj::Syncobjs;
use super::tally::Tally;
use super::timing::Timing;
use super::toplevel_list::Toplevels;
use super::virtual_keyboard::Keyboards;
use super::xdg_foreign::Foreign;
use super::{color, pointer_warp, tearing, trusted, virtual_pointer};
use crate::config::Settings;
use crate::state::State;
use smithay::desktop::PopupGrab;
use smithay::reexports::calloop::LoopHandle;
use smithay::reexports::wayland_protocols::wp::color_management::v1::server::wp_image_description_info_v1::WpImageDescriptionInfoV1;
use smithay::reexports::wayland_server::DisplayHandle;
use smithay::reexports::wayland_server::backend::ObjectId;
use smithay::wayland::alpha_modifier::AlphaModifierState;
use smithay::wayland::commit_timing::CommitTimingManagerState;
use smithay::wayland::content_type::ContentTypeState;
use smithay::wayland::cursor_shape::CursorShapeManagerState;
use smithay::wayland::fifo::FifoManagerState;
use smithay::wayland::fractional_scale::FractionalScaleManagerState;
use smithay::wayland::idle_inhibit::IdleInhibitManagerState;
use smithay::wayland::input_method::InputMethodManagerState;
use smithay::wayland::output::OutputManagerState;
use smithay::wayland::pointer_constraints::PointerConstraintsState;
use smithay::wayland::pointer_gestures::PointerGesturesState;
use smithay::wayland::presentation::PresentationState;
use smithay::wayland::relative_pointer::RelativePointerManagerState;
use smithay::wayland::security_context::SecurityContextState;
use smithay::wayland::shell::xdg::decoration::XdgDecorationState;
use smithay::wayland::shell::xdg::dialog::XdgDialogState;
use smithay::wayland::single_pixel_buffer::SinglePixelBufferState;
use smithay::wayland::tablet_manager::TabletManagerState;
use smithay::wayland::text_input::TextInputManagerState;
use smithay::wayland::viewporter::ViewporterState;
use smithay::wayland::virtual_keyboard::VirtualKeyboardManagerState;
use smithay::wayland::xdg_toplevel_icon::XdgToplevelIconManager;
use smithay::wayland::xwayland_keyboard_grab::XWaylandKeyboardGrabState;
use std::collections::HashSet;
use std::sync::Arc;

/// What the protocols beyond the windows' own keep.
#[derive(Debug)]
#[allow(missing_docs)]
pub struct Extras {
    pub tally: Tally,
    pub timing: Timing,
    pub dmabufs: Dmabufs,
    pub syncobjs: Syncobjs,
    pub layers: Layers,
    pub lock: Lock,
    /// The menu that has or had the keyboard and the pointer last.
    pub menu: Option<PopupGrab<State>>,
    pub idle: Idle,
    pub shortcuts: Shortcuts,
    pub keyboards: Keyboards,
    pub toplevels: Toplevels,
    pub foreign: Foreign,
    pub screencopy: Screencopy,
    pub gamma: Gamma,
    pub heads: Heads,
    pub on_output: OnOutput,
    pub preferred: Preferred,
    /// What was told of image descriptions, and is to be ended.
    pub told: Vec<WpImageDescriptionInfoV1>,
    /// What viewers were last told of the focused window's wishes.
    pub hints: Hints,
    /// Icons that a window has got: no more may be said of them.
    pub icons: HashSet<ObjectId>,
    /// A copy for each sandbox whose clients may come in.
    pub sandboxes: Arc<()>,
}

impl Extras {
    /// Makes the globals.
    pub fn new(dh: &DisplayHandle, events: &LoopHandle<'static, State>, settings: &Settings) -> Self {
        plain(dh);
        color::init(dh, settings.color_management);
        injection(dh);
        // Accepted only: there is no task bar, and viewers see the window's title. So no size is asked for.
        XdgToplevelIconManager::new::<State>(dh);
        // A sandbox's client must not make another context, with fewer limits than its own.
        SecurityContextState::new::<State, _>(dh, trusted);
        let dmabufs = Dmabufs::new(dh);
        let syncobjs = Syncobjs::new(dh, dmabufs.advertised());
        Self {
            tally: Tally::default(),
            timing: Timing::default(),
            dmabufs,
            syncobjs,
            layers: Layers::new(dh),
            lock: Lock::new(dh),
            menu: None,
            idle: Idle::new(dh, events),
            shortcuts: Shortcuts::new(dh),
            keyboards: Keyboards::default(),
            toplevels: Toplevels::new(dh),
            foreign: Foreign::new(dh),
            screencopy: Screencopy::new(dh),
            gamma: Gamma::new(dh),
            heads: Heads::new(dh),
            on_output: OnOutput::default(),
            preferred: Preferred::default(),
            told: Vec::new(),
            hints: Hints::default(),
            icons: HashSet::new(),
            sandboxes: Arc::default(),
        }
    }
}

/// Globals whose state objects only hold their own ids; they live as long as the display.
fn plain(dh: &DisplayHandle) {
    OutputManagerState::new_with_xdg_output::<State>(dh);
    XdgDecorationState::new::<State>(dh);
    XdgDialogState::new::<State>(dh);
    ViewporterState::new::<State>(dh);
    PresentationState::new::<State>(dh, libc::CLOCK_MONOTONIC as u32);
    FifoManagerState::new::<State>(dh);
    CommitTimingManagerState::new::<State>(dh);
    AlphaModifierState::new::<State>(dh);
    ContentTypeState::new::<State>(dh);
    SinglePixelBufferState::new::<State>(dh);
    FractionalScaleManagerState::new::<State>(dh);
    RelativePointerManagerState::new::<State>(dh);
    PointerConstraintsState::new::<State>(dh);
    PointerGesturesState::new::<State>(dh);
    TabletManagerState::new::<State>(dh);
    CursorShapeManagerState::new::<State>(dh);
    TextInputManagerState::new::<State>(dh);
    IdleInhibitManagerState::new::<State>(dh);
    XWaylandKeyboardGrabState::new::<State>(dh);
    tearing::init(dh);
    pointer_warp::init(dh);
}

/// Globals that put input in other clients' hands.
fn injection(dh: &DisplayHandle) {
    InputMethodManagerState::new::<State, _>(dh, trusted);
    VirtualKeyboardManagerState::new::<State, _>(dh, trusted);
    virtual_pointer::init(dh);
}
