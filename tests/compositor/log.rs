//! Objects whose events are only kept as text, for the tests to look through.

use crate::client::Heard;
use wayland_client::protocol::wl_touch::WlTouch;
use wayland_client::{Connection, Dispatch, Proxy, QueueHandle, event_created_child};
use wayland_protocols::ext::foreign_toplevel_list::v1::client::{
    ext_foreign_toplevel_handle_v1::ExtForeignToplevelHandleV1,
    ext_foreign_toplevel_list_v1::{self, ExtForeignToplevelListV1},
};
use wayland_protocols::ext::idle_notify::v1::client::{
    ext_idle_notification_v1::ExtIdleNotificationV1, ext_idle_notifier_v1::ExtIdleNotifierV1,
};
use wayland_protocols::ext::session_lock::v1::client::{
    ext_session_lock_manager_v1::ExtSessionLockManagerV1,
    ext_session_lock_surface_v1::{self, ExtSessionLockSurfaceV1},
    ext_session_lock_v1::ExtSessionLockV1,
};
use wayland_protocols::wp::alpha_modifier::v1::client::{
    wp_alpha_modifier_surface_v1::WpAlphaModifierSurfaceV1, wp_alpha_modifier_v1::WpAlphaModifierV1,
};
use wayland_protocols::wp::color_management::v1::client::{
    wp_color_management_output_v1::WpColorManagementOutputV1,
    wp_color_management_surface_feedback_v1::WpColorManagementSurfaceFeedbackV1,
    wp_color_management_surface_v1::WpColorManagementSurfaceV1, wp_color_manager_v1::WpColorManagerV1,
    wp_image_description_creator_params_v1::WpImageDescriptionCreatorParamsV1,
    wp_image_description_info_v1::WpImageDescriptionInfoV1, wp_image_description_v1::WpImageDescriptionV1,
};
use wayland_protocols::wp::color_representation::v1::client::{
    wp_color_representation_manager_v1::WpColorRepresentationManagerV1,
    wp_color_representation_surface_v1::WpColorRepresentationSurfaceV1,
};
use wayland_protocols::wp::commit_timing::v1::client::{
    wp_commit_timer_v1::WpCommitTimerV1, wp_commit_timing_manager_v1::WpCommitTimingManagerV1,
};
use wayland_protocols::wp::content_type::v1::client::{
    wp_content_type_manager_v1::WpContentTypeManagerV1, wp_content_type_v1::WpContentTypeV1,
};
use wayland_protocols::wp::fifo::v1::client::{wp_fifo_manager_v1::WpFifoManagerV1, wp_fifo_v1::WpFifoV1};
use wayland_protocols::wp::idle_inhibit::zv1::client::{
    zwp_idle_inhibit_manager_v1::ZwpIdleInhibitManagerV1, zwp_idle_inhibitor_v1::ZwpIdleInhibitorV1,
};
use wayland_protocols::wp::keyboard_shortcuts_inhibit::zv1::client::{
    zwp_keyboard_shortcuts_inhibit_manager_v1::ZwpKeyboardShortcutsInhibitManagerV1,
    zwp_keyboard_shortcuts_inhibitor_v1::ZwpKeyboardShortcutsInhibitorV1,
};
use wayland_protocols::wp::pointer_gestures::zv1::client::{
    zwp_pointer_gesture_hold_v1::ZwpPointerGestureHoldV1, zwp_pointer_gesture_pinch_v1::ZwpPointerGesturePinchV1,
    zwp_pointer_gesture_swipe_v1::ZwpPointerGestureSwipeV1, zwp_pointer_gestures_v1::ZwpPointerGesturesV1,
};
use wayland_protocols::wp::security_context::v1::client::{
    wp_security_context_manager_v1::WpSecurityContextManagerV1, wp_security_context_v1::WpSecurityContextV1,
};
use wayland_protocols::wp::tablet::zv2::client::{
    zwp_tablet_manager_v2::ZwpTabletManagerV2,
    zwp_tablet_pad_v2::ZwpTabletPadV2,
    zwp_tablet_seat_v2::{self, ZwpTabletSeatV2},
    zwp_tablet_tool_v2::ZwpTabletToolV2,
    zwp_tablet_v2::ZwpTabletV2,
};
use wayland_protocols::wp::tearing_control::v1::client::{
    wp_tearing_control_manager_v1::WpTearingControlManagerV1, wp_tearing_control_v1::WpTearingControlV1,
};
use wayland_protocols::wp::text_input::zv3::client::{
    zwp_text_input_manager_v3::ZwpTextInputManagerV3, zwp_text_input_v3::ZwpTextInputV3,
};
use wayland_protocols::xdg::dialog::v1::client::{xdg_dialog_v1::XdgDialogV1, xdg_wm_dialog_v1::XdgWmDialogV1};
use wayland_protocols::xdg::foreign::zv2::client::{
    zxdg_exported_v2::ZxdgExportedV2, zxdg_exporter_v2::ZxdgExporterV2, zxdg_imported_v2::ZxdgImportedV2,
    zxdg_importer_v2::ZxdgImporterV2,
};
use wayland_protocols::xdg::toplevel_icon::v1::client::{
    xdg_toplevel_icon_manager_v1::XdgToplevelIconManagerV1, xdg_toplevel_icon_v1::XdgToplevelIconV1,
};
use wayland_protocols_misc::zwp_input_method_v2::client::{
    zwp_input_method_keyboard_grab_v2::ZwpInputMethodKeyboardGrabV2,
    zwp_input_method_manager_v2::ZwpInputMethodManagerV2, zwp_input_method_v2::ZwpInputMethodV2,
    zwp_input_popup_surface_v2::ZwpInputPopupSurfaceV2,
};
use wayland_protocols_misc::zwp_virtual_keyboard_v1::client::{
    zwp_virtual_keyboard_manager_v1::ZwpVirtualKeyboardManagerV1, zwp_virtual_keyboard_v1::ZwpVirtualKeyboardV1,
};
use wayland_protocols_wlr::gamma_control::v1::client::{
    zwlr_gamma_control_manager_v1::ZwlrGammaControlManagerV1, zwlr_gamma_control_v1::ZwlrGammaControlV1,
};
use wayland_protocols_wlr::layer_shell::v1::client::{
    zwlr_layer_shell_v1::ZwlrLayerShellV1,
    zwlr_layer_surface_v1::{self, ZwlrLayerSurfaceV1},
};
use wayland_protocols_wlr::output_management::v1::client::{
    zwlr_output_configuration_head_v1::ZwlrOutputConfigurationHeadV1,
    zwlr_output_configuration_v1::ZwlrOutputConfigurationV1,
    zwlr_output_head_v1::{self, ZwlrOutputHeadV1},
    zwlr_output_manager_v1::{self, ZwlrOutputManagerV1},
    zwlr_output_mode_v1::ZwlrOutputModeV1,
};
use wayland_protocols_wlr::screencopy::v1::client::{
    zwlr_screencopy_frame_v1::ZwlrScreencopyFrameV1, zwlr_screencopy_manager_v1::ZwlrScreencopyManagerV1,
};
use wayland_protocols_wlr::virtual_pointer::v1::client::{
    zwlr_virtual_pointer_manager_v1::ZwlrVirtualPointerManagerV1, zwlr_virtual_pointer_v1::ZwlrVirtualPointerV1,
};

