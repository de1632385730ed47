//! The compositor as wlcs loads it: a cdylib whose server runs on a thread of its own, driven by commands.
//!
//! Each command is answered once it has been carried out, so that the suite's next request meets its effect.

mod server;

use server::{Command, Server};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use wayland_sys::client::{wl_display, wl_display_get_fd, wl_proxy, wl_proxy_get_id};
use wayland_sys::common::wl_fixed_t;
use wlcs::ffi_display_server_api::{WlcsExtensionDescriptor, WlcsIntegrationDescriptor, WlcsServerIntegration};
use wlcs::ffi_wrappers::wlcs_server;
use wlcs::{Pointer, Touch, Wlcs, extension_list, wlcs_server_integration};

wlcs_server_integration!(Suite);

/// What the suite may test; a test of anything else is skipped.
static EXTENSIONS: &[WlcsExtensionDescriptor] = extension_list!(
    ("wl_compositor", 6),
    ("wl_subcompositor", 1),
    ("wl_data_device_manager", 3),
    ("wl_seat", 9),
    ("wl_output", 4),
    ("wl_shm", 2),
    ("xdg_wm_base", 6),
    ("wp_viewporter", 1),
    ("zwlr_layer_shell_v1", 4),
    ("zxdg_output_manager_v1", 3),
    ("zwp_relative_pointer_manager_v1", 1),
    ("zwp_pointer_constraints_v1", 1),
    ("zwp_primary_selection_device_manager_v1", 1),
    ("zwp_text_input_manager_v3", 1),
    ("zwp_input_method_manager_v2", 1),
    ("zwp_virtual_keyboard_manager_v1", 1),
    ("ext_foreign_toplevel_list_v1", 1),
);

static DESCRIPTOR: WlcsIntegrationDescriptor = WlcsIntegrationDescriptor {
    version: 1,
    num_extensions: EXTENSIONS.len(),
    supported_extensions: EXTENSIONS.as_ptr(),
};

/// The suite's handle on the server.
#[derive(Default)]
struct Suite {
    server: Option<Server>,
}

impl Suite {
    fn say(&self, command: Command) {
        if let Some(server) = &self.server {
            server.handle().say(command);
        }
    }
}

impl Wlcs for Suite {
    type Pointer = Mouse;
    type Touch = Finger;

    fn new() -> Self {
        Self::default()
    }

    fn start(&mut self) {
        self.server = Some(Server::start());
    }

    fn stop(&mut self) {
        self.server = None;
    }

    fn create_client_socket(&self) -> io::Result<OwnedFd> {
        let (client, ours) = UnixStream::pair()?;
        self.say(Command::Client {
            stream: ours,
            fd: client.as_raw_fd(),
        });
        Ok(client.into())
    }

    fn position_window_absolute(&self, display: *mut wl_display, surface: *mut wl_proxy, x: i32, y: i32) {
        // SAFETY: the suite gives its own live display and surface.
        let (fd, surface) = unsafe { (wl_display_get_fd(display), wl_proxy_get_id(surface)) };
        self.say(Command::Place {
            fd,
            surface,
            at: (x, y),
        });
    }

    fn create_pointer(&mut self) -> Option<Mouse> {
        Some(Mouse(self.server.as_ref()?.handle()))
    }

    fn create_touch(&mut self) -> Option<Finger> {
        Some(Finger(self.server.as_ref()?.handle()))
    }

    fn get_descriptor(&self) -> &WlcsIntegrationDescriptor {
        &DESCRIPTOR
    }
}

fn from_fixed(value: wl_fixed_t) -> f64 {
    f64::from(value) / 256.0
}

struct Mouse(server::Handle);

impl Pointer for Mouse {
    fn move_absolute(&mut self, x: wl_fixed_t, y: wl_fixed_t) {
        self.0.say(Command::Move(from_fixed(x), from_fixed(y)));
    }

    fn move_relative(&mut self, dx: wl_fixed_t, dy: wl_fixed_t) {
        self.0.say(Command::MoveBy(from_fixed(dx), from_fixed(dy)));
    }

    fn button_up(&mut self, button: i32) {
        self.0.say(Command::Button(button as u16, false));
    }

    fn button_down(&mut self, button: i32) {
        self.0.say(Command::Button(button as u16, true));
    }
}

struct Finger(server::Handle);

// The suite (1.5) hands over whole pixels, whatever the type says.
impl Touch for Finger {
    fn touch_down(&mut self, x: wl_fixed_t, y: wl_fixed_t) {
        self.0.say(Command::TouchDown(f64::from(x), f64::from(y)));
    }

    fn touch_move(&mut self, x: wl_fixed_t, y: wl_fixed_t) {
        self.0.say(Command::TouchMove(f64::from(x), f64::from(y)));
    }

    fn touch_up(&mut self) {
        self.0.say(Command::TouchUp);
    }
}
