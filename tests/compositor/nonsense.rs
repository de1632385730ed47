//! Requests that are well-formed and make no sense, from a seed: to the right objects, with any arguments and in any order.
//! Nothing here sends them; `fuzz.rs` does within this process, and nested-tests to the real program.

use super::interfaces::interfaces;
use rustix::fs::MemfdFlags;
use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use wayland_client::backend::protocol::{ArgumentType, Interface, MessageDesc};

/// `wl_registry`, which is the first object after `wl_display`.
const REGISTRY: u32 = 2;
/// So many numbers are kept of those that events brought: serials, mostly.
const KEPT: usize = 16;

/// Requests that end their client unless all of their arguments fit each other, and the numbers that do fit, if any do.
const RISKY: [(&str, &str, &[u32]); 38] = [
    ("wl_pointer", "set_cursor", &[]),
    ("wl_data_device", "start_drag", &[]),
    ("zwp_input_method_v2", "get_input_popup_surface", &[]),
    ("ext_session_lock_v1", "get_lock_surface", &[]),
    ("ext_session_lock_surface_v1", "ack_configure", &[]),
    ("wp_commit_timer_v1", "set_timestamp", &[]),
    ("wp_commit_timing_manager_v1", "get_timer", &[]),
    ("wp_alpha_modifier_v1", "get_surface", &[]),
    ("wp_content_type_manager_v1", "get_surface_content_type", &[]),
    ("wp_viewporter", "get_viewport", &[]),
    ("wp_fifo_manager_v1", "get_fifo", &[]),
    ("wp_tearing_control_manager_v1", "get_tearing_control", &[]),
    ("wp_color_representation_manager_v1", "get_surface", &[]),
    ("wp_color_representation_surface_v1", "set_alpha_mode", &[]),
    ("zwp_virtual_keyboard_v1", "key", &[]),
    ("zwp_virtual_keyboard_v1", "modifiers", &[]),
    ("wl_shm_pool", "create_buffer", &[0, 32, 32, 128, 1]),
    ("wl_surface", "attach", &[0, 0]),
    ("wl_shm_pool", "resize", &[4096]),
    ("wl_subcompositor", "get_subsurface", &[]),
    ("xdg_wm_base", "get_xdg_surface", &[]),
    ("xdg_surface", "ack_configure", &[]),
    ("xdg_surface", "get_toplevel", &[]),
    ("xdg_surface", "get_popup", &[]),
    ("xdg_surface", "destroy", &[]),
    ("xdg_toplevel", "set_parent", &[]),
    ("xdg_wm_base", "destroy", &[]),
    ("zwlr_layer_shell_v1", "get_layer_surface", &[2]),
    ("zwlr_layer_surface_v1", "ack_configure", &[]),
    ("zwlr_gamma_control_v1", "set_gamma", &[]),
    ("zwlr_output_configuration_v1", "apply", &[]),
    ("zwlr_output_configuration_v1", "test", &[]),
    ("zwlr_screencopy_frame_v1", "copy", &[]),
    ("zwlr_screencopy_frame_v1", "copy_with_damage", &[]),
    ("wp_viewport", "set_source", &[1, 1, 8, 8]),
    ("wp_fractional_scale_manager_v1", "get_fractional_scale", &[]),
    ("ext_session_lock_v1", "unlock_and_destroy", &[]),
    ("wp_color_manager_v1", "create_parametric_creator", &[]),
];

/// xorshift64*: the same on every machine.
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        Self((seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn roll(&mut self) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) as u32
    }

    fn below(&mut self, n: usize) -> usize {
        self.roll() as usize % n.max(1)
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn odd(&mut self) -> u32 {
        const TELLING: [i32; 14] = [
            0,
            1,
            16,
            32,
            128,
            4096,
            -1,
            -2,
            -4096,
            i32::MAX,
            i32::MIN,
            65_536,
            1 << 24,
            1 << 20,
        ];
        match self.below(3) {
            0 => self.roll(),
            _ => TELLING[self.below(TELLING.len())] as u32,
        }
    }
}

struct Object {
    interface: &'static Interface,
    version: u32,
}

/// A request as it goes out.
pub struct Request {
    pub object: u32,
    pub opcode: u16,
    /// Its arguments but the files.
    pub body: Vec<u8>,
    pub files: Vec<OwnedFd>,
}

/// The source of them, for one connection.
pub struct Nonsense {
    dice: Dice,
    /// One in so many arguments is an odd one. Where all are, hardly a connection lives for longer than two requests.
    odd: usize,
    objects: BTreeMap<u32, Object>,
    next: u32,
    heard: Vec<u32>,
    /// The window's surface.
    window: u32,
    /// What windows must be answered with to be shown.
    due: Vec<Request>,
}

impl Nonsense {
    /// From a seed; every fourth one's is as odd.
    pub fn new(seed: u64) -> Self {
        Self {
            dice: Dice::new(seed),
            odd: [2, 8, 32, 128][(seed % 4) as usize],
            objects: BTreeMap::new(),
            next: REGISTRY + 1,
            heard: Vec::new(),
            window: 0,
            due: Vec::new(),
        }
    }

