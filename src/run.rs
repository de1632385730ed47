//! One session: from settings to an exit status.
//!
//! All that can fail for the machine's sake (ports, sockets, encoder, Xwayland) is done before the program starts. The
//! order of drops at the end: the program first, then the network (which says goodbye), the encoder, the compositor.

mod streaming;

use crate::backend::{Backend, headless::Headless};
use crate::child::{Child, Displays, Spawn, environment};
use crate::clients::insert_display;
use crate::config::Settings;
use crate::limiter::LimiterFile;
use crate::link::{FromScope, Rate};
use crate::priority::{self, Bus};
use crate::ready::{Ready, Told};
use crate::render::compose::Composer;
use crate::state::{Clock, Outlet, State};
use crate::stats_fifo::{Focus, StatsFifo};
use crate::stream::audio::{self, Audio};
use crate::stream::transport::Transport;
use crate::time::Mono;
use anyhow::{Context, Result};
use smithay::reexports::calloop::generic::Generic;
use smithay::reexports::calloop::signals::{Signal, Signals};
use smithay::reexports::calloop::{EventLoop, Interest, LoopHandle, Mode, PostAction};
use smithay::reexports::wayland_server::Display;
use std::ffi::OsString;
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;
use std::time::Duration;
use streaming::Streaming;

/// How long Xwayland may take to end; it takes a few milliseconds.
const XWAYLAND_PATIENCE: Duration = Duration::from_secs(2);

/// Runs a session to its end and gives the exit status: the program's, or 0 where there is none.
pub fn run(settings: Settings) -> Result<i32> {
    let mut events: EventLoop<'static, State> = EventLoop::try_new().context("error creating the event loop")?;
    let handle = events.handle();
    // Before any thread starts, so that all inherit the blocked signals and only the loop sees them.
    take_signals(&handle)?;
    // It outlives all threads that ask it.
    let bus = Bus::start(priority::Addresses::default())
        .inspect_err(|e| tracing::warn!("neither rtkit nor GameMode can be asked: {e}"))
        .ok();
    let granted = priority::raise(priority::Kind::Pace, settings.rt);
    tracing::debug!("priority of the compositor's loop: {granted}");
    let display: Display<State> = Display::new().context("error creating the Wayland display")?;
    let dh = display.handle();

    if let Some(name) = &settings.profile {
        tracing::info!("the settings of the profile '{name}' are used");
    }
    for taken in &settings.taken {
        tracing::info!("{taken}");
    }
    let mut stream = settings
        .stream
        .as_ref()
        .map(|s| Streaming::start(s, &settings, &handle))
        .transpose()?;
    let composer = Composer::new(settings.output)?;
    let rate = settings.stream.as_ref().map_or(Rate::Constant { kbps: 1 }, |s| s.rate);
    let sink = stream.as_ref().map(|s| {
        let encoder = Rc::clone(&s.encoder);
        Box::new(move |job| encoder.submit(job)) as crate::backend::headless::JobSink
    });
    let headless = Headless::new(composer, settings.refresh, rate, sink);
    let mut state = State::new(
        settings,
        Backend::Headless(headless),
        dh,
        handle.clone(),
        Clock::monotonic(),
    )?;
    insert_display(&handle, display)?;
    let wayland = state.listen()?;
    if let Err(why) = state.scope.monitor.publish(&wayland, &|name| std::env::var_os(name)) {
        tracing::warn!("the monitor's EDID has no file: {why:#}");
    }
    let libei = listen_eis(&mut state, &wayland);
    match LimiterFile::open(&|name| std::env::var_os(name)) {
        Ok(file) => state.scope.limiter = Some(file),
        Err(why) => tracing::warn!("the frame limit has no file: {why:#}"),
    }
    state.scope.tell_limit();
    if let Some(s) = &stream {
        let transport = Rc::clone(&s.transport);
        state.scope.to_network = Some(Outlet(Box::new(move |message| transport.send(message))));
    }
    if state.scope.settings.xwayland_count > 0 {
        state.start_xwayland()?;
    }
    if let (Some(s), Some(config)) = (&mut stream, state.scope.settings.audio.clone()) {
        state.scope.audio = start_audio(config, &s.transport, s.voices.take());
    }

    let mut session = Session {
        wayland,
        libei,
        stream,
        child: None,
        code: 0,
        ready: None,
        retry: None,
        stats: None,
        focus: None,
        let_go: 0,
        told: false,
        stopping: false,
        bus: bus.as_ref(),
    };
    session.open_stats(&state)?;
    let code = session.turn_until_exit(&mut events, &mut state);
    if code.is_ok() {
        tracing::info!("{}", state.scope.stats.summary(Mono::now()));
    }
    session.end(&mut events, &mut state);
    code
}

