//! A compositor in this process, on a virtual clock, and what comes out of it.

use goggles_scope::backend::{Backend, headless::Headless};
use goggles_scope::cli::{Action, parse};
use goggles_scope::clients::insert_display;
use goggles_scope::config::{Filter, Keyboard, Settings};
use goggles_scope::handlers::ClientState;
use goggles_scope::link::{EncodeJob, EncoderToScope, FrameId, FromScope, Pixels, Rate, Refresh, Size};
use goggles_scope::render::compose::Composer;
use goggles_scope::state::{Clock, Outlet, State};
use goggles_scope::time::Mono;
use smithay::reexports::calloop::EventLoop;
use smithay::reexports::wayland_server::Display;
use smithay::wayland::shm::with_buffer_contents;
use std::cell::{Cell, RefCell};
use std::ffi::OsString;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::time::Duration;

use crate::client::Client;

/// 16 ms, so that sums are round.
pub const REFRESH: Refresh = Refresh(62_500);

pub struct Fixture {
    pub state: State,
    events: EventLoop<'static, State>,
    clock: Rc<Cell<Mono>>,
    jobs: Rc<RefCell<Vec<EncodeJob>>>,
    told: Rc<RefCell<Vec<FromScope>>>,
    /// The encoder is done with the frames up to this one.
    answered: FrameId,
    /// The network takes no packet.
    pub network_is_full: bool,
    /// The encoder is done with no frame.
    pub encoder_is_busy: bool,
}

pub fn settings(w: u32, h: u32) -> Settings {
    Settings {
        output: Size { w, h },
        refresh: REFRESH,
        filter: Filter::Nearest,
        hide_cursor: None,
        expose_wayland: true,
        xwayland_count: 0,
        keyboard: Keyboard {
            layout: "us".into(),
            ..Settings::default().keyboard
        },
        ..Settings::default()
    }
}

/// A PNG file of three pixels, red, green and half transparent blue, in a folder that lives as long.
pub fn png() -> (tempfile::TempDir, OsString) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("cursor.png");
    let mut encoder = png::Encoder::new(std::fs::File::create(&path).expect("a file"), 3, 1);
    encoder.set_color(png::ColorType::Rgba);
    let mut writer = encoder.write_header().expect("a header");
    writer.write_image_data(&PIXELS).expect("pixels");
    writer.finish().expect("a file");
    (folder, path.into())
}

/// That picture's.
pub const PIXELS: [u8; 12] = [255, 0, 0, 255, 0, 255, 0, 255, 0, 0, 255, 128];

/// The stream, the sound and the profiles of a configuration file with this text.
pub fn with_file(text: &str, settings: Settings) -> Settings {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("config.toml");
    std::fs::write(&file, text).expect("a file");
    let args = ["goggles-scope", "--stream", "127.0.0.1:0", "--config"];
    let args = args.into_iter().map(OsString::from).chain([file.into()]);
    let Ok(Action::Run(read)) = parse(args, &|_| None) else {
        panic!("the file is refused")
    };
    Settings {
        stream: read.stream,
        audio: read.audio,
        profiles: read.profiles,
        ..settings
    }
}

impl Fixture {
    pub fn new(w: u32, h: u32) -> Self {
        Self::with(settings(w, h))
    }

    pub fn with(settings: Settings) -> Self {
        let events = EventLoop::try_new().expect("an event loop");
        let display: Display<State> = Display::new().expect("a display");
        let dh = display.handle();
        let jobs: Rc<RefCell<Vec<EncodeJob>>> = Rc::default();
        let told: Rc<RefCell<Vec<FromScope>>> = Rc::default();
        let clock = Rc::new(Cell::new(Mono(1_000_000_000)));
        let composer = Composer::new(settings.output).expect("a composer");
        let list = Rc::clone(&jobs);
        let sink = Box::new(move |job| list.borrow_mut().push(job));
        let mut headless = Headless::new(composer, settings.refresh, Rate::Constant { kbps: 1 }, Some(sink));
        headless.set_viewers(1);
        let tells = Rc::clone(&clock);
        let time = Clock(Rc::new(move || tells.get()));
        let mut state = State::new(settings, Backend::Headless(headless), dh, events.handle(), time).expect("a state");
        let outlet = Rc::clone(&told);
        state.scope.to_network = Some(Outlet(Box::new(move |message| outlet.borrow_mut().push(message))));
        insert_display(&events.handle(), display).expect("the display is a source");
        let mut this = Self {
            state,
            events,
            clock,
            jobs,
            told,
            answered: FrameId(0),
            network_is_full: false,
            encoder_is_busy: false,
        };
        // The first picture is black, and a key frame; tests begin after it.
        this.turn();
        assert!(this.pictures().len() <= 1);
        this
    }

    /// A client over a socket pair.
    pub fn client(&mut self) -> Client {
        let (ours, theirs) = UnixStream::pair().expect("a socket pair");
        let taken = self.state.admit(ours, ClientState::default());
        taken.expect("the client is taken in");
        let mut client = Client::new(theirs);
        self.settle(&mut [&mut client]);
        client.bind();
        self.settle(&mut [&mut client]);
        client
    }

    /// One iteration of the loop, with the jobs left as they are: the encoder is done with each at once.
    fn turn(&mut self) {
        self.turn_within(Duration::ZERO);
    }

