//! A D-Bus of the test's own: a stand-in for rtkit that does what it is asked as far as it is permitted itself, and one for
//! GameMode that remembers.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);

/// What a service was asked.
pub type Call = (&'static str, u64, u64, i64);

struct Rtkit(mpsc::Sender<Call>);

#[zbus::interface(name = "org.freedesktop.RealtimeKit1")]
impl Rtkit {
    #[zbus(property, name = "RTTimeUSecMax")]
    fn most(&self) -> i64 {
        200_000
    }

    #[zbus(property, name = "MinNiceLevel")]
    fn best(&self) -> i32 {
        -15
    }

    #[zbus(name = "MakeThreadRealtimeWithPID")]
    fn real_time(&self, process: u64, thread: u64, priority: u32) {
        self.0.send(("real time", process, thread, priority.into())).unwrap();
    }

    #[zbus(name = "MakeThreadHighPriorityWithPID")]
    fn nice(&self, process: u64, thread: u64, nice: i32) -> zbus::fdo::Result<()> {
        self.0.send(("nice", process, thread, nice.into())).unwrap();
        // The second is refused, as polkit may.
        if nice < -10 {
            return Err(zbus::fdo::Error::AccessDenied("not for you".into()));
        }
        Ok(())
    }
}

struct GameMode(mpsc::Sender<Call>);

#[zbus::interface(name = "com.feralinteractive.GameMode")]
impl GameMode {
    #[zbus(name = "RegisterGameByPID")]
    fn register(&self, ours: i32, game: i32) -> i32 {
        self.0.send(("register", ours as u64, game as u64, 0)).unwrap();
        0
    }

    #[zbus(name = "UnregisterGameByPID")]
    fn unregister(&self, ours: i32, game: i32) -> i32 {
        self.0.send(("unregister", ours as u64, game as u64, 0)).unwrap();
        0
    }
}

/// A bus at this socket that anybody may use for anything.
fn daemon(folder: &Path) -> (Child, String) {
    let config = folder.join("bus.conf");
    let socket = folder.join("bus");
    let text = format!(
        "<busconfig><type>session</type><listen>unix:path={}</listen><policy context=\"default\">\
         <allow send_destination=\"*\" eavesdrop=\"true\"/><allow eavesdrop=\"true\"/><allow own=\"*\"/>\
         </policy></busconfig>",
        socket.display()
    );
    std::fs::write(&config, text).unwrap();
    let mut daemon = Command::new("dbus-daemon")
        .arg(format!("--config-file={}", config.display()))
        .args(["--nofork", "--nopidfile", "--print-address=1"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("dbus-daemon is in Debian's package dbus-daemon (tools/setup.sh check)");
    let mut line = String::new();
    BufReader::new(daemon.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert!(!line.is_empty(), "dbus-daemon does not start");
    (daemon, format!("unix:path={}", socket.display()))
}

/// The bus and both services, until dropped.
pub struct Services {
    pub address: String,
    daemon: Child,
    called: mpsc::Receiver<Call>,
    /// They serve.
    _runtime: tokio::runtime::Runtime,
    _connection: zbus::Connection,
}

impl Services {
    pub fn start(folder: &Path) -> Self {
        let (daemon, address) = daemon(folder);
        let (calls, called) = mpsc::channel();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let connection = runtime.block_on(connect(&address, &calls)).unwrap();
        Self {
            address,
            daemon,
            called,
            _runtime: runtime,
            _connection: connection,
        }
    }

    /// What one of them is asked next.
    pub fn next(&self) -> Call {
        self.called.recv_timeout(PATIENCE).unwrap()
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        let _ = self.daemon.kill().and_then(|()| self.daemon.wait());
    }
}

async fn connect(address: &str, calls: &mpsc::Sender<Call>) -> zbus::Result<zbus::Connection> {
    zbus::connection::Builder::address(address)?
        .serve_at("/org/freedesktop/RealtimeKit1", Rtkit(calls.clone()))?
        .serve_at("/com/feralinteractive/GameMode", GameMode(calls.clone()))?
        .name("org.freedesktop.RealtimeKit1")?
        .name("com.feralinteractive.GameMode")?
        .build()
        .await
}
