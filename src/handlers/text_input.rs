//! text-input-v3 and input-method-v2: an input method writes into the focused text field.

use super::core_requests::FAR;
use crate::state::State;
use smithay::desktop::{PopupKind, PopupManager};
use smithay::reexports::wayland_protocols::wp::text_input::zv3::server::{
    zwp_text_input_manager_v3::ZwpTextInputManagerV3,
    zwp_text_input_v3::{Request, ZwpTextInputV3},
};
use smithay::reexports::wayland_server::backend::ClientId;
use smithay::reexports::wayland_server::protocol::wl_surface::WlSurface;
use smithay::reexports::wayland_server::{Client, DataInit, Dispatch, DisplayHandle, WEnum};
use smithay::utils::{Logical, Rectangle};
use smithay::wayland::input_method::{InputMethodHandler, PopupSurface};
use smithay::wayland::text_input::{TextInputManagerState, TextInputUserData};

impl InputMethodHandler for State {
    fn new_popup(&mut self, popup: PopupSurface) {
        below_the_text(&popup);
        if let Err(why) = self.scope.popups.track_popup(PopupKind::from(popup)) {
            tracing::warn!("an input method's popup is gone: {why}");
        }
        self.scope.damage();
    }

    fn dismiss_popup(&mut self, popup: PopupSurface) {
        if let Some(parent) = popup.get_parent().map(|p| p.surface.clone()) {
            // The parent may be gone with its popups.
            let _ = PopupManager::dismiss_popup(&parent, &PopupKind::from(popup));
        }
        self.scope.damage();
    }

    fn popup_repositioned(&mut self, popup: PopupSurface) {
        below_the_text(&popup);
        self.scope.damage();
    }

    fn parent_geometry(&self, parent: &WlSurface) -> Rectangle<i32, Logical> {
        self.scope
            .windows
            .by_surface(parent)
            .map(|w| w.geometry())
            .unwrap_or_default()
    }
}

/// The popup must not cover what is being written.
fn below_the_text(popup: &PopupSurface) {
    let text = popup.text_input_rectangle();
    popup.set_location((text.loc.x, text.loc.y.saturating_add(text.size.h)).into());
}

// smithay trusts these requests' enumerations and would panic at a value that is none.
impl Dispatch<ZwpTextInputV3, TextInputUserData> for State {
    fn request(
        state: &mut Self,
        client: &Client,
        text: &ZwpTextInputV3,
        request: Request,
        data: &TextInputUserData,
        dh: &DisplayHandle,
        init: &mut DataInit<'_, Self>,
    ) {
        let unknown = match &request {
            Request::SetContentType { hint, purpose } => {
                matches!(hint, WEnum::Unknown(_)) || matches!(purpose, WEnum::Unknown(_))
            }
            Request::SetTextChangeCause { cause } => matches!(cause, WEnum::Unknown(_)),
            _ => false,
        };
        if unknown {
            tracing::debug!(?request, "a text input's request with a value that is none");
            return;
        }
        let request = match request {
            // Nor may a size be negative.
            Request::SetCursorRectangle { x, y, width, height } => Request::SetCursorRectangle {
                x: x.clamp(-FAR, FAR),
                y: y.clamp(-FAR, FAR),
                width: width.clamp(0, FAR),
                height: height.clamp(0, FAR),
            },
            other => other,
        };
        <TextInputManagerState as Dispatch<_, _, Self>>::request(state, client, text, request, data, dh, init);
    }

    fn destroyed(state: &mut Self, client: ClientId, text: &ZwpTextInputV3, data: &TextInputUserData) {
        <TextInputManagerState as Dispatch<_, _, Self>>::destroyed(state, client, text, data);
    }
}

smithay::reexports::wayland_server::delegate_global_dispatch!(
    State: [ZwpTextInputManagerV3: ()] => TextInputManagerState
);
smithay::reexports::wayland_server::delegate_dispatch!(State: [ZwpTextInputManagerV3: ()] => TextInputManagerState);
smithay::delegate_input_method_manager!(State);