/// What lives as long as the session, beside the state.
struct Session<'a> {
    wayland: String,
    /// The socket's name where programs emulate input.
    libei: Option<OsString>,
    stream: Option<Streaming>,
    child: Option<Child>,
    /// The program's exit status, once it has ended; it may be kept alive.
    code: i32,
    ready: Option<Ready>,
    /// When to look for the reader of `-R` again.
    retry: Option<Duration>,
    stats: Option<StatsFifo>,
    focus: Option<Focus>,
    let_go: u32,
    /// All is up, and the addresses have been said.
    told: bool,
    /// A signal has asked for the end.
    stopping: bool,
    bus: Option<&'a Bus>,
}

impl Session<'_> {
    fn turn_until_exit(&mut self, events: &mut EventLoop<'static, State>, state: &mut State) -> Result<i32> {
        loop {
            let now = Mono::now();
            state.turn(now);
            self.write_stats(state);
            self.start_when_ready(events, state, now)?;
            self.tell_gamemode(state);
            if let Some(code) = self.ending(state) {
                return Ok(code);
            }
            let timeout = state.deadline().map(|d| d.since(Mono::now()));
            let timeout = self.retry.iter().copied().chain(timeout).min();
            events.dispatch(timeout, state).context("error in the event loop")?;
        }
    }

    /// Once Xwayland is up: the addresses, `-R`, and the program.
    fn start_when_ready(&mut self, events: &EventLoop<'static, State>, state: &mut State, now: Mono) -> Result<()> {
        if !self.told {
            if let Some(why) = state.scope.xwayland.take_failure() {
                return Err(why);
            }
            if state.scope.xwayland.displays().is_none() {
                return Ok(());
            }
            self.told = true;
            self.say_addresses();
            let settings = &state.scope.settings;
            self.ready = settings
                .ready
                .as_ref()
                .map(|path| Ready::new(path, state.scope.xwayland.display(), self.wayland.as_ref(), now));
            if self.ready.is_none() {
                return self.start_program(events, state);
            }
        }
        let Some(ready) = &self.ready else { return Ok(()) };
        match ready.tell(now) {
            Told::Later(after) => {
                self.retry = Some(after);
                return Ok(());
            }
            Told::Yes => {}
            Told::Never(why) => tracing::warn!("readiness can't be told: {why}"),
        }
        self.ready = None;
        self.retry = None;
        self.start_program(events, state)
    }

    /// The exit status, once the session is over.
    fn ending(&mut self, state: &mut State) -> Option<i32> {
        let stops = std::mem::take(&mut state.scope.stops);
        match &self.child {
            None if stops > 0 => return Some(self.code),
            None => return None,
            Some(child) if stops > 0 => {
                // Asked twice: no more patience.
                if std::mem::replace(&mut self.stopping, true) || stops > 1 {
                    child.kill();
                } else {
                    child.stop();
                }
            }
            Some(_) => {}
        }
        if !std::mem::take(&mut state.scope.child_ended) {
            return None;
        }
        let code = self.child.as_mut()?.reap()?;
        self.child = None;
        self.code = code;
        if code != 0 && !self.stopping {
            // A signal's number is a part of it.
            tracing::info!("the program has ended with status {code}");
        }
        (self.stopping || !state.scope.settings.keep_alive).then_some(code)
    }

    fn open_stats(&mut self, state: &State) -> Result<()> {
        if let Some(path) = &state.scope.settings.stats {
            let fifo = StatsFifo::new(path).with_context(|| format!("error opening {}", path.display()))?;
            self.stats = Some(fifo);
        }
        Ok(())
    }

    fn write_stats(&mut self, state: &mut State) {
        let fps = state.scope.stats.fps();
        let Some(fifo) = &mut self.stats else { return };
        if let Some(fps) = fps {
            fifo.fps(fps);
        }
        let focus = state.scope.focused_app();
        if focus != self.focus {
            self.focus = focus;
            fifo.focus(focus.unwrap_or(Focus::App(0)));
        }
        let let_go = state.scope.clients.ended().sum();
        if let_go != self.let_go {
            self.let_go = let_go;
            fifo.let_go(let_go);
        }
    }

    /// Says goodbye; the drops do the rest, in the order of the fields.
    fn end(self, events: &mut EventLoop<'static, State>, state: &mut State) {
        for (what, count) in state.scope.clients.ended().list() {
            if count > 0 {
                tracing::info!("{what}: {count}");
            }
        }
        state.scope.tell(FromScope::Shutdown("the session has ended".into()));
        state.scope.to_network = None;
        state.stop_xwayland();
        let give_up = Mono::now() + XWAYLAND_PATIENCE;
        while !state.scope.xwayland.is_gone() && Mono::now() < give_up {
            if let Err(why) = events.dispatch(Some(give_up.since(Mono::now())), state) {
                tracing::warn!("error waiting for Xwayland's end: {why}");
                break;
            }
        }
    }

    fn start_program(&mut self, events: &EventLoop<'static, State>, state: &mut State) -> Result<()> {
        let settings = &state.scope.settings;
        if settings.command.is_empty() {
            return Ok(());
        }
        let displays = Displays {
            wayland: self.wayland.clone().into(),
            libei: self.libei.clone(),
            x11: state.scope.xwayland.displays().unwrap_or_default(),
            edid_file: state.scope.monitor.path().map(Into::into),
            limiter_file: state.scope.limiter.as_ref().map(|file| file.path().to_owned()),
        };
        let mut changes = environment(settings, &displays, &|name| std::env::var_os(name));
        if let Some(audio) = &state.scope.audio {
            changes.extend_from_slice(audio.environment());
        }
        let child = Child::spawn(&Spawn::new(settings.command.clone(), changes, settings.keep_alive))?;
        let watch = child
            .as_fd()
            .try_clone_to_owned()
            .context("error watching the program")?;
        let handle = events.handle();
        if self.bus.is_some() && settings.gamemode {
            let started = child
                .started()
                .try_clone_to_owned()
                .context("error watching the program")?;
            when_readable(&handle, started, |state| state.scope.child_started = true)?;
        }
        self.child = Some(child);
        when_readable(&handle, watch, |state| state.scope.child_ended = true)
    }

    /// GameMode is told of the program itself: it looks at its files, and tunes its threads.
    fn tell_gamemode(&mut self, state: &mut State) {
        if std::mem::take(&mut state.scope.child_started)
            && let (Some(bus), Some(child)) = (self.bus, &mut self.child)
            && let Some(program) = child.program()
        {
            bus.game(program);
        }
    }

    fn say_addresses(&self) {
        let Some(stream) = &self.stream else { return };
        for url in stream.transport.urls() {
            // Not a log line: it must be seen whatever the log's level is.
            let _ = writeln!(std::io::stderr(), "goggles-scope: watch and play at {url}");
        }
        for url in stream.transport.speaking_urls() {
            let _ = writeln!(std::io::stderr(), "goggles-scope: watch, play and speak at {url}");
        }
    }
}

