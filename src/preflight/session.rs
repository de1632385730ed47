//! The session: the runtime directory, priority, ports, and the files and names that the settings point to.

use super::{Env, Finding};
use crate::config::{Keyboard, Settings};
use crate::priority::gpu::Gpu;
use crate::priority::{self, Granted};
use smithay::input::keyboard::xkb;
use std::io::Read;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Where the socket goes (XDG Base Directory Specification).
pub fn runtime_directory(env: Env) -> Finding {
    const WHAT: &str = "runtime directory";
    const REMEDY: &str = "log in with a session (loginctl enable-linger $USER over SSH), or name a directory of your own: \
                          XDG_RUNTIME_DIR=$(mktemp -d)";
    let missing = |why: String| Finding::missing(WHAT, why, REMEDY);
    let Some(path) = env("XDG_RUNTIME_DIR")
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
    else {
        return missing("XDG_RUNTIME_DIR is not set".into());
    };
    let shown = path.display();
    if !path.is_absolute() {
        return missing(format!("XDG_RUNTIME_DIR is not an absolute path: {shown}"));
    }
    let metadata = match std::fs::metadata(&path) {
        Ok(metadata) => metadata,
        Err(e) => return missing(format!("{shown}: {e}")),
    };
    if !metadata.is_dir() {
        return missing(format!("{shown} is not a directory"));
    }
    if let Err(e) = rustix::fs::access(&path, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK) {
        return missing(format!("{shown} cannot be written to: {e}"));
    }
    let ours = rustix::process::geteuid().as_raw();
    if metadata.uid() != ours {
        return Finding::degraded(
            WHAT,
            format!(
                "{shown} belongs to user {}, not to {ours}: others reach our sockets",
                metadata.uid()
            ),
            REMEDY,
        );
    }
    if metadata.mode() & 0o077 != 0 {
        return Finding::degraded(
            WHAT,
            format!(
                "{shown} has mode {:04o}: others reach our sockets",
                metadata.mode() & 0o7777
            ),
            REMEDY,
        );
    }
    Finding::ok(WHAT, format!("{shown}, ours alone"))
}

/// What the threads that pace would be given. `rt`: real time is asked for.
pub fn priority(rt: bool) -> Vec<Finding> {
    const REMEDY: &str = "in /etc/security/limits.d/goggles-scope.conf: '@users - nice -20' and '@users - rtprio 10', and \
                          log in again";
    let limits = format!(
        "CAP_SYS_NICE {}, limits nice {} and rtprio {}, rtkit {}",
        if has_sys_nice() { "held" } else { "not held" },
        // RLIMIT_NICE counts from 20 downwards (getrlimit(2)).
        rlimit(rustix::process::Resource::Nice).map_or("unlimited".into(), |n| (20 - n as i64).to_string()),
        rlimit(rustix::process::Resource::Rtprio).map_or("unlimited".into(), |n| n.to_string()),
        if Path::new("/usr/share/dbus-1/system-services/org.freedesktop.RealtimeKit1.service").exists() {
            "installed"
        } else {
            "not installed"
        },
    );
    let finding = |what: &str, granted: Granted, wanted: bool, limits: &str| match granted {
        Granted::Nothing(why) => Finding::degraded(what, format!("{why}{limits}"), REMEDY),
        granted if wanted => Finding::ok(what, format!("{granted} is granted{limits}")),
        granted => Finding::degraded(what, format!("only {granted} is granted{limits}"), REMEDY),
    };
    // What the loop is given, the sound's thread is, too.
    let nice = priority::trial(priority::Kind::Pace, false);
    let encoder = priority::trial(priority::Kind::Encode, rt);
    let is_enough = !rt || matches!(encoder, Granted::RealTime(_));
    let mut found = vec![
        finding("priority: niceness", nice, true, &format!("; {limits}")),
        finding("priority: encoder", encoder, is_enough, ""),
    ];
    let real_time = priority::trial(priority::Kind::Pace, true);
    let is_real_time = matches!(real_time, Granted::RealTime(_));
    // Without --rt, real time is not missed.
    if rt || is_real_time {
        found.push(finding("priority: --rt", real_time, is_real_time, ""));
    }
    found.push(gpu_queue());
    found
}

