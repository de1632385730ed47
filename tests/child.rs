//! The program under its reaper: statuses, what it inherits, and the end of all that it started.

use goggles_scope::child::{Child, Inherited, Spawn};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::thread::CapabilitySet;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, AsRawFd};
use std::path::{Path, PathBuf};

/// A program that is a shell script; `$D` is `directory`.
fn script(directory: &Path, text: &str) -> Spawn {
    let environment = vec![("D".into(), Some(directory.into()))];
    spawn_of(["sh", "-c", text].map(Into::into).to_vec(), environment)
}

fn spawn_of(command: Vec<std::ffi::OsString>, environment: Vec<(String, Option<std::ffi::OsString>)>) -> Spawn {
    Spawn {
        reaper: env!("CARGO_BIN_EXE_goggles-scope").into(),
        ..Spawn::new(command, environment, false)
    }
}

fn start(spawn: &Spawn) -> Child {
    Child::spawn(spawn).unwrap()
}

/// Waits for the reaper's end, as the compositor's loop does.
fn status(child: &mut Child) -> i32 {
    let handle = child.as_fd().try_clone_to_owned().unwrap();
    let patience = Timespec { tv_sec: 30, tv_nsec: 0 };
    assert_eq!(
        poll(&mut [PollFd::new(&handle, PollFlags::IN)], Some(&patience)),
        Ok(1),
        "the program does not end"
    );
    child.reap().expect("a readable handle means an end")
}

fn run(spawn: &Spawn) -> i32 {
    status(&mut start(spawn))
}

/// A FIFO, and what is written into it by its first writer, up to its end.
fn fifo(directory: &Path, name: &str) -> PathBuf {
    let path = directory.join(name);
    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    path
}

fn read(fifo: &Path) -> String {
    let mut text = String::new();
    File::open(fifo).unwrap().read_to_string(&mut text).unwrap();
    text.trim().into()
}

fn is_there(pid: &str) -> bool {
    Path::new("/proc").join(pid).exists()
}

#[test]
fn statuses_are_the_programs() {
    let d = tempfile::tempdir().unwrap();
    let plain = d.path().join("plain");
    std::fs::write(&plain, "text").unwrap();
    assert_eq!(run(&script(d.path(), "exit 0")), 0);
    assert_eq!(run(&script(d.path(), "exit 7")), 7);
    assert_eq!(run(&script(d.path(), "kill -KILL $$")), 137);
    assert_eq!(run(&script(d.path(), "kill -TERM $$")), 143);
    assert_eq!(run(&spawn_of(vec!["no-program-of-this-name".into()], vec![])), 127);
    assert_eq!(run(&spawn_of(vec![plain.into()], vec![])), 126);
}

#[test]
fn nothing_is_said_before_the_end() {
    let d = tempfile::tempdir().unwrap();
    let up = fifo(d.path(), "up");
    let mut child = start(&script(d.path(), "echo > $D/up; exec sleep 1000"));
    read(&up);
    assert_eq!(child.reap(), None);
    child.stop();
    assert_eq!(status(&mut child), 143);
    assert_eq!(child.reap(), Some(143), "and it is said again");
}

#[test]
fn a_daemon_ends_with_the_program() {
    let d = tempfile::tempdir().unwrap();
    let (up, go) = (fifo(d.path(), "up"), fifo(d.path(), "go"));
    let text = "setsid sh -c 'echo $$ > $D/up; exec sleep 1000' & read go < $D/go; exit 4";
    let mut child = start(&script(d.path(), text));
    let pid = read(&up);
    assert!(is_there(&pid));
    std::fs::write(go, "go\n").unwrap();
    assert_eq!(status(&mut child), 4);
    assert!(!is_there(&pid), "the daemon {pid} is left");
}

#[test]
fn kept_alive_it_outlives_the_program_but_not_us() {
    let d = tempfile::tempdir().unwrap();
    let up = fifo(d.path(), "up");
    let gone = fifo(d.path(), "gone");
    // The program holds `gone` open until it ends; the daemon does not.
    let text = "exec 9> $D/gone; setsid sh -c 'exec 9>&-; echo $$ > $D/up; exec sleep 1000' & exit 5";
    let mut child = start(&Spawn {
        keep_alive: true,
        ..script(d.path(), text)
    });
    read(&gone);
    let pid = read(&up);
    assert!(is_there(&pid));
    assert_eq!(child.reap(), None);
    child.stop();
    assert_eq!(status(&mut child), 5, "the status is the program's, not the daemon's");
    assert!(!is_there(&pid));
}

#[test]
fn who_does_not_listen_is_killed() {
    let d = tempfile::tempdir().unwrap();
    let up = fifo(d.path(), "up");
    let mut child = start(&script(
        d.path(),
        "trap '' TERM; echo $$ > $D/up; while :; do sleep 1000; done",
    ));
    let pid = read(&up);
    child.stop();
    child.kill();
    assert_eq!(status(&mut child), 137);
    assert!(!is_there(&pid));
}

#[test]
fn who_runs_another_program_is_asked_again() {
    let d = tempfile::tempdir().unwrap();
    let up = fifo(d.path(), "up");
    let mut child = start(&script(
        d.path(),
        "trap 'exec sleep 1000' TERM; echo > $D/up; while :; do sleep 1000; done",
    ));
    read(&up);
    child.stop();
    assert_eq!(status(&mut child), 143, "asked, not killed");
}

