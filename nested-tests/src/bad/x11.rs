//! X11 programs that mean harm: they come through an Xwayland, whose window manager we are.

use anyhow::{Context, Result, bail, ensure};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};
use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    AtomEnum, ChangeWindowAttributesAux, ClientMessageEvent, ConfigureWindowAux, ConnectionExt as _, CreateWindowAux,
    EventMask, InputFocus, PropMode, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

/// How long the X server may take for one portion.
const PATIENCE: Duration = Duration::from_secs(60);

/// Wide or high. The X server fills all of a menu, which may have 32767 x 32767 pixels without asking anybody; it is then busy
/// for seconds. And of each such size a picture is made here, half of which the allocator keeps when it is gone.
const LARGE: u32 = 1536;

/// What the session or the window manager looks at, but for what writes pictures into the user's folder.
const NAMES: [&str; 45] = [
    "STEAM_GAME",
    "STEAM_BIGPICTURE",
    "STEAM_OVERLAY",
    "GAMESCOPE_EXTERNAL_OVERLAY",
    "STEAM_INPUT_FOCUS",
    "STEAM_STREAMING_CLIENT",
    "STEAM_STREAMING_CLIENT_VIDEO",
    "STEAM_SCREEN_SCALE",
    "STEAM_SCREEN_MAGNIFICATION",
    "GAMESCOPECTRL_BASELAYER_APPID",
    "GAMESCOPECTRL_BASELAYER_WINDOW",
    "GAMESCOPE_FPS_LIMIT",
    "GAMESCOPE_DYNAMIC_REFRESH",
    "GAMESCOPE_XWAYLAND_MODE_CONTROL",
    "GAMESCOPE_SCALING_FILTER",
    "GAMESCOPE_NEW_SCALING_FILTER",
    "GAMESCOPE_NEW_SCALING_SCALER",
    "GAMESCOPE_SHARPNESS",
    "GAMESCOPE_COMPOSITE_FORCE",
    "GAMESCOPE_FORCE_WINDOWS_FULLSCREEN",
    "GAMESCOPE_KEYBOARD_LAYOUT",
    "GAMESCOPE_CREATE_XWAYLAND_SERVER",
    "GAMESCOPE_DESTROY_XWAYLAND_SERVER",
    "WM_STATE",
    "WM_PROTOCOLS",
    "WM_CHANGE_STATE",
    "WM_NAME",
    "WM_CLASS",
    "WM_HINTS",
    "WM_NORMAL_HINTS",
    "WM_TRANSIENT_FOR",
    "WM_CLIENT_LEADER",
    "_MOTIF_WM_HINTS",
    "_NET_WM_NAME",
    "_NET_WM_PID",
    "_NET_WM_ICON",
    "_NET_WM_STATE",
    "_NET_WM_STATE_FULLSCREEN",
    "_NET_WM_WINDOW_TYPE",
    "_NET_WM_WINDOW_OPACITY",
    "_NET_WM_MOVERESIZE",
    "_NET_MOVERESIZE_WINDOW",
    "_NET_ACTIVE_WINDOW",
    "_NET_CLOSE_WINDOW",
    "WL_SURFACE_SERIAL",
];

/// A connection, and dice that fall the same every time.
pub struct Bad {
    x: RustConnection,
    root: u32,
    atoms: Vec<u32>,
    windows: Vec<u32>,
    dice: u64,
}

/// One portion of something bad.
pub type Flood = fn(&mut Bad) -> Result<()>;

/// One of them, which must end its program.
const ENDLESS: &str = "x11-windows-without-end";

/// Whether the program of one of them may go on.
pub fn is_bearable(name: &str) -> bool {
    name != ENDLESS && FLOODS.iter().any(|(flood, ..)| *flood == name)
}

