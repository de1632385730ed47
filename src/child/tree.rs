//! The processes below one, whatever sessions and groups they made for themselves.

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::collections::HashMap;

/// A process that can be told from a later one of the same number.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Process {
    /// Its number.
    pub pid: i32,
    /// When it was started, in clock ticks since boot.
    started: u64,
    /// Its name, which changes when it runs another program.
    name: Vec<u8>,
}

/// What `/proc/PID/stat` tells (proc(5)).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stat {
    pub name: Vec<u8>,
    state: u8,
    pub parent: i32,
    started: u64,
}

/// The fields after the name, which stands in parentheses and may itself have any character.
fn parse_stat(text: &[u8]) -> Option<Stat> {
    let name = text.iter().position(|&b| b == b'(')? + 1;
    let after_name = text.iter().rposition(|&b| b == b')')? + 1;
    let fields: Vec<_> = text[after_name..]
        .split(u8::is_ascii_whitespace)
        .filter(|f| !f.is_empty())
        .collect();
    let number = |i: usize| std::str::from_utf8(fields.get(i)?).ok();
    Some(Stat {
        name: text.get(name..after_name - 1)?.to_vec(),
        state: *fields.first()?.first()?,
        parent: number(1)?.parse().ok()?,
        started: number(19)?.parse().ok()?,
    })
}

pub(super) fn stat(pid: i32) -> Option<Stat> {
    parse_stat(&std::fs::read(format!("/proc/{pid}/stat")).ok()?)
}

/// All that descend from `root`, itself excepted; the dead that wait to be reaped excepted.
pub fn descendants(root: i32) -> Vec<Process> {
    let mut children: HashMap<i32, Vec<(Process, u8)>> = HashMap::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // It may be gone by now, which is none of our concern.
        if let Some(Stat {
            name,
            state,
            parent,
            started,
        }) = stat(pid)
        {
            children
                .entry(parent)
                .or_default()
                .push((Process { pid, started, name }, state));
        }
    }
    let mut found = Vec::new();
    let mut unvisited = vec![root];
    while let Some(parent) = unvisited.pop() {
        for (process, state) in children.remove(&parent).unwrap_or_default() {
            unvisited.push(process.pid);
            if state != b'Z' && state != b'X' {
                found.push(process);
            }
        }
    }
    found
}

impl Process {
    /// Sends a signal to this process, never to another one that got its number. A process that is gone, or that is
    /// another user's now, gets none.
    pub fn signal(&self, signal: Signal) {
        let Some(pid) = Pid::from_raw(self.pid) else { return };
        let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) else {
            return;
        };
        // The handle holds the process, so what is read after it was opened is about the same one.
        if stat(self.pid).is_some_and(|stat| stat.started == self.started) {
            let _ = pidfd_send_signal(handle, signal);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    #[test]
    fn a_name_may_have_anything() {
        let text = b"42 (a) b (c) S 7 42 42 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 987654 0 0";
        assert_eq!(
            parse_stat(text),
            Some(Stat {
                name: b"a) b (c".to_vec(),
                state: b'S',
                parent: 7,
                started: 987_654
            })
        );
        assert_eq!(parse_stat(b"42 (x"), None);
        assert_eq!(parse_stat(b"42 (x) S 7"), None);
    }

    #[test]
    fn finds_grandchildren_in_other_sessions() {
        let mut shell = Command::new("sh")
            .args(["-c", "setsid sleep 1000 & echo $!; read line"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(shell.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let grandchild: i32 = line.trim().parse().unwrap();
        let found = descendants(shell.id() as i32);
        let process = found.iter().find(|process| process.pid == grandchild);
        process.expect("the grandchild is found").signal(Signal::KILL);
        assert!(
            descendants(std::process::id() as i32)
                .iter()
                .any(|process| process.pid == shell.id() as i32)
        );
        // Another process of the same number must not get the signal.
        Process {
            pid: shell.id() as i32,
            started: 1,
            name: Vec::new(),
        }
        .signal(Signal::KILL);
        drop(shell.stdin.take());
        assert!(shell.wait().unwrap().code().is_some(), "the shell ended by itself");
    }
}
