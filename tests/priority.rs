//! What other services grant, over a D-Bus of the test's own: a stand-in for rtkit that does what it is asked as far as
//! it is permitted itself, and one for GameMode that remembers. One test, since a process has one [`Bus`].

use goggles_scope::priority::{Addresses, Bus, Granted, Kind, bus, raise};
use rustix::thread::CapabilitySet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);

/// What a service was asked.
type Call = (&'static str, u64, u64, i64);

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

/// Serves both until dropped.
fn serve(address: &str) -> (tokio::runtime::Runtime, zbus::Connection, mpsc::Receiver<Call>) {
    let (calls, called) = mpsc::channel();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let connection = runtime.block_on(async {
        zbus::connection::Builder::address(address)
            .unwrap()
            .serve_at("/org/freedesktop/RealtimeKit1", Rtkit(calls.clone()))
            .unwrap()
            .serve_at("/com/feralinteractive/GameMode", GameMode(calls))
            .unwrap()
            .name("org.freedesktop.RealtimeKit1")
            .unwrap()
            .name("com.feralinteractive.GameMode")
            .unwrap()
            .build()
            .await
            .unwrap()
    });
    (runtime, connection, called)
}

/// On a thread that the kernel grants nothing.
fn unprivileged<T: Send>(of: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let mut held = rustix::thread::capabilities(None).unwrap();
            held.effective.remove(CapabilitySet::SYS_NICE);
            rustix::thread::set_capabilities(None, held).unwrap();
            of()
        });
        thread.join().unwrap()
    })
}

#[test]
fn what_the_kernel_refuses_rtkit_is_asked_for_and_gamemode_hears_of_the_game() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    // Another process may have given this one the right to nice itself.
    for resource in [Resource::Nice, Resource::Rtprio] {
        let none = Rlimit {
            current: Some(0),
            maximum: Some(0),
        };
        setrlimit(resource, none).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let (mut daemon, address) = daemon(folder.path());
    let (_runtime, _connection, called) = serve(&address);
    let addresses = Addresses {
        system: Some(address.clone()),
        session: Some(address),
    };
    let us = u64::from(std::process::id());
    let tid = || rustix::thread::gettid().as_raw_nonzero().get() as u64;

    let before = unprivileged(|| raise(Kind::Encode, false));
    assert!(
        matches!(before, Granted::Nothing(_)),
        "{before:?} without anybody to ask"
    );

    let bus = Bus::start(addresses.clone()).unwrap();
    // The encoder waits for its answer.
    let (granted, thread) = unprivileged(|| (raise(Kind::Encode, true), tid()));
    assert_eq!(granted, Granted::Nice(-10));
    assert_eq!(called.recv_timeout(PATIENCE), Ok(("nice", us, thread, -10)));
    // The others do not; the service's best niceness is -15.
    let thread = unprivileged(|| (raise(Kind::Pace, false), tid()).1);
    assert_eq!(called.recv_timeout(PATIENCE), Ok(("nice", us, thread, -15)));
    let thread = unprivileged(|| (raise(Kind::Audio, true), tid()).1);
    assert_eq!(called.recv_timeout(PATIENCE), Ok(("real time", us, thread, 1)));
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
    let bound = limits
        .lines()
        .find(|line| line.starts_with("Max realtime timeout"))
        .unwrap();
    let bound: Vec<_> = bound.split_whitespace().skip(3).take(2).collect();
    assert_eq!(bound, ["100000", "200000"], "rtkit demands it");

    bus::has_gamemode(addresses).unwrap();
    bus.game(4711);
    assert_eq!(called.recv_timeout(PATIENCE), Ok(("register", us, 4711, 0)));
    drop(bus);
    assert_eq!(called.recv_timeout(PATIENCE), Ok(("unregister", us, 4711, 0)));

    daemon.kill().unwrap();
    daemon.wait().unwrap();
}

#[test]
fn without_a_bus_nothing_is_granted_and_nobody_waits() {
    let nowhere = Addresses {
        system: Some("unix:path=/nonexistent/bus".into()),
        session: Some("unix:path=/nonexistent/bus".into()),
    };
    assert!(bus::has_gamemode(nowhere.clone()).is_err());
    assert!(matches!(bus::try_rtkit(nowhere, Kind::Pace, true), Granted::Nothing(_)));
}
