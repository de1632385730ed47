//! Starts the real binary in a runtime directory of its own, and stops it again.

use crate::picture::{Mode, Size};
use crate::viewer::{PATIENCE, Viewer};
use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long a clean stop may take before it counts as none.
const STOP_PATIENCE: Duration = Duration::from_secs(15);

/// What to start.
pub struct Setup {
    command: Command,
    program: Vec<OsString>,
    runtime: tempfile::TempDir,
}

impl Setup {
    /// The binary, headless, at this size, streaming on a free port of loopback, with a Wayland socket for the program.
    pub fn new(size: Size) -> Result<Self> {
        let mut setup = Self::bare()?;
        setup.args(["--backend", "headless", "--expose-wayland", "--stream", "127.0.0.1:0"]);
        setup.args(["-W", &size.w.to_string(), "-H", &size.h.to_string()]);
        Ok(setup)
    }

    /// The binary without arguments.
    pub fn bare() -> Result<Self> {
        let runtime = tempfile::Builder::new().prefix("goggles-").tempdir()?;
        let mut command = Command::new(binary("goggles-scope")?);
        command
            .env("XDG_RUNTIME_DIR", runtime.path())
            .env("XDG_CONFIG_HOME", runtime.path());
        // Whatever the tests themselves run under is not for the program.
        for name in [
            "DISPLAY",
            "WAYLAND_DISPLAY",
            "WAYLAND_SOCKET",
            "DBUS_SESSION_BUS_ADDRESS",
        ] {
            command.env_remove(name);
        }
        Ok(Self {
            command,
            program: Vec::new(),
            runtime,
        })
    }

    /// Options of ours.
    pub fn args(&mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> &mut Self {
        self.command.args(args);
        self
    }

    /// An environment variable.
    pub fn env(&mut self, name: &str, value: impl AsRef<OsStr>) -> &mut Self {
        self.command.env(name, value);
        self
    }

    /// The program and its arguments.
    pub fn program(&mut self, program: impl IntoIterator<Item = impl AsRef<OsStr>>) -> &mut Self {
        self.program = program.into_iter().map(|a| a.as_ref().to_owned()).collect();
        self
    }

    /// A folder that is removed at the end, for what the test and the program exchange.
    pub fn folder(&self) -> &Path {
        self.runtime.path()
    }

    /// Starts it, and waits until it says that it is ready.
    pub fn start(mut self) -> Result<Scope> {
        let fifo = self.runtime.path().join("ready");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &fifo,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
            0,
        )?;
        self.command.arg("-R").arg(&fifo);
        let started = Instant::now();
        let mut scope = self.spawn()?;
        // Opens when the writer does. If that dies first, `Scope::read_log` opens it instead and nothing is read.
        let (sender, receiver) = std::sync::mpsc::channel();
        let path = fifo.clone();
        let reader = std::thread::spawn(move || {
            let mut line = String::new();
            let read = std::fs::File::open(path).and_then(|mut f| f.read_to_string(&mut line));
            // The receiver waits for it or has given up.
            let _ = sender.send(read.map(|_| line));
        });
        let line = loop {
            match receiver.recv_timeout(Duration::from_millis(50)) {
                Ok(line) => break line?,
                Err(_) if started.elapsed() > PATIENCE || scope.child.try_wait()?.is_some() => {
                    // Lets the reader go.
                    drop(std::fs::OpenOptions::new().read(true).write(true).open(&fifo)?);
                    break String::new();
                }
                Err(_) => (),
            }
        };
        scope.ready_after = started.elapsed();
        // It ends with the sending of the line.
        let _ = reader.join();
        ensure!(line.ends_with('\n'), "not ready ({line:?}):\n{}", scope.log());
        scope.ready = line.trim_end().into();
        Ok(scope)
    }