/// What, how many portions of it, and how.
pub const FLOODS: [(&str, usize, Flood); 8] = [
    (ENDLESS, 20, |bad| {
        for _ in 0..5_000 {
            bad.window((1, 1, 32, 32), false)?;
        }
        // The window manager maps it when it has come so far: it looks at each window, and is slower than who makes them.
        let last = bad.window((1, 1, 32, 32), false)?;
        let told = ChangeWindowAttributesAux::new().event_mask(EventMask::STRUCTURE_NOTIFY);
        bad.x.change_window_attributes(last, &told)?;
        bad.x.map_window(last)?;
        bad.x.flush()?;
        while !matches!(bad.x.wait_for_event()?, Event::MapNotify(event) if event.window == last) {}
        Ok(())
    }),
    ("x11-windows-come-and-go", 40, |bad| {
        for _ in 0..100 {
            let window = bad.window((0, 0, 64, 64), false)?;
            bad.x.map_window(window)?;
            bad.x.unmap_window(window)?;
            bad.x.destroy_window(window)?;
        }
        Ok(())
    }),
    ("x11-windows", 20, |bad| {
        for _ in 0..50 {
            let window = bad.window((1, 1, 32, 32), false)?;
            bad.x.map_window(window)?;
            bad.windows.push(window);
        }
        Ok(())
    }),
    ("x11-menus-without-end", 20, |bad| {
        for _ in 0..50 {
            let window = bad.window((5, 5, 200, 100), true)?;
            bad.x.map_window(window)?;
            bad.windows.push(window);
        }
        Ok(())
    }),
    ("x11-windows-32767-large", 10, |bad| {
        let window = bad.window((-32_768, 32_767, 32_767, 32_767), false)?;
        bad.x.map_window(window)?;
        let menu = bad.window((0, 0, 32_767, 32_767), true)?;
        bad.x.map_window(menu)?;
        bad.x.configure_window(window, &ConfigureWindowAux::new().x(0).y(0))?;
        Ok(())
    }),
    ("x11-huge-properties", 20, |bad| {
        let window = bad.window((0, 0, 64, 64), false)?;
        let letters = vec![b'x'; 200_000];
        for at in 0..bad.atoms.len() {
            let atom = bad.atoms[at];
            bad.x
                .change_property8(PropMode::REPLACE, window, atom, AtomEnum::STRING, &letters)?;
            // The root window's would be obeyed where they make sense; these make none.
            bad.x
                .change_property8(PropMode::REPLACE, bad.root, atom, AtomEnum::STRING, &letters)?;
        }
        bad.x.map_window(window)?;
        bad.windows.push(window);
        Ok(())
    }),
    ("x11-messages", 40, |bad| {
        let menu = bad.dice(4) == 0;
        let window = bad.window((0, 0, 64, 64), menu)?;
        bad.x.map_window(window)?;
        bad.windows.push(window);
        let mask = EventMask::SUBSTRUCTURE_REDIRECT | EventMask::SUBSTRUCTURE_NOTIFY;
        for _ in 0..250 {
            let (about, atom) = (bad.any_window(), bad.any_atom());
            let words = [(); 5].map(|()| bad.word());
            let mut message = ClientMessageEvent::new(32, about, atom, words);
            message.format = [8, 16, 32][bad.dice(3)];
            bad.x.send_event(false, bad.root, mask, message)?;
        }
        Ok(())
    }),
    ("x11-values", 40, |bad| {
        let menu = bad.dice(4) == 0;
        let window = bad.window((0, 0, 64, 64), menu)?;
        bad.x.map_window(window)?;
        bad.windows.push(window);
        for _ in 0..60 {
            bad.value()?;
            let about = bad.any_window();
            let place = ConfigureWindowAux::new()
                .x(bad.word() as i32)
                .y(bad.word() as i32)
                .width(bad.word() % LARGE)
                .height(bad.word() % LARGE);
            bad.x.configure_window(about, &place)?;
            bad.x.set_input_focus(InputFocus::PARENT, about, x11rb::CURRENT_TIME)?;
        }
        Ok(())
    }),
];

impl Bad {
    fn new(display: &str) -> Result<Self> {
        let (x, screen) = x11rb::connect(Some(display)).context("error connecting to the X server")?;
        let root = x.setup().roots.get(screen).context("no screen")?.root;
        let asked = NAMES.map(|name| x.intern_atom(false, name.as_bytes()));
        let atoms = asked
            .into_iter()
            .map(|asked| Ok(asked?.reply()?.atom))
            .collect::<Result<_>>()?;
        Ok(Self {
            x,
            root,
            atoms,
            windows: Vec::new(),
            dice: 7,
        })
    }