impl Heard {
    /// Whether an object of this interface said something that has `what` in it.
    pub fn said(&self, interface: &str, what: &str) -> bool {
        self.count(interface, what) > 0
    }

    /// How often.
    pub fn count(&self, interface: &str, what: &str) -> usize {
        let of = |line: &&String| line.strip_prefix(interface).is_some_and(|rest| rest.contains(what));
        self.log.iter().filter(of).count()
    }

    /// The text in quotes in the first such line.
    pub fn quoted(&self, interface: &str) -> String {
        let line = self.log.iter().find(|l| l.starts_with(interface) && l.contains('"'));
        let text = line.and_then(|l| l.split('"').nth(1));
        text.expect("it said a text").to_owned()
    }

    pub fn note<I: Proxy>(&mut self, event: &impl std::fmt::Debug) {
        self.log.push(format!("{}: {event:?}", I::interface().name));
    }
}

/// Keeps the events of these interfaces.
#[macro_export]
macro_rules! log_events {
    ($($interface:ty),+ $(,)?) => {$(
        impl Dispatch<$interface, ()> for Heard {
            fn event(
                this: &mut Self,
                _: &$interface,
                event: <$interface as Proxy>::Event,
                (): &(),
                _: &Connection,
                _: &QueueHandle<Self>,
            ) {
                this.note::<$interface>(&event);
            }
        }
    )+};
}