    /// Waits for programs outside of this process, as far as the compositor itself has nothing to do, and lets the
    /// clock go on as long as it took.
    #[allow(dead_code, reason = "the tests with Xwayland alone have such programs")]
    pub fn live(&mut self, most: Duration) {
        let begin = Mono::now();
        let due = self.state.deadline().map(|d| d.since(self.clock.get()));
        self.turn_within(due.map_or(most, |due| due.min(most)));
        self.clock.set(self.clock.get() + Mono::now().since(begin));
    }

    fn turn_within(&mut self, most: Duration) {
        self.events
            .dispatch(Some(most), &mut self.state)
            .expect("the loop turns");
        self.state.turn(self.clock.get());
        if self.encoder_is_busy {
            return;
        }
        for job in self.jobs.borrow().iter().filter(|job| job.frame > self.answered) {
            let done = EncoderToScope::Done {
                frame: job.frame,
                times: job.times,
                bytes: 0,
                key_frame: job.key_frame,
            };
            self.state.from_encoder(&match self.network_is_full {
                true => EncoderToScope::PacketDropped(job.frame),
                false => done,
            });
        }
        let newest = self.jobs.borrow().last().map(|job| job.frame);
        self.answered = newest.unwrap_or(self.answered);
    }

    /// Exchanges messages until nobody has more to say; no time passes.
    pub fn settle(&mut self, clients: &mut [&mut Client]) {
        // A message and its answer take two rounds; nothing in the protocol needs more than a few.
        for _ in 0..8 {
            for client in clients.iter_mut() {
                client.flush();
            }
            self.turn();
            for client in clients.iter_mut() {
                client.read();
            }
        }
    }

    /// Lets time pass, millisecond by millisecond.
    pub fn advance(&mut self, ms: u64, clients: &mut [&mut Client]) {
        for _ in 0..ms {
            self.clock.set(self.clock.get() + Duration::from_millis(1));
            self.settle(clients);
        }
    }

    /// The virtual time.
    #[allow(dead_code, reason = "the tests with Xwayland do without")]
    pub fn now(&self) -> Mono {
        self.clock.get()
    }

    /// The frames since the last call, as pictures.
    pub fn pictures(&mut self) -> Vec<Picture> {
        self.jobs.borrow_mut().drain(..).map(Picture::of).collect()
    }

    /// The newest frame since the last call.
    pub fn picture(&mut self) -> Picture {
        self.pictures().pop().expect("a frame was made")
    }

    /// What the network was told since the last call.
    pub fn told(&mut self) -> Vec<FromScope> {
        self.told.borrow_mut().drain(..).collect()
    }

    pub fn headless(&mut self) -> &mut Headless {
        let Backend::Headless(headless) = &mut self.state.backend;
        headless
    }
}

/// A frame's pixels, and how they came.
#[derive(Debug)]
pub struct Picture {
    pub size: Size,
    /// R G B a pixel.
    pub rgb: Vec<u8>,
    pub direct: bool,
    pub key: bool,
    pub rate: Rate,
}

impl Picture {
    fn of(job: EncodeJob) -> Self {
        let (w, h) = (job.size.w as usize, job.size.h as usize);
        let take = |data: &[u8], stride: usize| -> Vec<u8> {
            let rows = (0..h).flat_map(|y| data[y * stride..][..w * 4].chunks_exact(4));
            rows.flat_map(|p| [p[2], p[1], p[0]]).collect()
        };
        let (rgb, direct) = match &job.pixels {
            Pixels::Composed(image) => (take(&image.data, image.stride), false),
            Pixels::Client(buffer) => {
                let rgb = with_buffer_contents(buffer, |ptr, len, data| {
                    // SAFETY: the client is this test, which does not write while the compositor reads.
                    let all = unsafe { std::slice::from_raw_parts(ptr, len) };
                    take(&all[data.offset as usize..], data.stride as usize)
                });
                (rgb.expect("the client's memory is there"), true)
            }
        };
        Self {
            size: job.size,
            rgb,
            direct,
            key: job.key_frame,
            rate: job.rate,
        }
    }

    /// The colour at a place, as 0xRRGGBB.
    pub fn at(&self, x: usize, y: usize) -> u32 {
        let p = &self.rgb[(y * self.size.w as usize + x) * 3..][..3];
        u32::from_be_bytes([0, p[0], p[1], p[2]])
    }

    /// The colour in the middle.
    #[allow(dead_code, reason = "the tests with Xwayland do without")]
    pub fn middle(&self) -> u32 {
        self.at(self.size.w as usize / 2, self.size.h as usize / 2)
    }

    /// Compares with tests/golden/NAME.png to the last bit; `UPDATE_GOLDEN=1` writes it anew, to be looked at.
    pub fn golden(&self, name: &str) {
        let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
        let path = dir.join(format!("{name}.png"));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::create_dir_all(&dir).expect("the folder is made");
            let file = std::fs::File::create(&path).expect("the file is made");
            let mut encoder = png::Encoder::new(file, self.size.w, self.size.h);
            encoder.set_color(png::ColorType::Rgb);
            let mut writer = encoder.write_header().expect("a header");
            writer.write_image_data(&self.rgb).expect("the pixels are written");
            return;
        }
        let file = std::io::BufReader::new(std::fs::File::open(&path).expect("the golden picture is there"));
        let mut reader = png::Decoder::new(file).read_info().expect("a PNG");
        let mut want = vec![0; reader.output_buffer_size().expect("a size")];
        reader.next_frame(&mut want).expect("pixels");
        let wrong = want
            .chunks_exact(3)
            .zip(self.rgb.chunks_exact(3))
            .filter(|(a, b)| a != b)
            .count();
        assert_eq!((want.len(), wrong), (self.rgb.len(), 0), "{name}: pixels differ");
    }
}
