//! Sessions of ordinary users, with and without capabilities; and who hears of the program.

use crate::machine::{Machine, read, run, signal, wait_for_end};
use crate::services::Services;
use rustix::process::Signal;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The number of an ordinary user.
const NOBODY: u32 = 65_534;

/// The program as an ordinary user with only these capabilities.
fn as_nobody(program: &Path, capabilities: &[&str]) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
    command.args(capabilities).arg(program);
    command
}

impl Machine {
    /// A copy of the binary that an ordinary user can run, to whom the machine belongs: the binary's own folder may be
    /// closed to it.
    fn binary_of_nobody(&self) -> PathBuf {
        let binary = self.path().join("goggles-scope");
        std::fs::copy(env!("CARGO_BIN_EXE_goggles-scope"), &binary).unwrap();
        std::fs::set_permissions(&binary, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        std::os::unix::fs::chown(self.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        binary
    }
}

/// The same call of this binary, as an ordinary user.
fn call_as_nobody(call: &Command, binary: &Path, capabilities: &[&str]) -> Command {
    let mut command = as_nobody(binary, capabilities);
    command.args(call.get_args()).env_clear().stdin(Stdio::null());
    for (name, value) in call.get_envs() {
        command.env(name, value.unwrap());
    }
    command
}

/// bubblewrap, and so Steam's runtime, refuses to run with an ambient capability; we may well be given one.
#[test]
fn bubblewrap_runs_inside_although_we_hold_an_ambient_capability() {
    const SYS_NICE: &[&str] = &["--inh-caps", "+sys_nice", "--ambient-caps", "+sys_nice"];
    let machine = Machine::new();
    let in_a_box = "exec bwrap --ro-bind / / --proc /proc --dev /dev grep CapAmb /proc/self/status";
    let mut scope = machine.session(&[], in_a_box);
    if rustix::process::geteuid().is_root() {
        // Root holds every capability anyway, and bubblewrap takes no offence; so an ordinary user.
        let binary = machine.binary_of_nobody();
        let mut bare = as_nobody(Path::new("sh"), SYS_NICE);
        let (status, _, why) = run(bare.args(["-c", in_a_box]));
        assert!(
            status != 0 && why.contains("capabilities"),
            "it takes no offence: {why}"
        );
        scope = call_as_nobody(&scope, &binary, SYS_NICE);
    }
    let (status, out, log) = run(&mut scope);
    assert_eq!((status, out.trim()), (0, "CapAmb:\t0000000000000000"), "{log}");
}

/// The kernel forgets whose end a process asked to be told of when it runs a file with capabilities, as gamescope is mostly
/// installed. Only root can make such a file.
#[test]
fn the_program_ends_with_a_compositor_that_dies_though_the_file_has_a_capability() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let machine = Machine::new();
    let up = machine.fifo("up");
    std::os::unix::fs::chown(&up, Some(NOBODY), Some(NOBODY)).unwrap();
    let script = "setsid sh -c 'echo $$ > $D/up; exec sleep 1000' & exec sleep 1000";
    let binary = machine.binary_of_nobody();
    // As setcap cap_sys_nice+ep: version 2, effective; permitted: number 23 (linux/capability.h).
    let capability: Vec<u8> = [0x0200_0001_u32, 1 << 23, 0, 0, 0]
        .into_iter()
        .flat_map(u32::to_le_bytes)
        .collect();
    let flags = rustix::fs::XattrFlags::empty();
    rustix::fs::setxattr(&binary, "security.capability", &capability, flags).unwrap();
    let mut session = call_as_nobody(&machine.session(&[], script), &binary, &[])
        .spawn()
        .unwrap();
    let daemon = read(&up);
    let held = std::fs::read_to_string(format!("/proc/{}/status", session.id())).unwrap();
    assert!(
        held.contains("CapEff:\t0000000000800000"),
        "it has the capability: {held}"
    );
    signal(&session, Signal::KILL);
    assert!(!session.wait().unwrap().success());
    wait_for_end(&daemon);
}

#[test]
fn gamemode_is_told_of_the_program_itself() {
    let m = Machine::new();
    let bus = Services::start(m.path());
    let (up, go) = (m.fifo("up"), m.fifo("go"));
    let mut session = m
        .session(&[], "echo $$ > $D/up; read go < $D/go")
        .env("DBUS_SESSION_BUS_ADDRESS", &bus.address)
        .spawn()
        .unwrap();
    let program = read(&up).parse().unwrap();
    let us = u64::from(session.id());
    assert_eq!(bus.next(), ("register", us, program, 0));
    std::fs::write(go, "go\n").unwrap();
    assert_eq!(bus.next(), ("unregister", us, program, 0));
    assert!(session.wait().unwrap().success());
}
