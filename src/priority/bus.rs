//! What other services grant over D-Bus: rtkit gives an unprivileged user's threads real time or a better niceness,
//! GameMode tunes the machine while a game runs. A thread of its own asks them, so that a slow or silent bus delays
//! nobody; where there is no bus or no such service, all stays as it is.
//!
//! Interfaces: rtkit's README (org.freedesktop.RealtimeKit1), GameMode's `daemon/dbus_messaging` documentation
//! (com.feralinteractive.GameMode).

use super::runaway;
use super::{Granted, Kind};
use std::io;
use std::sync::{OnceLock, mpsc as std_mpsc};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::mpsc;
use zbus::Connection;
use zbus::connection::Builder;

/// A service that has not answered after this is not there.
const PATIENCE: Duration = Duration::from_secs(2);

const RTKIT: &str = "org.freedesktop.RealtimeKit1";
const RTKIT_PATH: &str = "/org/freedesktop/RealtimeKit1";
const GAMEMODE: &str = "com.feralinteractive.GameMode";
const GAMEMODE_PATH: &str = "/com/feralinteractive/GameMode";

/// Where to ask.
#[derive(Clone, Debug, Default)]
pub struct Addresses {
    /// The system's bus; `None`: where the D-Bus specification says (`DBUS_SYSTEM_BUS_ADDRESS`, or the usual socket).
    pub system: Option<String>,
    /// The session's bus; `None`: `DBUS_SESSION_BUS_ADDRESS`, or `bus` in the runtime directory.
    pub session: Option<String>,
}

enum Request {
    /// This thread did not get by itself what it wants.
    Thread {
        thread: u32,
        kind: Kind,
        rt: bool,
        /// Who waits for the answer, if somebody does.
        answer: std_mpsc::SyncSender<Granted>,
    },
    /// This process is a game's, until the end.
    Game {
        process: u32,
    },
    End,
}

static REQUESTS: OnceLock<mpsc::UnboundedSender<Request>> = OnceLock::new();

/// The thread that asks. Priority is the process's, so there is one; threads reach it without being handed it.
#[derive(Debug)]
pub struct Bus {
    requests: mpsc::UnboundedSender<Request>,
    thread: Option<JoinHandle<()>>,
}

impl Bus {
    /// Starts it; from now on [`super::raise`] asks rtkit for what the kernel refuses. A second one in the same process
    /// is asked by nobody.
    pub fn start(addresses: Addresses) -> io::Result<Self> {
        let (requests, receiver) = mpsc::unbounded_channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::Builder::new()
            .name("bus".into())
            .spawn(move || runtime.block_on(serve(receiver, &Buses { addresses })))?;
        let _ = REQUESTS.set(requests.clone());
        Ok(Self {
            requests,
            thread: Some(thread),
        })
    }

    /// Tells GameMode that this process is a game's. At the end it is told that the game has ended.
    pub fn game(&self, process: u32) {
        // Only fails after the end.
        let _ = self.requests.send(Request::Game { process });
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        let _ = self.requests.send(Request::End);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Asks for a thread; `None`: there is nobody to ask. The answer may be waited for, or not.
pub(super) fn ask(thread: u32, kind: Kind, rt: bool) -> Option<std_mpsc::Receiver<Granted>> {
    let requests = REQUESTS.get()?;
    let (answer, receiver) = std_mpsc::sync_channel(1);
    let request = Request::Thread {
        thread,
        kind,
        rt,
        answer,
    };
    requests.send(request).ok()?;
    Some(receiver)
}

/// Whether GameMode would be started or runs; why not, if not. For the doctor; takes [`PATIENCE`] at most.
pub fn has_gamemode(addresses: Addresses) -> Result<(), String> {
    blocking(async {
        let connection = (Buses { addresses }).session().await.map_err(|e| e.to_string())?;
        let dbus = zbus::fdo::DBusProxy::new(&connection)
            .await
            .map_err(|e| e.to_string())?;
        let mut names = dbus.list_activatable_names().await.map_err(|e| e.to_string())?;
        names.extend(dbus.list_names().await.map_err(|e| e.to_string())?);
        if names.iter().any(|name| name.as_str() == GAMEMODE) {
            Ok(())
        } else {
            Err("not installed".into())
        }
    })
}

/// What rtkit grants the calling thread. For the doctor; takes [`PATIENCE`] at most.
pub fn try_rtkit(addresses: Addresses, kind: Kind, rt: bool) -> Granted {
    let thread = super::this_thread();
    let asked = blocking(async {
        let connection = (Buses { addresses }).system().await.map_err(|e| e.to_string())?;
        rtkit(&connection, thread, kind, rt).await.map_err(|e| e.to_string())
    });
    asked.unwrap_or_else(Granted::Nothing)
}

fn blocking<T>(of: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|e| e.to_string())?;
    runtime.block_on(async {
        let ended = tokio::time::timeout(PATIENCE, of).await;
        ended.unwrap_or_else(|_| Err(format!("no answer within {PATIENCE:?}")))
    })
}

struct Buses {
    addresses: Addresses,
}

impl Buses {
    async fn system(&self) -> zbus::Result<Connection> {
        let builder = match &self.addresses.system {
            Some(address) => Builder::address(address.as_str()),
            None => Builder::system(),
        };
        connect(builder?).await
    }