    /// The first request.
    pub fn registry() -> Request {
        Request::new(1, 1, &[REGISTRY])
    }

    /// Binds all that the registry told of, but what is left out.
    ///
    /// Panics if a global's interface is not in the list of them.
    pub fn bind(&mut self, events: &[(u32, u32, Vec<u8>)], left_out: &[&str]) -> Vec<Request> {
        let globals = events
            .iter()
            .filter(|(object, opcode, _)| (*object, *opcode) == (REGISTRY, 0));
        let globals: Vec<(u32, String, u32)> = globals.map(|(_, _, body)| global(body)).collect();
        assert!(globals.len() > 40, "{globals:?}");
        let taken = globals
            .into_iter()
            .filter(|(_, name, _)| !left_out.contains(&name.as_str()));
        taken
            .map(|(name, interface, version)| {
                let known = interfaces().find(|i| i.name == interface);
                let known = known.unwrap_or_else(|| panic!("{interface} is offered, and not in the list"));
                let version = version.min(known.version);
                let mut body = Vec::from(name.to_ne_bytes());
                text(&mut body, interface.as_bytes());
                body.extend(version.to_ne_bytes());
                let id = self.make(known, version);
                body.extend(id.to_ne_bytes());
                Request {
                    body,
                    ..Request::new(REGISTRY, 0, &[])
                }
            })
            .collect()
    }

    /// A new object's number, for a request that is not from here.
    #[allow(dead_code, reason = "who sends nothing else has no use for it")]
    pub fn id(&mut self) -> u32 {
        self.next += 1;
        self.next - 1
    }

    /// Asks for a window; the events that come for it are to be heard before it is shown.
    pub fn window(&mut self) -> Vec<Request> {
        let (compositor, wm) = (self.first("wl_compositor"), self.first("xdg_wm_base"));
        let surface = self.child(compositor, 0);
        let xdg = self.child(wm, 2);
        let toplevel = self.child(xdg, 1);
        self.window = surface;
        vec![
            Request::new(compositor, 0, &[surface]),
            Request::new(wm, 2, &[xdg, surface]),
            Request::new(xdg, 1, &[toplevel]),
            Request::new(surface, 6, &[]),
        ]
    }

    /// Shows the window, 32x32 and black.
    pub fn show(&mut self) -> Vec<Request> {
        let surface = self.window;
        let shm = self.first("wl_shm");
        let pool = self.child(shm, 0);
        let buffer = self.child(pool, 0);
        let file = rustix::fs::memfd_create("nonsense", MemfdFlags::CLOEXEC).expect("a memfd");
        rustix::fs::ftruncate(&file, 4096).expect("it has a size");
        let mut shown = std::mem::take(&mut self.due);
        shown.extend([
            Request {
                files: vec![file],
                ..Request::new(shm, 0, &[pool, 4096])
            },
            Request::new(pool, 0, &[buffer, 0, 32, 32, 128, 1]),
            Request::new(surface, 1, &[buffer, 0, 0]),
            Request::new(surface, 2, &[0, 0, 32, 32]),
            Request::new(surface, 6, &[]),
        ]);
        shown
    }

    /// The first object of an interface.
    fn first(&self, interface: &str) -> u32 {
        let mut of = self.objects.iter().filter(|(_, o)| o.interface.name == interface);
        of.next().map_or(0, |(id, _)| *id)
    }

    /// A new object, which this request of another makes.
    fn child(&mut self, of: u32, opcode: usize) -> u32 {
        let Object { interface, version } = self.objects[&of];
        let child = interface.requests[opcode].child_interface.expect("it makes an object");
        self.make(child, version)
    }

    /// An event came: object, opcode, arguments.
    pub fn hear(&mut self, (object, opcode, body): &(u32, u32, Vec<u8>)) {
        let of = |object: &Object| object.interface.name == "xdg_surface";
        if *opcode == 0 && self.objects.get(object).is_some_and(of) {
            let serial = body.first_chunk().map_or(0, |serial| u32::from_ne_bytes(*serial));
            self.due.push(Request::new(*object, 4, &[serial]));
        }
        if let Some(number) = body.first_chunk() {
            self.heard.push(u32::from_ne_bytes(*number));
            if self.heard.len() > KEPT {
                self.heard.remove(0);
            }
        }
    }