#[test]
fn all_ends_when_the_compositor_dies() {
    let d = tempfile::tempdir().unwrap();
    let up = fifo(d.path(), "up");
    let spawn = script(
        d.path(),
        "setsid sh -c 'echo $$ > $D/up; exec sleep 1000' & exec sleep 1000",
    );
    // To the kernel, the end of the thread that started the reaper is the end of its parent.
    let (child, pid) = std::thread::spawn(move || {
        let child = start(&spawn);
        (child, read(&up))
    })
    .join()
    .unwrap();
    let mut child = child;
    assert_eq!(status(&mut child), 143);
    assert!(!is_there(&pid));
}

#[test]
fn the_program_has_what_we_were_started_with() {
    Inherited::at_start();
    let d = tempfile::tempdir().unwrap();
    let ours = || std::fs::read_to_string("/proc/thread-self/status").unwrap();
    let field = |status: &str, name: &str| {
        status
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .unwrap_or_default()
            .trim()
            .to_owned()
    };
    let blocked_at_start = field(&ours(), "SigBlk:");

    // What the compositor does to itself, and what libraries leave.
    let file = File::open("/dev/null").unwrap();
    // SAFETY: system calls on this thread and on a descriptor of ours.
    let leak = unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        libc::sigaddset(&mut set, libc::SIGUSR1);
        libc::pthread_sigmask(libc::SIG_BLOCK, &set, std::ptr::null_mut());
        libc::fcntl(file.as_raw_fd(), libc::F_DUPFD, 200)
    };
    assert!(leak >= 200);
    assert_ne!(field(&ours(), "SigBlk:"), blocked_at_start);
    // Lower than at the start: what is asked for must still be given back.
    let mut files = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let at_start = files.current;
    files.current = Some(at_start.unwrap_or(1024) - 1);
    rustix::process::setrlimit(rustix::process::Resource::Nofile, files).unwrap();

    let text = format!(
        "test ! -e /proc/$$/fd/{leak} || exit 10\n(grep -E '^Sig(Blk|Ign):|^CapAmb:' /proc/$$/status; ulimit -n) > $D/out"
    );
    assert_eq!(run(&script(d.path(), &text)), 0);
    let out = std::fs::read_to_string(d.path().join("out")).unwrap();
    assert_eq!(field(&out, "SigBlk:"), blocked_at_start);
    assert_eq!(field(&out, "CapAmb:"), "0000000000000000");
    let ignored = u64::from_str_radix(&field(&out, "SigIgn:"), 16).unwrap();
    assert_eq!(ignored & 1 << (libc::SIGPIPE - 1), 0, "a program expects SIGPIPE");
    if let Some(at_start) = at_start {
        assert_eq!(out.lines().last(), Some(at_start.to_string().as_str()));
    }
}

#[test]
fn the_program_goes_no_earlier_than_we_did_at_the_start() {
    use goggles_scope::priority::{Granted, Kind, raise};
    Inherited::at_start();
    let d = tempfile::tempdir().unwrap();
    // Niceness, real-time priority and policy (proc(5)), counted from behind the name.
    let scheduling = |stat: &str| {
        let behind = stat.rsplit_once(')').unwrap().1;
        let fields: Vec<_> = behind.split_whitespace().collect();
        [16, 37, 38].map(|field| fields[field].to_owned())
    };
    let at_start = scheduling(&std::fs::read_to_string("/proc/thread-self/stat").unwrap());
    let may_raise = rustix::thread::capabilities(None)
        .unwrap()
        .effective
        .contains(CapabilitySet::SYS_NICE);
    let spawned = |rt: bool| {
        let spawn = script(d.path(), "cat /proc/$$/stat > $D/out");
        let granted = std::thread::spawn(move || {
            let granted = raise(Kind::Pace, rt);
            (granted, run(&spawn))
        });
        let (granted, status) = granted.join().unwrap();
        assert_eq!(status, 0);
        (
            granted,
            scheduling(&std::fs::read_to_string(d.path().join("out")).unwrap()),
        )
    };
    // The limit that rtkit demands, with a soft one that would end a program's own thread.
    let real_time = rustix::process::Resource::Rttime;
    let mut limit = rustix::process::getrlimit(real_time);
    assert_eq!(limit.current, None, "the test is started without");
    limit.current = Some(100_000);
    rustix::process::setrlimit(real_time, limit).unwrap();
    for rt in [true, false] {
        let (granted, program) = spawned(rt);
        assert_eq!(program, at_start, "we were given {granted}");
        assert!(!may_raise || !matches!(granted, Granted::Nothing(_)), "{granted}");
    }
    assert_eq!(
        run(&script(
            d.path(),
            "grep '^Max realtime timeout *unlimited' /proc/$$/limits"
        )),
        0
    );
}

#[test]
fn the_overlay_is_the_programs_not_the_reapers() {
    let d = tempfile::tempdir().unwrap();
    // A library that is not there: the loader of whoever has it complains.
    let library = "/nonexistent/gameoverlayrenderer.so";
    let mut spawn = script(
        d.path(),
        "echo \"$LD_PRELOAD\" > $D/out; test -z \"$GOGGLES_SCOPE_LD_PRELOAD\"",
    );
    spawn.environment.push(("LD_PRELOAD".into(), Some(library.into())));
    assert_eq!(run(&spawn), 0);
    assert_eq!(std::fs::read_to_string(d.path().join("out")).unwrap().trim(), library);
}