    async fn session(&self) -> zbus::Result<Connection> {
        let builder = match &self.addresses.session {
            Some(address) => Builder::address(address.as_str()),
            None => Builder::session(),
        };
        connect(builder?).await
    }
}

async fn connect(builder: Builder<'_>) -> zbus::Result<Connection> {
    let connecting = builder.method_timeout(PATIENCE).build();
    match tokio::time::timeout(PATIENCE, connecting).await {
        Ok(connected) => connected,
        Err(_) => Err(io::Error::from(io::ErrorKind::TimedOut).into()),
    }
}

async fn serve(mut requests: mpsc::UnboundedReceiver<Request>, buses: &Buses) {
    let mut system: Option<Result<Connection, String>> = None;
    let mut games: Vec<(Connection, u32)> = Vec::new();
    while let Some(request) = requests.recv().await {
        match request {
            Request::End => break,
            Request::Game { process } => match register(buses, process).await {
                Ok(connection) => {
                    tracing::info!("GameMode tunes this machine for the game");
                    games.push((connection, process));
                }
                Err(why) => tracing::debug!("no GameMode: {why}"),
            },
            Request::Thread {
                thread,
                kind,
                rt,
                answer,
            } => {
                if system.is_none() {
                    system = Some(buses.system().await.map_err(|e| format!("no system bus: {e}")));
                }
                let granted = match &system {
                    Some(Ok(connection)) => rtkit(connection, thread, kind, rt)
                        .await
                        .unwrap_or_else(|e| Granted::Nothing(format!("rtkit: {e}"))),
                    Some(Err(why)) => Granted::Nothing(why.clone()),
                    None => Granted::Nothing(String::new()),
                };
                tell(kind, rt, &granted);
                // Whoever asked may not wait.
                let _ = answer.send(granted);
            }
        }
    }
    for (connection, process) in games {
        let ours = i32::try_from(std::process::id()).unwrap_or(0);
        let ended = (ours, i32::try_from(process).unwrap_or(0));
        let call = connection.call_method(
            Some(GAMEMODE),
            GAMEMODE_PATH,
            Some(GAMEMODE),
            "UnregisterGameByPID",
            &ended,
        );
        if let Err(e) = call.await {
            tracing::debug!("GameMode was not told of the game's end: {e}");
        }
    }
}

fn tell(kind: Kind, rt: bool, granted: &Granted) {
    match granted {
        Granted::RealTime(_) => tracing::info!("rtkit gives {kind} {granted}"),
        Granted::Nothing(why) if rt => {
            tracing::warn!("--rt: real-time scheduling of {kind} is not permitted, and {why}; see the doctor");
        }
        granted => tracing::debug!("rtkit gives {kind} {granted}"),
    }
}

/// Registers a game; the connection must stay, GameMode forgets the games of who is gone.
async fn register(buses: &Buses, process: u32) -> Result<Connection, String> {
    let connection = buses.session().await.map_err(|e| e.to_string())?;
    let ours = i32::try_from(std::process::id()).map_err(|e| e.to_string())?;
    let game = i32::try_from(process).map_err(|e| e.to_string())?;
    let both = (ours, game);
    let call = connection.call_method(
        Some(GAMEMODE),
        GAMEMODE_PATH,
        Some(GAMEMODE),
        "RegisterGameByPID",
        &both,
    );
    let answer = call.await.map_err(|e| e.to_string())?;
    match answer.body().deserialize::<i32>().map_err(|e| e.to_string())? {
        0 => Ok(connection),
        -2 => Err("it rejects the game".into()),
        other => Err(format!("it answers {other}")),
    }
}

/// Asks rtkit for real time, or for the niceness where real time is not wanted.
async fn rtkit(connection: &Connection, thread: u32, kind: Kind, rt: bool) -> zbus::Result<Granted> {
    // A cache would ask for all properties at once, which rtkit does not know how to tell.
    let limits: zbus::Proxy<'_> = zbus::proxy::Builder::new(connection)
        .destination(RTKIT)?
        .path(RTKIT_PATH)?
        .interface(RTKIT)?
        .cache_properties(zbus::proxy::CacheProperties::No)
        .build()
        .await?;
    let process = u64::from(std::process::id());
    if rt {
        let most: i64 = limits.get_property("RTTimeUSecMax").await?;
        runaway::bound(u64::try_from(most).unwrap_or(0), thread)?;
        let priority = 1 + kind.above_least().unsigned_abs();
        let wanted = (process, u64::from(thread), priority);
        limits.call_method("MakeThreadRealtimeWithPID", &wanted).await?;
        return Ok(Granted::RealTime(priority.cast_signed()));
    }
    let best: i32 = limits.get_property("MinNiceLevel").await?;
    let nice = kind.nice().max(best);
    let wanted = (process, u64::from(thread), nice);
    limits.call_method("MakeThreadHighPriorityWithPID", &wanted).await?;
    Ok(Granted::Nice(nice))
}