    /// The next one; `None`: the dice fell on an object that can be asked for nothing now.
    pub fn request(&mut self) -> Option<Request> {
        let due = self
            .due
            .pop()
            .filter(|request| self.objects.contains_key(&request.object));
        if due.is_some() {
            return due;
        }
        let ids: Vec<u32> = self.objects.keys().copied().collect();
        // Rather to the young ones, which are of the last requests.
        let old = self.dice.one_in(3);
        let from = if old { 0 } else { ids.len().saturating_sub(12) };
        let object = *ids.get(from + self.dice.below(ids.len() - from))?;
        let Object { interface, version } = self.objects[&object];
        let possible = interface.requests.iter().enumerate();
        let possible: Vec<(usize, &MessageDesc)> = possible
            .filter(|(_, r)| r.since <= version && (!r.is_destructor || self.dice.one_in(8)))
            .collect();
        let (opcode, request) = *possible.get(self.dice.below(possible.len()))?;
        let risky = RISKY
            .iter()
            .find(|(of, name, _)| (*of, *name) == (interface.name, request.name));
        let mut fitting = risky.map_or(&[] as &[u32], |(_, _, fitting)| fitting).iter();
        if risky.is_some_and(|(_, _, fitting)| fitting.is_empty()) && !self.dice.one_in(24) {
            return None;
        }
        let next = self.next;
        let Some((body, files)) = self.arguments(request, version, &mut fitting) else {
            // What it would have made is not.
            self.objects.split_off(&next);
            self.next = next;
            return None;
        };
        if request.is_destructor {
            self.objects.remove(&object);
        }
        Some(Request {
            object,
            opcode: opcode as u16,
            body,
            files,
        })
    }

    fn make(&mut self, interface: &'static Interface, version: u32) -> u32 {
        let id = self.next;
        self.next += 1;
        self.objects.insert(id, Object { interface, version });
        id
    }

    fn number(&mut self, fitting: Option<&u32>) -> u32 {
        if self.dice.one_in(self.odd) {
            return self.dice.odd();
        }
        if let Some(fitting) = fitting {
            return *fitting;
        }
        match self.dice.below(4) {
            0 if !self.heard.is_empty() => self.heard[self.dice.below(self.heard.len())],
            1 | 2 => 1 + self.dice.roll() % 3,
            _ => 1 + self.dice.roll() % 64,
        }
    }

    /// `None`: there is no object that it could name.
    fn arguments(
        &mut self,
        request: &MessageDesc,
        version: u32,
        fitting: &mut std::slice::Iter<'_, u32>,
    ) -> Option<(Vec<u8>, Vec<OwnedFd>)> {
        let mut body = Vec::new();
        let mut files = Vec::new();
        let mut wanted = request.arg_interfaces.iter();
        for kind in request.signature {
            match kind {
                ArgumentType::Int | ArgumentType::Uint => body.extend(self.number(fitting.next()).to_ne_bytes()),
                ArgumentType::Fixed => body.extend((self.number(fitting.next()) << 8).to_ne_bytes()),
                ArgumentType::Str(_) => {
                    let length = self.dice.below(40);
                    let letters: Vec<u8> = (0..length).map(|_| b'a' + (self.dice.roll() % 26) as u8).collect();
                    text(&mut body, &letters);
                }
                ArgumentType::Object(_) => body.extend(self.object(wanted.next().copied())?.to_ne_bytes()),
                ArgumentType::NewId => {
                    let id = match request.child_interface {
                        Some(child) => self.make(child, version),
                        None => self.next,
                    };
                    body.extend(id.to_ne_bytes());
                }
                ArgumentType::Array => {
                    let length = self.dice.below(16) * 4;
                    body.extend((length as u32).to_ne_bytes());
                    (0..length).for_each(|_| body.push(self.dice.roll() as u8));
                }
                ArgumentType::Fd => files.push(self.file()),
            }
        }
        Some((body, files))
    }

    fn object(&mut self, wanted: Option<&Interface>) -> Option<u32> {
        if self.dice.one_in(self.odd * 4) {
            let number = self.dice.odd();
            return Some(if self.dice.one_in(2) { 0 } else { number });
        }
        let fitting = self.objects.iter();
        let fitting = fitting.filter(|(_, o)| wanted.is_none_or(|w| w.name == o.interface.name));
        let fitting: Vec<u32> = fitting.map(|(id, _)| *id).collect();
        fitting.get(self.dice.below(fitting.len())).copied()
    }

    /// A file of some size, or the end of a pipe.
    fn file(&mut self) -> OwnedFd {
        if self.dice.one_in(4) {
            return std::io::pipe().expect("a pipe").0.into();
        }
        let fd = rustix::fs::memfd_create("nonsense", MemfdFlags::CLOEXEC).expect("a memfd");
        let size = self.dice.below(8) * 1000;
        rustix::fs::ftruncate(&fd, size as u64).expect("it has a size");
        fd
    }
}

impl Request {
    fn new(object: u32, opcode: u16, words: &[u32]) -> Self {
        Self {
            object,
            opcode,
            body: words.iter().flat_map(|word| word.to_ne_bytes()).collect(),
            files: Vec::new(),
        }
    }
}

/// Name, interface and version, from `wl_registry.global`.
fn global(body: &[u8]) -> (u32, String, u32) {
    let word = |at: usize| u32::from_ne_bytes(body[at..at + 4].try_into().expect("four bytes"));
    let letters = word(4) as usize;
    let interface = String::from_utf8_lossy(&body[8..7 + letters]).into_owned();
    (word(0), interface, word(body.len() - 4))
}

fn text(body: &mut Vec<u8>, letters: &[u8]) {
    body.extend((letters.len() as u32 + 1).to_ne_bytes());
    body.extend(letters);
    body.push(0);
    body.resize(body.len().next_multiple_of(4), 0);
}