/// What GPUs' drivers would grant. Nothing is degraded by less: this version has no queue.
fn gpu_queue() -> Finding {
    let said = |by: &str, trial: Result<Vec<Gpu>, String>| match trial {
        Ok(gpus) if gpus.is_empty() => format!("{by} knows no GPU"),
        Ok(gpus) => {
            let each = gpus.iter().map(|gpu| match &gpu.level {
                Ok(level) => format!("{}: {level}", gpu.name),
                Err(why) => format!("{}: {why}", gpu.name),
            });
            format!("{by}: {}", each.collect::<Vec<_>>().join(", "))
        }
        Err(why) => why,
    };
    let (vulkan, egl) = (priority::gpu::trial(), priority::egl::trial());
    let granted = [said("Vulkan", vulkan), said("EGL", egl)].join("; ");
    Finding::ok(
        "priority: GPU queue",
        format!("none is used: this version draws on the CPU ({granted})"),
    )
}

/// Whether GameMode can be told of the game, if it is to be.
pub fn gamemode(wanted: bool) -> Finding {
    const WHAT: &str = "GameMode";
    if !wanted {
        return Finding::ok(WHAT, "not told: --gamemode=false");
    }
    match priority::bus::has_gamemode(priority::Addresses::default()) {
        Ok(()) => Finding::ok(WHAT, "is told when the game starts and ends"),
        // Nobody misses it who has not installed it.
        Err(why) => Finding::ok(WHAT, format!("none ({why})")),
    }
}

fn rlimit(resource: rustix::process::Resource) -> Option<u64> {
    rustix::process::getrlimit(resource).current
}

/// Whether this process holds `CAP_SYS_NICE` (number 23).
fn has_sys_nice() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    effective
        .and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok())
        .is_some_and(|bits| bits & 1 << 23 != 0)
}

/// Whether the stream's addresses can be listened on: those of the settings, or the README's port.
pub fn ports(settings: &Settings) -> Vec<Finding> {
    let example = [SocketAddr::from(([127, 0, 0, 1], 4433))];
    let addresses = settings.stream.as_ref().map_or(&example[..], |stream| &stream.listen);
    addresses
        .iter()
        .map(|&address| port(address, settings.stream.is_some()))
        .collect()
}

fn port(address: SocketAddr, asked_for: bool) -> Finding {
    let what = format!("port: {address}");
    let udp = UdpSocket::bind(address).map(drop).map_err(|e| ("UDP", e));
    let tcp = TcpListener::bind(address).map(drop).map_err(|e| ("TCP", e));
    let (protocol, e) = match udp.and(tcp) {
        Ok(()) => return Finding::ok(what, "can be listened on, UDP and TCP"),
        Err(failed) => failed,
    };
    let why = format!("{protocol}: {e}");
    let remedy = match e.kind() {
        std::io::ErrorKind::AddrInUse => {
            let flags = if protocol == "UDP" { "-lunp" } else { "-ltnp" };
            format!(
                "see who has it: ss {flags} 'sport = :{}'; or take another port",
                address.port()
            )
        }
        std::io::ErrorKind::AddrNotAvailable => {
            "take an address of this machine (ip address), or 0.0.0.0 for all".into()
        }
        std::io::ErrorKind::PermissionDenied => "take a port from 1024 on".into(),
        _ => "take another address".into(),
    };
    if asked_for {
        Finding::missing(what, why, remedy)
    } else {
        Finding::degraded(what, why, remedy)
    }
}

