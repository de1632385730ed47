//! What can't work says so before the program starts, with exit status 1 or 2.

use anyhow::{Context, Result};
use nested_tests::scope::{Setup, binary};
use std::net::{TcpListener, UdpSocket};

/// Runs with a program that leaves a trace, and checks that it never ran and that the error says `words`.
fn refuses(words: &[&str], prepare: impl FnOnce(&mut Setup) -> &mut Setup) -> Result<()> {
    let mut setup = Setup::bare()?;
    // In a folder of its own: the set-up's is gone when we look.
    let traces = tempfile::tempdir()?;
    let trace = traces.path().join("trace");
    setup.args(["--backend", "headless", "--expose-wayland"]);
    setup.program(["/bin/touch".as_ref(), trace.as_os_str()]);
    prepare(&mut setup);
    let (status, log) = setup.fail()?;
    assert!(matches!(status.code(), Some(1 | 2)), "{status}:\n{log}");
    assert!(!trace.exists(), "the program was started:\n{log}");
    let error = log
        .lines()
        .filter(|l| l.starts_with("goggles-scope: "))
        .collect::<Vec<_>>()
        .join("\n");
    for word in words {
        assert!(
            error.to_lowercase().contains(&word.to_lowercase()),
            "no {word:?} in:\n{log}"
        );
    }
    assert!(!log.contains("panicked"), "{log}");
    Ok(())
}

/// The same checks let a working set-up through.
#[test]
fn a_good_set_up_starts_the_program() -> Result<()> {
    let mut setup = Setup::bare()?;
    let traces = tempfile::tempdir()?;
    let trace = traces.path().join("trace");
    setup.args(["--backend", "headless", "--stream", "127.0.0.1:0"]);
    setup.program(["/bin/touch".as_ref(), trace.as_os_str()]);
    let (status, log) = setup.fail()?;
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(trace.exists(), "{log}");
    Ok(())
}

#[test]
fn the_exit_status_is_the_programs() -> Result<()> {
    for (program, expected) in [
        (["/bin/sh", "-c", "exit 7"], 7),
        (["/bin/sh", "-c", "kill -TERM $$"], 128 + 15),
    ] {
        let mut setup = Setup::bare()?;
        setup.args(["--backend", "headless"]).program(program);
        let (status, log) = setup.fail()?;
        assert_eq!(status.code(), Some(expected), "{log}");
    }
    Ok(())
}

#[test]
fn port_in_use_over_tcp() -> Result<()> {
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let address = taken.local_addr()?.to_string();
    refuses(&[&address, "in use"], |setup| setup.args(["--stream", &address]))
}

#[test]
fn port_in_use_over_udp() -> Result<()> {
    let taken = UdpSocket::bind("127.0.0.1:0")?;
    let address = taken.local_addr()?.to_string();
    refuses(&[&address, "in use"], |setup| setup.args(["--stream", &address]))
}

/// An address of nobody (RFC 5737).
#[test]
fn unusable_address() -> Result<()> {
    refuses(&["192.0.2.1:4433"], |setup| setup.args(["--stream", "192.0.2.1:4433"]))
}

/// Nobody can make a file there, not even root.
#[test]
fn unwritable_runtime_directory() -> Result<()> {
    refuses(&["XDG_RUNTIME_DIR"], |setup| setup.env("XDG_RUNTIME_DIR", "/proc"))
}

#[test]
fn missing_runtime_directory() -> Result<()> {
    refuses(&["/nonexistent/runtime"], |setup| {
        setup.env("XDG_RUNTIME_DIR", "/nonexistent/runtime")
    })
}

#[test]
fn no_xwayland() -> Result<()> {
    refuses(&["Xwayland"], |setup| setup.env("PATH", "/nonexistent"))
}

#[test]
fn no_encoder() -> Result<()> {
    refuses(&["encoder"], |setup| {
        let empty = setup.folder().to_owned();
        setup.args(["--stream", "127.0.0.1:0"]);
        setup
            .env("GST_PLUGIN_SYSTEM_PATH_1_0", &empty)
            .env("GST_PLUGIN_PATH_1_0", &empty);
        setup.env("GST_REGISTRY_1_0", empty.join("registry"))
    })
}

#[test]
fn an_option_not_served_is_refused_by_name() -> Result<()> {
    refuses(&["--hdr-itm-enabled"], |setup| setup.args(["--hdr-itm-enabled"]))
}

/// 127 and 126, as a shell has it.
#[test]
fn programs_that_can_not_be_started() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let plain = folder.path().join("plain");
    std::fs::write(&plain, "not a program")?;
    for (program, expected) in [(folder.path().join("missing"), 127), (plain, 126)] {
        let mut setup = Setup::bare()?;
        setup.args(["--backend", "headless"]).program([&program]);
        let (status, log) = setup.fail()?;
        assert_eq!(status.code(), Some(expected), "{log}");
        let name = program.file_name().and_then(|n| n.to_str()).context("no name")?;
        assert!(log.contains(name), "{log}");
    }
    Ok(())
}

#[test]
fn the_binary_says_its_version() -> Result<()> {
    let out = std::process::Command::new(binary("goggles-scope")?)
        .arg("--version")
        .output()?;
    assert!(out.status.success());
    assert!(String::from_utf8_lossy(&out.stdout).starts_with("goggles-scope "));
    Ok(())
}
