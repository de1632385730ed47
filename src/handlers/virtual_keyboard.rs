//! virtual-keyboard: a client types with a keymap of its own.
//!
//! What a keyboard holds when it goes is released. Owns each keyboard's keymap.

use crate::state::State;
use rustix::fs::{MemfdFlags, fstat, memfd_create};
use rustix::io::pread;
use smithay::reexports::wayland_protocols_misc::zwp_virtual_keyboard_v1::server::{
    zwp_virtual_keyboard_manager_v1::ZwpVirtualKeyboardManagerV1,
    zwp_virtual_keyboard_v1::{Error, Request, ZwpVirtualKeyboardV1},
};
use smithay::reexports::wayland_server::backend::{ClientId, ObjectId};
use smithay::reexports::wayland_server::protocol::{
    wl_keyboard::{KeyState, KeymapFormat},
    wl_surface::WlSurface,
};
use smithay::reexports::wayland_server::{Client, DataInit, Dispatch, DisplayHandle, Resource};
use smithay::utils::SERIAL_COUNTER;
use smithay::wayland::seat::WaylandFocus;
use smithay::wayland::virtual_keyboard::{
    VirtualKeyboardManagerGlobalData, VirtualKeyboardManagerState, VirtualKeyboardUserData,
};
use std::collections::HashMap;
use std::io::Write;
use std::os::fd::OwnedFd;

/// The largest keymap that is read, in bytes; those of xkeyboard-config have less than 100 kB.
const MAX_KEYMAP: u32 = 1 << 20;

/// No Linux key has a higher code.
const LAST_KEY: u32 = 0x2ff;

/// The virtual keyboards. smithay has one keymap for all of them: here is whose it is.
#[derive(Debug, Default)]
pub struct Keyboards {
    typists: HashMap<ObjectId, Typist>,
    active: Option<ObjectId>,
}

#[derive(Debug, Default)]
struct Typist {
    /// Our copy of it, and how many bytes.
    keymap: Option<(OwnedFd, u32)>,
    /// Depressed, latched, locked, group.
    modifiers: [u32; 4],
    /// The keys that it holds down, and on which surface.
    held: HashMap<u32, WlSurface>,
}

impl Keyboards {
    fn typist(&mut self, keyboard: &ZwpVirtualKeyboardV1) -> &mut Typist {
        self.typists.entry(keyboard.id()).or_default()
    }

    /// Keeps a copy of a keymap, for the keyboard's next key.
    fn new_keymap(&mut self, keyboard: &ZwpVirtualKeyboardV1, format: u32, fd: &OwnedFd, size: u32) {
        if format != u32::from(KeymapFormat::XkbV1) {
            return;
        }
        match copy(fd, size) {
            Ok(fd) => {
                self.typist(keyboard).keymap = Some((fd, size));
                if self.active == Some(keyboard.id()) {
                    self.active = None;
                }
            }
            Err(why) => tracing::warn!("a virtual keyboard's keymap can't be read: {why}"),
        }
    }

    /// Follows what a keyboard holds down.
    fn key(&mut self, keyboard: &ZwpVirtualKeyboardV1, key: u32, pressed: bool, on: Option<WlSurface>) {
        let held = &mut self.typist(keyboard).held;
        held.remove(&key);
        if let Some(surface) = on
            && pressed
            && key <= LAST_KEY
        {
            held.insert(key, surface);
        }
    }

    /// What smithay must be told before this keyboard's next key: nothing, or its keymap and modifiers.
    ///
    /// Error: it has no keymap, or that can't be handed on.
    fn switch(&mut self, keyboard: &ZwpVirtualKeyboardV1) -> Result<Vec<Request>, &'static str> {
        let typist = self.typists.get(&keyboard.id());
        let Some((typist, (fd, size))) = typist.and_then(|t| Some((t, t.keymap.as_ref()?))) else {
            return Err("it has no keymap");
        };
        if self.active == Some(keyboard.id()) {
            return Ok(Vec::new());
        }
        let fd = fd.try_clone().map_err(|_| "its keymap can't be read again")?;
        let [mods_depressed, mods_latched, mods_locked, group] = typist.modifiers;
        self.active = Some(keyboard.id());
        Ok(vec![
            Request::Keymap {
                format: KeymapFormat::XkbV1.into(),
                fd,
                size: *size,
            },
            Request::Modifiers {
                mods_depressed,
                mods_latched,
                mods_locked,
                group,
            },
        ])
    }
}

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
        let focus = state.typed_at();
        let keyboards = &mut state.scope.extras.keyboards;
        match &request {
            Request::Keymap { format, fd, size } => {
                keyboards.new_keymap(keyboard, *format, fd, *size);
                return;
            }
            Request::Key { key, state, .. } => keyboards.key(keyboard, *key, *state == 1, focus),
            Request::Modifiers {
                mods_depressed,
                mods_latched,
                mods_locked,
                group,
            } => keyboards.typist(keyboard).modifiers = [*mods_depressed, *mods_latched, *mods_locked, *group],
            _ => return,
        }
        let before = match keyboards.switch(keyboard) {
            Ok(before) => before,
            Err(why) => return keyboard.post_error(Error::NoKeymap, why),
        };
        if matches!(request, Request::Key { .. }) {
            state.scope.pacer.input_edge();
            state.player_is_active();
        }
        for request in before.into_iter().chain([request]) {
            <VirtualKeyboardManagerState as Dispatch<_, _, Self>>::request(
                state, client, keyboard, request, data, dh, init,
            );
        }
    }

    fn destroyed(
        state: &mut Self,
        client: ClientId,
        keyboard: &ZwpVirtualKeyboardV1,
        data: &VirtualKeyboardUserData<Self>,
    ) {
        let keyboards = &mut state.scope.extras.keyboards;
        let left = keyboards.typists.remove(&keyboard.id()).unwrap_or_default();
        if keyboards.active == Some(keyboard.id()) {
            keyboards.active = None;
        }
        state.let_go_of(&left);
        <VirtualKeyboardManagerState as Dispatch<_, _, Self>>::destroyed(state, client, keyboard, data);
    }
}

impl State {
    fn typed_at(&self) -> Option<WlSurface> {
        let focus = self.scope.seat.get_keyboard()?.current_focus()?;
        Some(focus.wl_surface()?.into_owned())
    }

    /// A virtual keyboard is gone: whoever saw it press something sees the release.
    fn let_go_of(&mut self, left: &Typist) {
        let (Some(keyboard), Some(surface)) = (self.scope.seat.get_keyboard(), self.typed_at()) else {
            return;
        };
        let Some(client) = surface.client() else { return };
        let time = self.time_ms();
        for key in left
            .held
            .iter()
            .filter_map(|(key, on)| (*on == surface).then_some(*key))
        {
            for resource in keyboard.client_keyboards(&client) {
                let serial = SERIAL_COUNTER.next_serial();
                resource.key(serial.into(), time, key, KeyState::Released);
            }
        }
        if left.modifiers != [0; 4] {
            for resource in keyboard.client_keyboards(&client) {
                resource.modifiers(SERIAL_COUNTER.next_serial().into(), 0, 0, 0, 0);
            }
        }
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
