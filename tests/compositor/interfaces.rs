//! The interfaces of every global that is offered.

use wayland_client::Proxy;
use wayland_client::backend::protocol::Interface;

macro_rules! list {
    ($($interface:path),+ $(,)?) => {
        /// All of them.
        pub fn interfaces() -> impl Iterator<Item = &'static Interface> {
            [$(<$interface as Proxy>::interface()),+].into_iter()
        }
    };
}

use wayland_client::protocol as core;
use wayland_protocols::{ext, wp, xdg};
use wayland_protocols_misc as misc;
use wayland_protocols_wlr as wlr;

list!(
    core::wl_compositor::WlCompositor,
    core::wl_subcompositor::WlSubcompositor,
    core::wl_shm::WlShm,
    core::wl_seat::WlSeat,
    core::wl_output::WlOutput,
    core::wl_data_device_manager::WlDataDeviceManager,
    xdg::shell::client::xdg_wm_base::XdgWmBase,
    xdg::activation::v1::client::xdg_activation_v1::XdgActivationV1,
    xdg::decoration::zv1::client::zxdg_decoration_manager_v1::ZxdgDecorationManagerV1,
    xdg::dialog::v1::client::xdg_wm_dialog_v1::XdgWmDialogV1,
    xdg::foreign::zv2::client::zxdg_exporter_v2::ZxdgExporterV2,
    xdg::foreign::zv2::client::zxdg_importer_v2::ZxdgImporterV2,
    xdg::toplevel_icon::v1::client::xdg_toplevel_icon_manager_v1::XdgToplevelIconManagerV1,
    xdg::xdg_output::zv1::client::zxdg_output_manager_v1::ZxdgOutputManagerV1,
    ext::foreign_toplevel_list::v1::client::ext_foreign_toplevel_list_v1::ExtForeignToplevelListV1,
    ext::idle_notify::v1::client::ext_idle_notifier_v1::ExtIdleNotifierV1,
    ext::session_lock::v1::client::ext_session_lock_manager_v1::ExtSessionLockManagerV1,
    wp::alpha_modifier::v1::client::wp_alpha_modifier_v1::WpAlphaModifierV1,
    wp::color_management::v1::client::wp_color_manager_v1::WpColorManagerV1,
    wp::color_representation::v1::client::wp_color_representation_manager_v1::WpColorRepresentationManagerV1,
    wp::commit_timing::v1::client::wp_commit_timing_manager_v1::WpCommitTimingManagerV1,
    wp::content_type::v1::client::wp_content_type_manager_v1::WpContentTypeManagerV1,
    wp::cursor_shape::v1::client::wp_cursor_shape_manager_v1::WpCursorShapeManagerV1,
    wp::fifo::v1::client::wp_fifo_manager_v1::WpFifoManagerV1,
    wp::fractional_scale::v1::client::wp_fractional_scale_manager_v1::WpFractionalScaleManagerV1,
    wp::idle_inhibit::zv1::client::zwp_idle_inhibit_manager_v1::ZwpIdleInhibitManagerV1,
    wp::keyboard_shortcuts_inhibit::zv1::client::zwp_keyboard_shortcuts_inhibit_manager_v1::ZwpKeyboardShortcutsInhibitManagerV1,
    wp::pointer_constraints::zv1::client::zwp_pointer_constraints_v1::ZwpPointerConstraintsV1,
    wp::pointer_gestures::zv1::client::zwp_pointer_gestures_v1::ZwpPointerGesturesV1,
    wp::pointer_warp::v1::client::wp_pointer_warp_v1::WpPointerWarpV1,
    wp::presentation_time::client::wp_presentation::WpPresentation,
    wp::primary_selection::zv1::client::zwp_primary_selection_device_manager_v1::ZwpPrimarySelectionDeviceManagerV1,
    wp::relative_pointer::zv1::client::zwp_relative_pointer_manager_v1::ZwpRelativePointerManagerV1,
    wp::security_context::v1::client::wp_security_context_manager_v1::WpSecurityContextManagerV1,
    wp::single_pixel_buffer::v1::client::wp_single_pixel_buffer_manager_v1::WpSinglePixelBufferManagerV1,
    wp::tablet::zv2::client::zwp_tablet_manager_v2::ZwpTabletManagerV2,
    wp::tearing_control::v1::client::wp_tearing_control_manager_v1::WpTearingControlManagerV1,
    wp::text_input::zv3::client::zwp_text_input_manager_v3::ZwpTextInputManagerV3,
    wp::viewporter::client::wp_viewporter::WpViewporter,
    misc::zwp_input_method_v2::client::zwp_input_method_manager_v2::ZwpInputMethodManagerV2,
    misc::zwp_virtual_keyboard_v1::client::zwp_virtual_keyboard_manager_v1::ZwpVirtualKeyboardManagerV1,
    wlr::gamma_control::v1::client::zwlr_gamma_control_manager_v1::ZwlrGammaControlManagerV1,
    wlr::layer_shell::v1::client::zwlr_layer_shell_v1::ZwlrLayerShellV1,
    wlr::output_management::v1::client::zwlr_output_manager_v1::ZwlrOutputManagerV1,
    wlr::screencopy::v1::client::zwlr_screencopy_manager_v1::ZwlrScreencopyManagerV1,
    wlr::virtual_pointer::v1::client::zwlr_virtual_pointer_manager_v1::ZwlrVirtualPointerManagerV1,
);
