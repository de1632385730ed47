//! What other services grant, over a D-Bus of the test's own. One test, since a process has one [`Bus`].

#[path = "bus/services.rs"]
mod services;

use goggles_scope::priority::{Addresses, Bus, Granted, Kind, bus, raise};
use rustix::thread::CapabilitySet;
use services::Services;

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
    let services = Services::start(folder.path());
    let addresses = Addresses {
        system: Some(services.address.clone()),
        session: Some(services.address.clone()),
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
    let (granted, thread) = unprivileged(|| (raise(Kind::Encode, false), tid()));
    assert_eq!(granted, Granted::Nice(-10));
    assert_eq!(services.next(), ("nice", us, thread, -10));
    // It has real time once its helpers are there, after those that pace and play.
    let thread = unprivileged(|| (raise(Kind::Encode, true), tid()).1);
    assert_eq!(services.next(), ("real time", us, thread, 1));
    // The others do not wait; the service's best niceness is -15.
    let thread = unprivileged(|| (raise(Kind::Pace, false), tid()).1);
    assert_eq!(services.next(), ("nice", us, thread, -15));
    let thread = unprivileged(|| (raise(Kind::Audio, true), tid()).1);
    assert_eq!(services.next(), ("real time", us, thread, 2));
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
    let bound = limits
        .lines()
        .find(|line| line.starts_with("Max realtime timeout"))
        .unwrap();
    let bound: Vec<_> = bound.split_whitespace().skip(3).take(2).collect();
    assert_eq!(bound, ["100000", "200000"], "rtkit demands it");

    bus::has_gamemode(addresses).unwrap();
    bus.game(4711);
    assert_eq!(services.next(), ("register", us, 4711, 0));
    drop(bus);
    assert_eq!(services.next(), ("unregister", us, 4711, 0));
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
