//! wlr-output-management: clients (wlr-randr, kanshi) read the output's modes; `output_configuration` has how they set one.
//!
//! There is one head, which is always enabled. Its modes are that of the settings, which is preferred, and the one that it
//! has, if that is another. Owns what each client's manager was told.

use super::trusted;
use crate::link::{Refresh, Size};
use crate::state::{Scope, State};
use smithay::output::Output;
use smithay::reexports::wayland_protocols_wlr::output_management::v1::server::{
    zwlr_output_head_v1::{self as head, AdaptiveSyncState, ZwlrOutputHeadV1},
    zwlr_output_manager_v1::{self as manager, ZwlrOutputManagerV1},
    zwlr_output_mode_v1::{self as mode, ZwlrOutputModeV1},
};
use smithay::reexports::wayland_server::backend::{ClientId, InvalidId};
use smithay::reexports::wayland_server::protocol::wl_output::Transform;
use smithay::reexports::wayland_server::{Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, New, Resource};

/// A mode of the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mode {
    pub(super) size: Size,
    pub(super) refresh: Refresh,
}

/// The head, as clients know it.
#[derive(Debug)]
pub struct Heads {
    told: Vec<Told>,
    /// Of what was told last; a configuration that was made from an older one is out of date.
    serial: u32,
    /// The settings' mode.
    first: Option<Mode>,
    now: Option<Mode>,
    /// Frames are shown as soon as they are drawn.
    vrr: bool,
}

/// What a manager was told.
#[derive(Debug)]
struct Told {
    manager: ZwlrOutputManagerV1,
    head: ZwlrOutputHeadV1,
    modes: Vec<ZwlrOutputModeV1>,
}

impl Heads {
    /// Makes the global.
    pub(super) fn new(dh: &DisplayHandle) -> Self {
        dh.create_global::<State, ZwlrOutputManagerV1, ()>(4, ());
        Self {
            told: Vec::new(),
            serial: 1,
            first: None,
            now: None,
            vrr: false,
        }
    }

    pub(super) fn serial(&self) -> u32 {
        self.serial
    }

    /// Tells a manager all there is.
    fn introduce(
        &mut self,
        manager: ZwlrOutputManagerV1,
        output: &Output,
        client: &Client,
        dh: &DisplayHandle,
    ) -> Result<(), InvalidId> {
        let version = manager.version();
        let head = client.create_resource::<ZwlrOutputHeadV1, (), State>(dh, version, ())?;
        manager.head(&head);
        head.name(output.name());
        head.description(output.description());
        let about = output.physical_properties();
        head.physical_size(about.size.w, about.size.h);
        if version >= head::EVT_MAKE_SINCE {
            head.make(about.make);
            head.model(about.model);
        }
        head.enabled(1);
        head.position(0, 0);
        head.transform(Transform::Normal);
        head.scale(1.0);
        let modes = Vec::new();
        let mut told = Told { manager, head, modes };
        told.tell_vrr(self.vrr);
        told.tell_mode(self.first, self.now, dh)?;
        told.manager.done(self.serial);
        self.told.push(told);
        Ok(())
    }
}

impl Told {
    fn tell_vrr(&self, vrr: bool) {
        if self.head.version() >= head::EVT_ADAPTIVE_SYNC_SINCE {
            self.head.adaptive_sync(match vrr {
                true => AdaptiveSyncState::Enabled,
                false => AdaptiveSyncState::Disabled,
            });
        }
    }

    /// Makes the modes that it does not know, and says which is the present one.
    fn tell_mode(&mut self, first: Option<Mode>, now: Option<Mode>, dh: &DisplayHandle) -> Result<(), InvalidId> {
        let Some(client) = self.manager.client() else {
            return Ok(());
        };
        let is = |resource: &ZwlrOutputModeV1, mode: &Mode| resource.data::<Mode>() == Some(mode);
        let wanted: Vec<Mode> = first.into_iter().chain(now.filter(|now| Some(*now) != first)).collect();
        self.modes.retain(|known| {
            let stays = known.is_alive() && wanted.iter().any(|mode| is(known, mode));
            if !stays && known.is_alive() {
                known.finished();
            }
            stays
        });
        for mode in wanted {
            let known = self.modes.iter().position(|known| is(known, &mode));
            let at = match known {
                Some(at) => at,
                None => {
                    let version = self.head.version().min(mode_version());
                    let made = client.create_resource::<ZwlrOutputModeV1, Mode, State>(dh, version, mode)?;
                    self.head.mode(&made);
                    made.size(mode.size.w as i32, mode.size.h as i32);
                    made.refresh(mode.refresh.0 as i32);
                    if Some(mode) == first {
                        made.preferred();
                    }
                    self.modes.push(made);
                    self.modes.len() - 1
                }
            };
            if Some(mode) == now {
                self.head.current_mode(&self.modes[at]);
            }
        }
        Ok(())
    }
}