    /// Starts it and waits for its end, by itself or its program's.
    pub fn fail(self) -> Result<(ExitStatus, String)> {
        let mut scope = self.spawn()?;
        let status = scope
            .wait(PATIENCE)?
            .with_context(|| format!("it goes on:\n{}", scope.log()))?;
        Ok((status, scope.log()))
    }

    fn spawn(mut self) -> Result<Scope> {
        if !self.program.is_empty() {
            self.command.arg("--").args(&self.program);
        }
        let (reader, writer) = std::io::pipe()?;
        self.command
            .stdin(Stdio::null())
            .stdout(writer.try_clone()?)
            .stderr(writer);
        let child = self.command.spawn().context("error starting goggles-scope")?;
        // The command holds the pipe's other end, which must close with the child.
        drop(self.command);
        let log = Arc::new((Mutex::new(Log::default()), Condvar::new()));
        let to = log.clone();
        let thread = std::thread::Builder::new()
            .name("log".into())
            .spawn(move || read_log(reader, &to))?;
        Ok(Scope {
            child,
            log,
            log_thread: Some(thread),
            runtime: self.runtime,
            ready: String::new(),
            ready_after: Duration::ZERO,
        })
    }
}

#[derive(Default)]
struct Log {
    lines: Vec<String>,
    ended: bool,
}

type SharedLog = Arc<(Mutex<Log>, Condvar)>;

fn read_log(pipe: impl Read, log: &SharedLog) {
    for line in BufReader::new(pipe).split(b'\n') {
        let Ok(line) = line else { break };
        let line = String::from_utf8_lossy(&line).into_owned();
        log.0.lock().unwrap_or_else(PoisonError::into_inner).lines.push(line);
        log.1.notify_all();
    }
    log.0.lock().unwrap_or_else(PoisonError::into_inner).ended = true;
    log.1.notify_all();
}

/// A running goggles-scope. Dropping it stops it.
pub struct Scope {
    child: Child,
    log: SharedLog,
    log_thread: Option<JoinHandle<()>>,
    runtime: tempfile::TempDir,
    ready: String,
    ready_after: Duration,
}