/// Does this, once, when there is something to read.
fn when_readable(
    handle: &LoopHandle<'static, State>,
    file: OwnedFd,
    then: impl Fn(&mut State) + 'static,
) -> Result<()> {
    let source = Generic::new(file, Interest::READ, Mode::Level);
    let inserted = handle.insert_source(source, move |_, _, state: &mut State| {
        then(state);
        Ok(PostAction::Remove)
    });
    inserted.map_err(|e| anyhow::anyhow!("error watching the program: {e}"))?;
    Ok(())
}

/// Starts the sound; without it the session goes on silent, and the host hears nothing of it that it was not to hear.
fn start_audio(config: audio::Config, transport: &Transport, voices: Option<audio::VoiceReceiver>) -> Option<Audio> {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map_or_else(std::env::temp_dir, Into::into);
    let mode = config.mode;
    let why = match Audio::spawn(config, Box::new(transport.audio()), voices, runtime) {
        Ok(audio) => return Some(audio),
        Err(why) => why,
    };
    match mode {
        audio::Mode::Private => {
            tracing::warn!("the session is silent: {why:#} (Debian: apt install pipewire pipewire-pulse)");
            Some(Audio::silent())
        }
        audio::Mode::Host => {
            tracing::warn!("the stream is silent, and programs play where they would without it: {why:#}");
            None
        }
    }
}

/// Lets programs emulate input beside the Wayland socket of this name. Gives the name of theirs; without it the session goes on.
fn listen_eis(state: &mut State, wayland: &str) -> Option<OsString> {
    let name = format!("{wayland}-ei");
    let runtime = std::env::var_os("XDG_RUNTIME_DIR")?;
    match state.listen_eis(runtime.as_ref(), &name) {
        Ok(()) => Some(name.into()),
        Err(why) => {
            tracing::warn!("no program can emulate input by libei: {why:#}");
            None
        }
    }
}

/// HUP, INT, QUIT and TERM end the session; USR2 takes a screenshot.
fn take_signals(handle: &LoopHandle<'static, State>) -> Result<()> {
    use Signal::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR2};
    let signals = Signals::new(&[SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR2]).context("error listening to signals")?;
    handle
        .insert_source(signals, |event, (), state: &mut State| {
            if event.signal() == SIGUSR2 {
                state.take_screenshot();
                return;
            }
            tracing::info!("{:?} ends the session", event.signal());
            state.scope.stops += 1;
        })
        .map_err(|e| anyhow::anyhow!("error listening to signals: {e}"))?;
    Ok(())
}
