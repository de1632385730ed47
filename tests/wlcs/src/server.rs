//! The compositor on its thread.

use anyhow::{Context, Result, bail};
use goggles_protocols::input::Event;
use goggles_scope::backend::{Backend, headless::Headless};
use goggles_scope::cli::{Action, parse};
use goggles_scope::clients::insert_display;
use goggles_scope::handlers::ClientState;
use goggles_scope::input::touch::Touch;
use goggles_scope::link::{EncodeJob, EncoderToScope, Rate, Size};
use goggles_scope::render::compose::Composer;
use goggles_scope::state::{Clock, State};
use goggles_scope::time::Mono;
use smithay::reexports::calloop::EventLoop;
use smithay::reexports::calloop::channel::{Channel, Event as Received, Sender, channel};
use smithay::reexports::wayland_server::protocol::wl_surface::WlSurface;
use smithay::reexports::wayland_server::{Client, Display};
use std::cell::RefCell;
use std::collections::HashMap;
use std::os::fd::RawFd;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::sync::mpsc;
use std::thread::JoinHandle;

/// What the suite wants done. Places are in pixels of the output.
pub enum Command {
    /// Takes a client in; `fd` is its end of the connection, by which the suite names it.
    Client {
        stream: UnixStream,
        fd: RawFd,
    },
    /// Puts a window somewhere.
    Place {
        fd: RawFd,
        surface: u32,
        at: (i32, i32),
    },
    Move(f64, f64),
    MoveBy(f64, f64),
    Button(u16, bool),
    TouchDown(f64, f64),
    TouchMove(f64, f64),
    TouchUp,
    Stop,
}

type Order = (Command, mpsc::Sender<()>);

/// By which commands are given.
#[derive(Clone)]
pub struct Handle(Sender<Order>);

impl Handle {
    /// Gives a command and waits until it has been carried out.
    pub fn say(&self, command: Command) {
        let (done, wait) = mpsc::channel();
        // A server that is gone answers by its absence.
        if self.0.send((command, done)).is_ok() {
            let _ = wait.recv();
        }
    }
}

/// The server's thread; its drop ends and joins it.
pub struct Server {
    handle: Handle,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts it.
    pub fn start() -> Self {
        let (orders, inbox) = channel();
        let run = move || {
            if let Err(why) = serve(inbox) {
                // The suite's own tests then fail for want of a server; this says why.
                let _ = std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("the server failed: {why:#}\n"));
            }
        };
        let thread = std::thread::Builder::new().name("compositor".into()).spawn(run);
        Self {
            handle: Handle(orders),
            thread: thread.ok(),
        }
    }

    /// By which it is driven.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.handle.say(Command::Stop);
        if let Some(thread) = self.thread.take() {
            // A panic has been printed by the thread itself.
            let _ = thread.join();
        }
    }
}

struct Driver {
    clients: HashMap<RawFd, Client>,
    stopped: bool,
    /// Told once the loop's iteration is over.
    done: Vec<mpsc::Sender<()>>,
}

fn serve(inbox: Channel<Order>) -> Result<()> {
    let args = "goggles-scope --backend headless -W 1920 -H 1080 -r 60".split(' ');
    let Ok(Action::Run(settings)) = parse(args.map(Into::into), &|_| None) else {
        bail!("the options are refused");
    };
    let mut events: EventLoop<'static, State> = EventLoop::try_new()?;
    let display = Display::new()?;
    let composer = Composer::new(settings.output)?;
    // Somebody watches, so that everything is drawn; the encoder is done with each frame at once.
    let jobs: Rc<RefCell<Vec<EncodeJob>>> = Rc::default();
    let list = Rc::clone(&jobs);
    let sink = Box::new(move |job| list.borrow_mut().push(job));
    let mut headless = Headless::new(composer, settings.refresh, Rate::Constant { kbps: 1 }, Some(sink));
    headless.set_viewers(1);
    let backend = Backend::Headless(headless);
    let mut state = State::new(
        *settings,
        backend,
        display.handle(),
        events.handle(),
        Clock::monotonic(),
    )?;
    state.scope.free = true;
    if let Some(pointer) = state.scope.seat.get_pointer() {
        // Its virtual pointers move it from there.
        pointer.set_location((0.0, 0.0).into());
    }
    // The suite's clients look for touch when they connect.
    state.touch(Touch::Up { finger: 0 });
    insert_display(&events.handle(), display)?;
    let driver = Rc::new(RefCell::new(Driver {
        clients: HashMap::new(),
        stopped: false,
        done: Vec::new(),
    }));
    let drives = Rc::clone(&driver);
    let take = move |event, (): &mut (), state: &mut State| {
        if let Received::Msg((command, done)) = event {
            let mut driver = drives.borrow_mut();
            driver.done.push(done);
            driver.carry_out(command, state);
        }
    };
    events
        .handle()
        .insert_source(inbox, take)
        .map_err(|e| anyhow::anyhow!("{e}"))
        .context("the commands are no source")?;
    while !driver.borrow().stopped {
        let now = Mono::now();
        state.turn(now);
        for job in jobs.borrow_mut().drain(..) {
            state.from_encoder(&EncoderToScope::Done {
                frame: job.frame,
                times: job.times,
                bytes: 0,
                key_frame: job.key_frame,
            });
        }
        for done in driver.borrow_mut().done.drain(..) {
            let _ = done.send(());
        }
        let timeout = state.deadline().map(|d| d.since(Mono::now()));
        events.dispatch(timeout, &mut state)?;
    }
    Ok(())
}

impl Driver {
    fn carry_out(&mut self, command: Command, state: &mut State) {
        state.scope.now = Mono::now();
        let Size { w, h } = state.scope.settings.output;
        let part = |x: f64, y: f64| (x / f64::from(w), y / f64::from(h));
        match command {
            Command::Client { stream, fd } => {
                if let Ok(client) = state.admit(stream, ClientState::default()) {
                    self.clients.insert(fd, client);
                }
            }
            Command::Place { fd, surface, at } => self.place(state, fd, surface, at),
            Command::Move(x, y) => {
                let (x, y) = part(x, y);
                state.inject(Event::Absolute { x, y });
            }
            Command::MoveBy(dx, dy) => state.inject(Event::Relative { dx, dy }),
            Command::Button(code, pressed) => state.inject(Event::Button { code, pressed }),
            Command::TouchDown(x, y) => {
                let (x, y) = part(x, y);
                state.touch(Touch::Down { finger: 0, x, y });
            }
            Command::TouchMove(x, y) => {
                let (x, y) = part(x, y);
                state.touch(Touch::Motion { finger: 0, x, y });
            }
            Command::TouchUp => state.touch(Touch::Up { finger: 0 }),
            Command::Stop => self.stopped = true,
        }
    }

    fn place(&self, state: &mut State, fd: RawFd, surface: u32, at: (i32, i32)) {
        let Some(client) = self.clients.get(&fd) else { return };
        let dh = state.scope.dh.clone();
        let Ok(surface) = client.object_from_protocol_id::<WlSurface>(&dh, surface) else {
            return;
        };
        let id = state.scope.windows.by_surface(&surface).map(|w| w.id);
        if let Some(window) = id.and_then(|id| state.scope.windows.get_mut(id)) {
            window.place = Some(at.into());
        }
        state.scope.put_layer(&surface, at.into());
        state.scene_changed();
    }
}
