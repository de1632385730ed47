//! Whole sessions of the binary, headless: the program's status, surroundings and end.

mod machine;
mod privileges;
#[path = "../bus/services.rs"]
mod services;

use machine::{Machine, WITHOUT_X, read, run, signal, wait_for_end};
use rustix::process::Signal;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;

#[test]
fn the_status_is_the_programs() {
    let m = Machine::new();
    assert_eq!(run(&mut m.session(&[], "exit 0")).0, 0);
    assert_eq!(run(&mut m.session(&[], "exit 7")).0, 7);
    assert_eq!(run(&mut m.session(&[], "kill -SEGV $$")).0, 139);
    // Found by the search, and yet no program: the kernel has the last word.
    let broken = m.path().join("broken");
    std::fs::write(&broken, "#!/no/such/interpreter\n").unwrap();
    std::fs::set_permissions(&broken, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let (code, _, err) = run(m.scope(WITHOUT_X).arg("--").arg(&broken));
    assert_eq!(code, 127, "{err}");
    assert!(err.contains("command not found"), "{err}");
}

#[test]
fn standard_files_are_the_programs() {
    let m = Machine::new();
    let mut session = m
        .session(&[], "read line; echo out $line; echo err >&2")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut session.stdin.take().unwrap(), b"in\n").unwrap();
    let output = session.wait_with_output().unwrap();
    assert_eq!(output.stdout, b"out in\n", "and nothing of ours");
    assert!(String::from_utf8(output.stderr).unwrap().contains("err\n"));
}

#[test]
fn the_environment_leads_to_us() {
    let m = Machine::new();
    let script = "echo $GAMESCOPE_WAYLAND_DISPLAY,$WAYLAND_DISPLAY,$DISPLAY,$XDG_SESSION_TYPE,$XDG_CURRENT_DESKTOP,$LIBEI_SOCKET; \
                  test -S $XDG_RUNTIME_DIR/$WAYLAND_DISPLAY -a -S $XDG_RUNTIME_DIR/$LIBEI_SOCKET";
    let mut session = m.session(&[], script);
    let (code, out, err) = run(session.env("DISPLAY", ":99").env("WAYLAND_DISPLAY", "wayland-9"));
    assert_eq!(
        (code, out.trim()),
        (0, "gamescope-0,gamescope-0,,wayland,gamescope,gamescope-0-ei"),
        "{err}"
    );
    for socket in ["gamescope-0", "gamescope-0-ei"] {
        assert!(!m.path().join(socket).exists(), "{socket} is taken away at the end");
    }
}

#[test]
fn all_is_ready_before_the_program_starts() {
    let m = Machine::new();
    let ready = m.fifo("ready");
    let stats = m.path().join("stats");
    let options = ["-R", ready.to_str().unwrap(), "-T", stats.to_str().unwrap()];
    let mut session = m
        .session(&options, "test -p $D/stats || exit 1; exit 6")
        .spawn()
        .unwrap();
    // The FIFO's end is there before the program's: it is closed by then.
    assert_eq!(read(&ready), "- gamescope-0");
    assert_eq!(session.wait().unwrap().code(), Some(6));
    assert!(!stats.exists(), "the FIFO that was made is taken away");
}

#[test]
fn with_xwayland_there_is_a_display_and_a_ready_file() {
    let m = Machine::new();
    let ready = m.path().join("ready");
    let script = "echo \"$DISPLAY $GAMESCOPE_WAYLAND_DISPLAY\"; cat $D/ready; test -z \"$WAYLAND_DISPLAY\"; \
                  test \"$STEAM_GAME_DISPLAY_0\" = \"$DISPLAY\"";
    let (code, out, err) = run(&mut m.scope(&["-R", ready.to_str().unwrap(), "--", "sh", "-c", script]));
    assert_eq!(code, 0, "{err}");
    let lines: Vec<_> = out.lines().collect();
    assert_eq!(lines.len(), 2, "{out}");
    assert_eq!(lines[0], lines[1]);
    assert!(lines[0].starts_with(':') && lines[0].ends_with(" gamescope-0"), "{out}");
}

#[test]
fn the_monitors_edid_is_a_file() {
    let m = Machine::new();
    // The same one twice: where the variable says, and else beside the socket.
    let script = "test -f $XDG_RUNTIME_DIR/gamescope-0.edid && cp $XDG_RUNTIME_DIR/gamescope-0.edid $D/beside";
    let (code, _, err) = run(&mut m.session(&["--edid-name", "Den TV"], script));
    assert_eq!(code, 0, "{err}");
    let asked = m.path().join("asked");
    let mut session = m.session(
        &["--edid-name", "Den TV"],
        "test ! -e $XDG_RUNTIME_DIR/gamescope-0.edid",
    );
    let (code, _, err) = run(session.env("GAMESCOPE_PATCHED_EDID_FILE", &asked));
    assert_eq!(code, 0, "{err}");
    let edid = std::fs::read(asked).unwrap();
    assert_eq!(edid, std::fs::read(m.path().join("beside")).unwrap());
    assert_eq!(goggles_scope::edid::read(&edid).unwrap().name, "Den TV");
    assert!(!m.path().join("gamescope-0.edid").exists(), "it goes with the session");
    // The range limits: frames may come at 48 to 60 Hz, rounded up.
    let limits = edid.windows(7).find(|bytes| bytes.starts_with(&[0, 0, 0, 0xfd]));
    assert_eq!(limits.map(|bytes| &bytes[5..]), Some(&[48, 61][..]));
    // CTA-861's block of HDR's static metadata: traditional gamma and ST 2084, of type 1.
    let says_hdr = |edid: &[u8]| edid.windows(4).any(|bytes| bytes == [0xe6, 0x06, 0x05, 0x01]);
    assert!(!says_hdr(&edid));
    let hdr = m.path().join("hdr");
    let (code, _, err) = run(m
        .session(&["--hdr-enabled"], "true")
        .env("GAMESCOPE_PATCHED_EDID_FILE", &hdr));
    // The variable's file is the user's, and stays.
    assert_eq!(code, 0, "{err}");
    assert!(says_hdr(&std::fs::read(hdr).unwrap()));
}

