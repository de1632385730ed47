//! wlr-gamma-control: one client (a night light) sets the output's ramps, which are restored when it goes.
//!
//! The ramps change what is encoded, and not what screenshots and screencopy show, as it is with a monitor's. While they
//! are set, no client's buffer is passed through.

use super::trusted;
use crate::render::gamma::{Ramps, SIZE};
use crate::state::State;
use smithay::reexports::wayland_protocols_wlr::gamma_control::v1::server::{
    zwlr_gamma_control_manager_v1::{self as manager, ZwlrGammaControlManagerV1},
    zwlr_gamma_control_v1::{Error, Request, ZwlrGammaControlV1},
};
use smithay::reexports::wayland_server::backend::ClientId;
use smithay::reexports::wayland_server::{Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, New, Resource};
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;

/// Who controls the output's gamma.
#[derive(Debug)]
pub struct Gamma {
    holder: Option<ZwlrGammaControlV1>,
}

impl Gamma {
    /// Makes the global.
    pub(super) fn new(dh: &DisplayHandle) -> Self {
        dh.create_global::<State, ZwlrGammaControlManagerV1, ()>(1, ());
        Self { holder: None }
    }
}

impl GlobalDispatch<ZwlrGammaControlManagerV1, ()> for State {
    fn bind(
        _: &mut Self,
        _: &DisplayHandle,
        _: &Client,
        resource: New<ZwlrGammaControlManagerV1>,
        (): &(),
        init: &mut DataInit<'_, Self>,
    ) {
        init.init(resource, ());
    }

    fn can_view(client: Client, (): &()) -> bool {
        trusted(&client)
    }
}

impl Dispatch<ZwlrGammaControlManagerV1, ()> for State {
    fn request(
        state: &mut Self,
        _: &Client,
        _: &ZwlrGammaControlManagerV1,
        request: manager::Request,
        (): &(),
        _: &DisplayHandle,
        init: &mut DataInit<'_, Self>,
    ) {
        let manager::Request::GetGammaControl { id, .. } = request else {
            return;
        };
        let control = init.init(id, ());
        let gamma = &mut state.scope.extras.gamma;
        if gamma.holder.as_ref().is_some_and(Resource::is_alive) {
            control.failed();
        } else {
            control.gamma_size(SIZE as u32);
            gamma.holder = Some(control);
        }
    }
}

impl Dispatch<ZwlrGammaControlV1, ()> for State {
    fn request(
        state: &mut Self,
        _: &Client,
        control: &ZwlrGammaControlV1,
        request: Request,
        (): &(),
        _: &DisplayHandle,
        _: &mut DataInit<'_, Self>,
    ) {
        let Request::SetGamma { fd } = request else { return };
        if state.scope.extras.gamma.holder.as_ref() != Some(control) {
            return;
        }
        match read(fd).map(|table| Ramps::from_table(&table)) {
            Ok(Ok(ramps)) => state.set_gamma(ramps),
            Ok(Err(_)) => control.post_error(Error::InvalidGamma, "the ramps do not have the size that was told"),
            Err(why) => {
                tracing::debug!("gamma ramps can't be read: {why}");
                control.failed();
                state.let_gamma_go(control);
            }
        }
    }

    fn destroyed(state: &mut Self, _: ClientId, control: &ZwlrGammaControlV1, (): &()) {
        state.let_gamma_go(control);
    }
}

/// The file's content, or a byte more than it may have.
fn read(fd: OwnedFd) -> std::io::Result<Vec<u8>> {
    let file = File::from(fd);
    // Whatever else it is, reading it might take for ever.
    if !file.metadata()?.is_file() {
        return Err(std::io::Error::other("not a file"));
    }
    let mut table = vec![0; SIZE * 3 * 2 + 1];
    let mut length = 0;
    loop {
        match file.read_at(&mut table[length..], length as u64)? {
            0 => break,
            n => length += n,
        }
    }
    table.truncate(length);
    Ok(table)
}

impl State {
    fn set_gamma(&mut self, ramps: Option<Ramps>) {
        if self.backend.set_gamma(ramps) {
            self.scope.damage();
        }
    }

    fn let_gamma_go(&mut self, control: &ZwlrGammaControlV1) {
        let gamma = &mut self.scope.extras.gamma;
        if gamma.holder.as_ref() == Some(control) {
            gamma.holder = None;
            self.set_gamma(None);
        }
    }
}