    fn dice(&mut self, below: usize) -> usize {
        self.dice = self
            .dice
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.dice >> 33) as usize % below
    }

    fn word(&mut self) -> u32 {
        match self.dice(6) {
            0 => [0, 1, u32::MAX, 1 << 31, 32_767][self.dice(5)],
            1 => self.any_window(),
            2 => self.any_atom(),
            3 => self.dice(1 << 31) as u32,
            _ => self.dice(2000) as u32,
        }
    }

    fn any_atom(&mut self) -> u32 {
        let at = self.dice(self.atoms.len());
        self.atoms[at]
    }

    fn any_window(&mut self) -> u32 {
        match self.dice(self.windows.len() + 2) {
            0 => self.root,
            1 => self.dice(1 << 22) as u32,
            at => self.windows[at - 2],
        }
    }

    fn window(&self, (x, y, w, h): (i16, i16, u16, u16), override_redirect: bool) -> Result<u32> {
        let id = self.x.generate_id()?;
        let aux = CreateWindowAux::new()
            .background_pixel(0xff_00ff)
            .override_redirect(u32::from(override_redirect));
        let (same, kind) = (x11rb::COPY_FROM_PARENT, WindowClass::INPUT_OUTPUT);
        self.x
            .create_window(0, id, self.root, x, y, w, h, 0, kind, same, &aux)?;
        Ok(id)
    }

    /// A property of any name gets any value, of any length and format.
    fn value(&mut self) -> Result<()> {
        let (window, atom, kind) = (self.any_window(), self.any_atom(), self.any_atom());
        let words: Vec<u32> = (0..self.dice(12)).map(|_| self.word()).collect();
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
        let (mode, x) = (
            [PropMode::REPLACE, PropMode::APPEND][usize::from(words.len() % 2 == 1)],
            &self.x,
        );
        match self.dice % 3 {
            0 => x.change_property8(mode, window, atom, kind, &bytes)?.ignore_error(),
            1 => {
                let halves: Vec<u16> = words.iter().map(|word| *word as u16).collect();
                x.change_property16(mode, window, atom, kind, &halves)?.ignore_error();
            }
            _ => x.change_property32(mode, window, atom, kind, &words)?.ignore_error(),
        }
        Ok(())
    }
}

/// Does one of [`FLOODS`] on a connection of its own; `look` is called after each portion. How many were borne, and whether
/// its program was ended.
///
/// Error: the X server does not answer, or nobody is served.
pub fn flood(
    display: &str,
    portions: usize,
    kind: Flood,
    look: &mut dyn FnMut() -> Result<()>,
) -> Result<(usize, bool)> {
    let mut bad = Bad::new(display)?;
    let (done, told) = mpsc::channel();
    let flooding = std::thread::spawn(move || -> Result<()> {
        for _ in 0..portions {
            kind(&mut bad)?;
            bad.x.sync()?;
            // What it is told is of no interest, nor what was wrong.
            while bad.x.poll_for_event()?.is_some() {}
            let _ = done.send(());
        }
        for atom in &bad.atoms {
            bad.x.delete_property(bad.root, *atom)?;
        }
        Ok(bad.x.sync()?)
    });
    let mut count = 0;
    loop {
        match told.recv_timeout(PATIENCE) {
            Ok(()) => count += 1,
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => bail!("the X server does not answer after {count} portions"),
        }
        look()?;
    }
    // An Xwayland whose libwayland is older than 1.23 ends where it has more to say than its socket holds, and is started
    // again: that ends the flood, too, and is no end of the session.
    let ended = flooding.join().ok().context("the flood panicked")?.is_err();
    let begin = Instant::now();
    loop {
        match fair(display) {
            Ok(()) => return Ok((count, ended)),
            Err(why) if begin.elapsed() > PATIENCE => return Err(why),
            Err(_) => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

/// An X11 program that plays fair is taken in and answered.
fn fair(display: &str) -> Result<()> {
    let (x, screen) = x11rb::connect(Some(display)).context("error connecting to the X server")?;
    let root = x.setup().roots.get(screen).context("no screen")?.root;
    let size = x.get_geometry(root)?.reply()?;
    ensure!(size.width > 0 && size.height > 0, "a screen of no size");
    Ok(())
}