#[test]
fn an_edid_that_is_none_is_refused_before_the_program_starts() {
    let m = Machine::new();
    let file = m.path().join("edid");
    std::fs::write(&file, [0; 128]).unwrap();
    let (code, _, err) = run(&mut m.session(&["--edid", file.to_str().unwrap()], "touch $D/started"));
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("it does not begin with an EDID's eight bytes"), "{err}");
    assert!(!m.path().join("started").exists());
}

#[test]
fn a_signal_takes_a_screenshot() {
    let m = Machine::new();
    let up = m.fifo("up");
    let mut session = m
        .session(&[], "echo $$ > $D/up; sleep 1000 & wait")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    read(&up);
    signal(&session, Signal::USR2);
    let said = std::io::BufReader::new(session.stderr.take().unwrap());
    let told = std::io::BufRead::lines(said)
        .map_while(Result::ok)
        .find_map(|line| line.rsplit_once("screenshot: ").map(|(_, path)| PathBuf::from(path)));
    let path = told.expect("its path is told");
    assert_eq!(path.parent(), Some(m.path().join("Pictures").as_path()));
    let file = std::io::BufReader::new(File::open(path).unwrap());
    let mut reader = png::Decoder::new(file).read_info().unwrap();
    let mut rgb = vec![1; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut rgb).unwrap();
    assert_eq!((info.width, info.height), (1280, 720));
    assert!(rgb.iter().all(|c| *c == 0), "nothing is shown");
    assert!(session.try_wait().unwrap().is_none(), "the session goes on");
    signal(&session, Signal::TERM);
    session.wait().unwrap();
}

#[test]
fn what_the_program_leaves_is_ended() {
    let m = Machine::new();
    let (up, go) = (m.fifo("up"), m.fifo("go"));
    let script = "setsid sh -c 'echo $$ > $D/up; exec sleep 1000' & read go < $D/go; exit 3";
    let mut session = m.session(&[], script).spawn().unwrap();
    let daemon = read(&up);
    std::fs::write(go, "go\n").unwrap();
    assert_eq!(session.wait().unwrap().code(), Some(3));
    assert!(!Path::new("/proc").join(&daemon).exists(), "the daemon is left");
}

#[test]
fn signals_stop_it_cleanly() {
    for number in [Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT] {
        let m = Machine::new();
        let up = m.fifo("up");
        let mut session = m
            .session(&[], "trap 'exit 5' TERM; echo $$ > $D/up; sleep 1000 & wait")
            .spawn()
            .unwrap();
        let program = read(&up);
        signal(&session, number);
        assert_eq!(
            session.wait().unwrap().code(),
            Some(5),
            "{number:?}: the program may say goodbye"
        );
        assert!(!Path::new("/proc").join(&program).exists());
        assert!(
            !m.path().join("gamescope-0").exists(),
            "{number:?}: the socket is taken away"
        );
    }
}

#[test]
fn kept_alive_it_waits_for_a_signal() {
    let m = Machine::new();
    let gone = m.fifo("gone");
    let mut session = m.session(&["--keep-alive"], "exec 9> $D/gone; exit 4").spawn().unwrap();
    // The FIFO's end is the program's.
    read(&gone);
    let socket = m.path().join("gamescope-0");
    assert!(
        std::os::unix::net::UnixStream::connect(&socket).is_ok(),
        "it still listens"
    );
    assert!(session.try_wait().unwrap().is_none());
    signal(&session, Signal::TERM);
    assert_eq!(session.wait().unwrap().code(), Some(4));
}

#[test]
fn the_program_ends_with_a_compositor_that_dies() {
    let m = Machine::new();
    let up = m.fifo("up");
    let script = "setsid sh -c 'echo $$ > $D/up; exec sleep 1000' & exec sleep 1000";
    let mut session = m.session(&[], script).spawn().unwrap();
    let daemon = read(&up);
    signal(&session, Signal::KILL);
    assert!(!session.wait().unwrap().success());
    wait_for_end(&daemon);
}

#[test]
fn a_port_in_use_is_told_before_the_program_starts() {
    let m = Machine::new();
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let taken = socket.local_addr().unwrap().to_string();
    let (code, _, err) = run(&mut m.session(&["--stream", &taken], "touch $D/started"));
    assert_eq!(code, 1, "{err}");
    assert!(err.contains(&taken), "{err}");
    assert!(!m.path().join("started").exists());
}
