//! virtual-keyboard: a client types with a keymap of its own.

use crate::state::State;
use rustix::fs::{MemfdFlags, fstat, memfd_create};
use rustix::io::pread;
use smithay::reexports::wayland_protocols_misc::zwp_virtual_keyboard_v1::server::{
    zwp_virtual_keyboard_manager_v1::ZwpVirtualKeyboardManagerV1,
    zwp_virtual_keyboard_v1::{Request, ZwpVirtualKeyboardV1},
};
use smithay::reexports::wayland_server::backend::ClientId;
use smithay::reexports::wayland_server::{Client, DataInit, Dispatch, DisplayHandle};
use smithay::wayland::virtual_keyboard::{
    VirtualKeyboardManagerGlobalData, VirtualKeyboardManagerState, VirtualKeyboardUserData,
};
use std::io::Write;
use std::os::fd::OwnedFd;

/// The largest keymap that is read, in bytes; those of xkeyboard-config have less than 100 kB.
const MAX_KEYMAP: u32 = 1 << 20;

// smithay maps the client's file: one that is shorter than it says, or is cut short later, would end us (SIGBUS). It
// gets a copy.
impl Dispatch<ZwpVirtualKeyboardV1, VirtualKeyboardUserData<State>> for State {
    fn request(
        state: &mut Self,
        client: &Client,
        keyboard: &ZwpVirtualKeyboardV1,
        request: Request,
        data: &VirtualKeyboardUserData<Self>,
        dh: &DisplayHandle,
        init: &mut DataInit<'_, Self>,
    ) {
        let request = match request {
            Request::Keymap { format, fd, size } => match copy(&fd, size) {
                Ok(fd) => Request::Keymap { format, fd, size },
                Err(why) => {
                    if let Some(left_out) = state.scope.clients.lines.one(state.scope.now) {
                        tracing::warn!("a virtual keyboard's keymap can't be read: {why}{left_out}");
                    }
                    return;
                }
            },
            Request::Key { .. } => {
                state.scope.pacer.input_edge();
                state.player_is_active();
                request
            }
            other => other,
        };
        <VirtualKeyboardManagerState as Dispatch<_, _, Self>>::request(
            state, client, keyboard, request, data, dh, init,
        );
    }

    fn destroyed(
        state: &mut Self,
        client: ClientId,
        keyboard: &ZwpVirtualKeyboardV1,
        data: &VirtualKeyboardUserData<Self>,
    ) {
        <VirtualKeyboardManagerState as Dispatch<_, _, Self>>::destroyed(state, client, keyboard, data);
    }
}

fn copy(fd: &OwnedFd, size: u32) -> std::io::Result<OwnedFd> {
    let invalid = |why| std::io::Error::new(std::io::ErrorKind::InvalidData, why);
    if size == 0 || size > MAX_KEYMAP {
        return Err(invalid("its size"));
    }
    // Reading from anything else (a pipe) could block.
    if rustix::fs::FileType::from_raw_mode(fstat(fd)?.st_mode) != rustix::fs::FileType::RegularFile {
        return Err(invalid("it is no file"));
    }
    let mut bytes = vec![0u8; size as usize];
    let mut read = 0;
    while read < bytes.len() {
        match pread(fd, &mut bytes[read..], read as u64)? {
            0 => return Err(invalid("it is shorter than it says")),
            n => read += n,
        }
    }
    // smithay hands the whole of it to libxkbcommon, which ends at the first zero.
    let ours = memfd_create("keymap", MemfdFlags::CLOEXEC)?;
    let mut file = std::fs::File::from(ours);
    file.write_all(&bytes)?;
    Ok(file.into())
}

smithay::reexports::wayland_server::delegate_global_dispatch!(
    State: [ZwpVirtualKeyboardManagerV1: VirtualKeyboardManagerGlobalData] => VirtualKeyboardManagerState
);
smithay::reexports::wayland_server::delegate_dispatch!(
    State: [ZwpVirtualKeyboardManagerV1: ()] => VirtualKeyboardManagerState
);