fn mode_version() -> u32 {
    ZwlrOutputModeV1::interface().version
}

impl Scope {
    /// The output's mode.
    pub(super) fn head_mode(&self) -> Mode {
        Mode {
            size: self.settings.output,
            refresh: self.settings.refresh,
        }
    }

    /// Tells of a mode that is another than the last one, and of frames that are paced in another way.
    pub(crate) fn heads_turn(&mut self) {
        let (mode, vrr) = (self.head_mode(), self.is_vrr());
        let heads = &mut self.extras.heads;
        let first = *heads.first.get_or_insert(mode);
        let turned = std::mem::replace(&mut heads.vrr, vrr) != vrr;
        if heads.now.replace(mode) == Some(mode) && !turned {
            return;
        }
        heads.serial = heads.serial.wrapping_add(1);
        heads.told.retain(|told| told.manager.is_alive());
        for told in heads.told.iter_mut().filter(|told| told.head.is_alive()) {
            if turned {
                told.tell_vrr(vrr);
            }
            // A client that is gone hears nothing any more.
            if told.tell_mode(Some(first), Some(mode), &self.dh).is_ok() {
                told.manager.done(heads.serial);
            }
        }
    }
}

impl GlobalDispatch<ZwlrOutputManagerV1, ()> for State {
    fn bind(
        state: &mut Self,
        dh: &DisplayHandle,
        client: &Client,
        resource: New<ZwlrOutputManagerV1>,
        (): &(),
        init: &mut DataInit<'_, Self>,
    ) {
        let manager = init.init(resource, ());
        state.scope.heads_turn();
        let Scope { extras, output, .. } = &mut state.scope;
        if let Err(why) = extras.heads.introduce(manager, output, client, dh) {
            tracing::debug!("a client went while it was told of the output: {why}");
        }
    }

    fn can_view(client: Client, (): &()) -> bool {
        trusted(&client)
    }
}

impl Dispatch<ZwlrOutputManagerV1, ()> for State {
    fn request(
        state: &mut Self,
        _: &Client,
        manager: &ZwlrOutputManagerV1,
        request: manager::Request,
        (): &(),
        _: &DisplayHandle,
        init: &mut DataInit<'_, Self>,
    ) {
        match request {
            manager::Request::CreateConfiguration { id, serial } => {
                init.init(id, super::output_configuration::Configuration::new(serial));
            }
            manager::Request::Stop => {
                manager.finished();
                state.scope.extras.heads.told.retain(|told| told.manager != *manager);
            }
            _ => {}
        }
    }

    fn destroyed(state: &mut Self, _: ClientId, manager: &ZwlrOutputManagerV1, (): &()) {
        state.scope.extras.heads.told.retain(|told| told.manager != *manager);
    }
}

impl Dispatch<ZwlrOutputHeadV1, ()> for State {
    fn request(
        _: &mut Self,
        _: &Client,
        _: &ZwlrOutputHeadV1,
        _: head::Request,
        (): &(),
        _: &DisplayHandle,
        _: &mut DataInit<'_, Self>,
    ) {
        // The only one is its release.
    }
}

impl Dispatch<ZwlrOutputModeV1, Mode> for State {
    fn request(
        _: &mut Self,
        _: &Client,
        _: &ZwlrOutputModeV1,
        _: mode::Request,
        _: &Mode,
        _: &DisplayHandle,
        _: &mut DataInit<'_, Self>,
    ) {
        // The only one is its release.
    }
}