impl Scope {
    /// One of our programs (`wl-picture`, `x11-picture`) under it, and a viewer that sees its picture.
    pub fn with_picture(program: &str, mode: Mode, size: Size) -> Result<(Self, Viewer)> {
        let mut setup = Setup::new(size)?;
        setup.program(picture_program(program, mode, size)?);
        let scope = setup.start()?;
        let viewer = scope.viewer()?;
        viewer.until_shown("the program's first picture", |shown| {
            crate::decode::is_near(
                shown.picture.centre(),
                crate::picture::colour(0),
                crate::picture::TOLERANCE,
            )
        })?;
        Ok((scope, viewer))
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it said when it was ready: `:N gamescope-N`.
    pub fn ready_line(&self) -> &str {
        &self.ready
    }

    /// From its start until it said so.
    pub fn ready_after(&self) -> Duration {
        self.ready_after
    }

    /// Its runtime directory.
    pub fn folder(&self) -> &Path {
        self.runtime.path()
    }

    /// All that it and the program have written so far.
    pub fn log(&self) -> String {
        self.log
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .lines
            .join("\n")
    }

    /// The first line that `find` finds something in.
    pub fn until_logged<T>(&self, what: &str, find: impl Fn(&str) -> Option<T>) -> Result<T> {
        self.until_logged_within(PATIENCE, what, find)
    }

    /// The same for what may take longer.
    pub fn until_logged_within<T>(
        &self,
        patience: Duration,
        what: &str,
        find: impl Fn(&str) -> Option<T>,
    ) -> Result<T> {
        let deadline = Instant::now() + patience;
        let (mutex, condvar) = &*self.log;
        let mut log = mutex.lock().unwrap_or_else(PoisonError::into_inner);
        let mut seen = 0;
        loop {
            if let Some(found) = log.lines[seen..].iter().find_map(|line| find(line)) {
                return Ok(found);
            }
            seen = log.lines.len();
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || log.ended {
                bail!("no line with {what}:\n{}", log.lines.join("\n"));
            }
            log = condvar
                .wait_timeout(log, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// The page's address with a token, as printed.
    pub fn url(&self) -> Result<String> {
        self.address("watch and play at")
    }

    /// The one whose token lets a viewer speak, too.
    pub fn speaking_url(&self) -> Result<String> {
        self.address("watch, play and speak at")
    }

    fn address(&self, what: &str) -> Result<String> {
        self.until_logged("the page's address", |line| {
            let url = line.split_once(what)?.1.split_whitespace().next()?;
            url.contains('#').then(|| url.to_owned())
        })
    }

    /// A viewer that uses the printed address.
    pub fn viewer(&self) -> Result<Viewer> {
        Viewer::connect(&self.url()?).with_context(|| format!("goggles-scope's log:\n{}", self.log()))
    }

    /// Waits for the end; `None`: it goes on.
    pub fn wait(&mut self, patience: Duration) -> Result<Option<ExitStatus>> {
        // The log ends when the last process that writes to it does; goggles-scope reaps them all before its end.
        let (mutex, condvar) = &*self.log;
        let log = mutex.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = condvar.wait_timeout_while(log, patience, |log| !log.ended);
        let ended = wait.unwrap_or_else(PoisonError::into_inner).0.ended;
        Ok(if ended {
            Some(self.child.wait()?)
        } else {
            self.child.try_wait()?
        })
    }

    /// Sends SIGTERM and waits for a clean end.
    pub fn stop(mut self) -> Result<(ExitStatus, String)> {
        self.terminate()?;
        let status = self
            .wait(STOP_PATIENCE)?
            .with_context(|| format!("doesn't stop:\n{}", self.log()))?;
        Ok((status, self.log()))
    }

    fn terminate(&self) -> Result<()> {
        let pid = Pid::from_raw(i32::try_from(self.child.id())?).context("no pid")?;
        kill_process(pid, Signal::TERM).context("error stopping goggles-scope")
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let stopped = self.terminate().is_ok() && matches!(self.wait(STOP_PATIENCE), Ok(Some(_)));
            if !stopped {
                // Nothing else is left to do; a test that cares about a clean stop calls `stop`.
                let _ = self.child.kill();
                let _ = self.child.wait();
            }
        }
        if std::thread::panicking() {
            use std::io::Write;
            // Goes with the test's own message.
            let _ = writeln!(std::io::stderr(), "goggles-scope's log:\n{}", self.log());
        }
        // A program that has outlived goggles-scope would hold the log open; then the thread is left to it.
        if self.log.0.lock().unwrap_or_else(PoisonError::into_inner).ended
            && let Some(thread) = self.log_thread.take()
        {
            let _ = thread.join();
        }
    }
}

/// The command of one of our programs.
pub fn picture_program(name: &str, mode: Mode, size: Size) -> Result<Vec<OsString>> {
    let mode = clap::ValueEnum::to_possible_value(&mode).context("no name")?;
    let size = size.to_string();
    Ok(vec![
        binary(name)?.into(),
        "--mode".into(),
        mode.get_name().into(),
        "--size".into(),
        size.into(),
    ])
}

/// A binary of this workspace, of the same profile as the caller's. `GOGGLES_SCOPE_BIN` names another goggles-scope.
pub fn binary(name: &str) -> Result<PathBuf> {
    if name == "goggles-scope"
        && let Some(path) = std::env::var_os("GOGGLES_SCOPE_BIN")
    {
        return Ok(path.into());
    }
    let here = std::env::current_exe()?;
    // Tests lie in target/PROFILE/deps, programs in target/PROFILE.
    let found = here
        .ancestors()
        .skip(1)
        .take(2)
        .map(|dir| dir.join(name))
        .find(|path| path.is_file());
    found.with_context(|| format!("{name} is not built: make test-nested builds it"))
}