log_events!(
    WlTouch,
    ExtForeignToplevelHandleV1,
    ExtIdleNotificationV1,
    ExtIdleNotifierV1,
    ExtSessionLockManagerV1,
    ExtSessionLockV1,
    WpAlphaModifierSurfaceV1,
    WpAlphaModifierV1,
    WpCommitTimerV1,
    WpCommitTimingManagerV1,
    WpContentTypeManagerV1,
    WpContentTypeV1,
    WpFifoManagerV1,
    WpFifoV1,
    ZwpIdleInhibitManagerV1,
    ZwpIdleInhibitorV1,
    ZwpKeyboardShortcutsInhibitManagerV1,
    ZwpKeyboardShortcutsInhibitorV1,
    ZwpPointerGestureHoldV1,
    ZwpPointerGesturePinchV1,
    ZwpPointerGestureSwipeV1,
    ZwpPointerGesturesV1,
    WpSecurityContextManagerV1,
    WpSecurityContextV1,
    ZwpTabletManagerV2,
    ZwpTabletPadV2,
    ZwpTabletToolV2,
    ZwpTabletV2,
    ZwpTextInputManagerV3,
    ZwpTextInputV3,
    XdgDialogV1,
    XdgWmDialogV1,
    ZxdgExportedV2,
    ZxdgExporterV2,
    ZxdgImportedV2,
    ZxdgImporterV2,
    XdgToplevelIconManagerV1,
    XdgToplevelIconV1,
    ZwpInputMethodKeyboardGrabV2,
    ZwpInputMethodManagerV2,
    ZwpInputMethodV2,
    ZwpInputPopupSurfaceV2,
    ZwpVirtualKeyboardManagerV1,
    ZwpVirtualKeyboardV1,
    ZwlrLayerShellV1,
    WpTearingControlManagerV1,
    WpTearingControlV1,
    ZwlrVirtualPointerManagerV1,
    ZwlrVirtualPointerV1,
    ZwlrScreencopyFrameV1,
    WpColorManagerV1,
    WpColorManagementOutputV1,
    WpColorManagementSurfaceV1,
    WpColorManagementSurfaceFeedbackV1,
    WpImageDescriptionV1,
    WpImageDescriptionInfoV1,
    WpImageDescriptionCreatorParamsV1,
    WpColorRepresentationManagerV1,
    WpColorRepresentationSurfaceV1,
    ZwlrScreencopyManagerV1,
    ZwlrGammaControlManagerV1,
    ZwlrGammaControlV1,
    ZwlrOutputModeV1,
    ZwlrOutputConfigurationV1,
    ZwlrOutputConfigurationHeadV1,
);

/// Those that make others.
macro_rules! log_parents {
    ($($interface:ty: [$($opcode:path => $child:ty),+]),+ $(,)?) => {$(
        impl Dispatch<$interface, ()> for Heard {
            fn event(
                this: &mut Self,
                _: &$interface,
                event: <$interface as Proxy>::Event,
                (): &(),
                _: &Connection,
                _: &QueueHandle<Self>,
            ) {
                this.note::<$interface>(&event);
            }

            event_created_child!(Heard, $interface, [$($opcode => ($child, ())),+]);
        }
    )+};
}

log_parents!(
    ExtForeignToplevelListV1: [ext_foreign_toplevel_list_v1::EVT_TOPLEVEL_OPCODE => ExtForeignToplevelHandleV1],
    ZwpTabletSeatV2: [
        zwp_tablet_seat_v2::EVT_TABLET_ADDED_OPCODE => ZwpTabletV2,
        zwp_tablet_seat_v2::EVT_TOOL_ADDED_OPCODE => ZwpTabletToolV2,
        zwp_tablet_seat_v2::EVT_PAD_ADDED_OPCODE => ZwpTabletPadV2
    ],
);

impl Dispatch<ZwlrLayerSurfaceV1, ()> for Heard {
    fn event(
        this: &mut Self,
        surface: &ZwlrLayerSurfaceV1,
        event: zwlr_layer_surface_v1::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let zwlr_layer_surface_v1::Event::Configure { serial, .. } = event
            && !this.acknowledges_nothing
        {
            surface.ack_configure(serial);
        }
        this.note::<ZwlrLayerSurfaceV1>(&event);
    }
}

impl Dispatch<ZwlrOutputManagerV1, ()> for Heard {
    fn event(
        this: &mut Self,
        _: &ZwlrOutputManagerV1,
        event: zwlr_output_manager_v1::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        this.note::<ZwlrOutputManagerV1>(&event);
        if let zwlr_output_manager_v1::Event::Head { head } = event {
            this.heads.push(head);
        }
    }

    event_created_child!(Heard, ZwlrOutputManagerV1, [
        zwlr_output_manager_v1::EVT_HEAD_OPCODE => (ZwlrOutputHeadV1, ())
    ]);
}

impl Dispatch<ZwlrOutputHeadV1, ()> for Heard {
    fn event(
        this: &mut Self,
        _: &ZwlrOutputHeadV1,
        event: zwlr_output_head_v1::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        this.note::<ZwlrOutputHeadV1>(&event);
        if let zwlr_output_head_v1::Event::Mode { mode } = event {
            this.modes.push(mode);
        }
    }

    event_created_child!(Heard, ZwlrOutputHeadV1, [
        zwlr_output_head_v1::EVT_MODE_OPCODE => (ZwlrOutputModeV1, ())
    ]);
}

impl Dispatch<ExtSessionLockSurfaceV1, ()> for Heard {
    fn event(
        this: &mut Self,
        surface: &ExtSessionLockSurfaceV1,
        event: ext_session_lock_surface_v1::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        let ext_session_lock_surface_v1::Event::Configure { serial, .. } = event else {
            return;
        };
        surface.ack_configure(serial);
        this.note::<ExtSessionLockSurfaceV1>(&event);
    }
}