/// Whether the keymap can be compiled.
pub fn keymap(keyboard: &Keyboard) -> Finding {
    const WHAT: &str = "keyboard layout";
    let Keyboard {
        layout,
        variant,
        model,
        options,
        ..
    } = keyboard;
    let names = [layout, variant, model].into_iter().chain(options);
    let said: Vec<_> = names.filter(|name| !name.is_empty()).map(String::as_str).collect();
    let shown = if said.is_empty() {
        "the default".to_owned()
    } else {
        format!("'{}'", said.join("' '"))
    };
    // xkbcommon takes C strings.
    let compiled = !said.iter().any(|name| name.contains('\0')) && {
        let mut context = xkb::Context::new(xkb::CONTEXT_NO_FLAGS);
        // It would explain a misspelt name in ten lines.
        context.set_log_level(xkb::LogLevel::Critical);
        let options = options.clone();
        xkb::Keymap::new_from_names(
            &context,
            "",
            model,
            layout,
            variant,
            options,
            xkb::KEYMAP_COMPILE_NO_FLAGS,
        )
        .is_some()
    };
    if compiled {
        Finding::ok(WHAT, shown)
    } else {
        Finding::missing(
            WHAT,
            format!("{shown} is not known to xkb"),
            "take names of /usr/share/X11/xkb/rules/evdev.lst; sudo apt install xkb-data",
        )
    }
}

/// Whether the cursor's image can be read.
pub fn cursor(path: &Path) -> Finding {
    const WHAT: &str = "cursor image";
    const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
    let mut start = [0; SIGNATURE.len()];
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut start));
    match read {
        Ok(()) if start == SIGNATURE => Finding::ok(WHAT, path.display().to_string()),
        Err(e) if e.kind() != std::io::ErrorKind::UnexpectedEof => Finding::missing(
            WHAT,
            format!("{}: {e}", path.display()),
            "--cursor with a file that is there",
        ),
        _ => Finding::missing(WHAT, format!("{} is no PNG", path.display()), "--cursor with a PNG"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;
    use std::ffi::OsString;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn runtime_directories_are_ours_alone() {
        let d = tempfile::tempdir().unwrap();
        let path = OsString::from(d.path());
        let env = |_: &str| Some(path.clone());
        let mode = |mode| std::fs::set_permissions(d.path(), std::fs::Permissions::from_mode(mode)).unwrap();
        mode(0o700);
        assert_eq!(runtime_directory(&env).state, State::Ok);
        mode(0o755);
        let open = runtime_directory(&env);
        assert!(open.state == State::Degraded && open.why.contains("0755"), "{open:?}");
        assert_eq!(runtime_directory(&|_| Some("relative".into())).state, State::Missing);
        assert_eq!(runtime_directory(&|_| Some("".into())).state, State::Missing);
        assert_eq!(
            runtime_directory(&|_| Some("/proc/self".into())).state,
            State::Missing,
            "not writable, even by root"
        );
    }

    #[test]
    fn a_port_in_use_is_named() {
        let address = |taken: SocketAddr| port(taken, true);
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let finding = address(udp.local_addr().unwrap());
        assert!(
            finding.state == State::Missing && finding.why.starts_with("UDP: "),
            "{finding:?}"
        );
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let finding = address(tcp.local_addr().unwrap());
        assert!(
            finding.state == State::Missing && finding.why.starts_with("TCP: "),
            "{finding:?}"
        );
        // TEST-NET-1 is no machine's address.
        let elsewhere = address("192.0.2.1:4433".parse().unwrap());
        assert!(elsewhere.remedy.unwrap().contains("0.0.0.0"));
        assert_eq!(address("127.0.0.1:0".parse().unwrap()).state, State::Ok);
    }

    #[test]
    fn priority_says_what_would_be_granted() {
        for rt in [false, true] {
            let found = priority(rt);
            assert!(found[0].why.contains("CAP_SYS_NICE"), "{found:?}");
            assert!(!rt || found.iter().any(|f| f.what == "priority: --rt"), "{found:?}");
            // It gets no real time, so none is missed.
            let encoder = found.iter().find(|f| f.what == "priority: encoder").unwrap();
            assert_eq!(encoder.state, found[0].state, "{found:?}");
        }
    }
}
