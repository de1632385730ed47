//! What the kernel says of a process: CPU time by thread, memory.

use anyhow::{Context, Result};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// CPU time by thread name, in ns. Threads of one name are added up, their number at the end left out (`pool-3` is
/// `pool`).
pub type Cpu = BTreeMap<String, u64>;

/// CPU time of each live thread of `pid`. Their run time (schedstat) rather than utime and stime, which come in 10 ms.
pub fn cpu(pid: u32) -> Result<Cpu> {
    let mut cpu = Cpu::new();
    for entry in std::fs::read_dir(format!("/proc/{pid}/task")).context("no such process")? {
        let task = entry?.path();
        // A thread may end meanwhile.
        let (Ok(name), Ok(stat)) = (read(&task, "comm"), read(&task, "schedstat")) else {
            continue;
        };
        let time: u64 = stat
            .split_whitespace()
            .next()
            .and_then(|v| v.parse().ok())
            .context("an odd schedstat")?;
        let name = name
            .trim()
            .trim_end_matches(|c: char| c.is_ascii_digit() || "-:#_".contains(c))
            .to_owned();
        *cpu.entry(name).or_default() += time;
    }
    Ok(cpu)
}

/// What was used between two readings, by name.
pub fn used(before: &Cpu, after: &Cpu) -> Cpu {
    after
        .iter()
        .map(|(name, time)| {
            (
                name.clone(),
                time.saturating_sub(before.get(name).copied().unwrap_or(0)),
            )
        })
        .filter(|(_, time)| *time > 0)
        .collect()
}

/// Utime and stime of the whole process, ended threads included, in ns; in steps of 10 ms.
pub fn total(pid: u32) -> Result<u64> {
    let stat = read(Path::new(&format!("/proc/{pid}")), "stat")?;
    // The name, in parentheses, may hold anything.
    let fields: Vec<&str> = stat
        .rsplit_once(')')
        .context("an odd stat")?
        .1
        .split_whitespace()
        .collect();
    let ticks = |i: usize| fields.get(i).and_then(|v| v.parse::<u64>().ok()).context("an odd stat");
    // SAFETY: a question without arguments in memory.
    let hz = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    // Fields 14 and 15 of proc(5), counted from the state (3).
    Ok((ticks(11)? + ticks(12)?) * 1_000_000_000 / u64::try_from(hz).context("no clock ticks")?.max(1))
}

/// Resident memory in MiB.
pub fn resident(pid: u32) -> Result<f64> {
    status(pid, "VmRSS:")
}

/// The same without the memory that its clients share with it, which is theirs, MiB.
pub fn own(pid: u32) -> Result<f64> {
    Ok(resident(pid)? - status(pid, "RssShmem:")?)
}

/// A line of `/proc/PID/status`, MiB.
fn status(pid: u32, name: &str) -> Result<f64> {
    let status = read(Path::new(&format!("/proc/{pid}")), "status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let line = line.with_context(|| format!("no {name}"))?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib / 1024.0)
}

/// The process `pid`, a child of it, or a child's child, whose name is `name`.
///
/// Each process says whose child it is: the kernel's lists of children leave some out while others end (proc(5)).
pub fn descendant(pid: u32, name: &str) -> Result<Option<u32>> {
    let mut parents = HashMap::new();
    for entry in std::fs::read_dir("/proc")?.flatten() {
        let pid = entry.file_name().to_str().and_then(|pid| pid.parse::<u32>().ok());
        // One that has ended meanwhile is nobody's child.
        let (Some(pid), Ok(stat)) = (pid, read(&entry.path(), "stat")) else {
            continue;
        };
        // PID (COMM) STATE PPID ...: the name may have brackets of its own.
        let (Some((start, rest)), Some(at)) = (stat.rsplit_once(')'), stat.find('(')) else {
            continue;
        };
        let parent = rest.split_whitespace().nth(1).and_then(|ppid| ppid.parse::<u32>().ok());
        parents.insert(pid, (parent.unwrap_or(0), start[at + 1..].to_owned()));
    }
    let is_below = |mut at: u32| {
        // No chain is longer than the list, even if a number was given anew while it was made.
        for _ in 0..parents.len() {
            match parents.get(&at) {
                _ if at == pid => return true,
                Some((parent, _)) => at = *parent,
                None => return false,
            }
        }
        false
    };
    let mut found = parents
        .iter()
        .filter(|(pid, (_, comm))| comm == name && is_below(**pid));
    Ok(found.next().map(|(pid, _)| *pid))
}

fn read(dir: &Path, file: &str) -> std::io::Result<String> {
    std::fs::read_to_string(dir.join(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process() {
        let pid = std::process::id();
        let before = cpu(pid).unwrap();
        let start = total(pid).unwrap();
        let mut x = 1u64;
        // Work until the coarse clock has moved, so that both must have.
        while total(pid).unwrap() == start {
            x = std::hint::black_box(x.wrapping_mul(3));
        }
        assert!(used(&before, &cpu(pid).unwrap()).values().sum::<u64>() > 0);
        assert!(resident(pid).unwrap() > 1.0);
        assert!(cpu(0).is_err());
    }

    #[test]
    fn descendants_are_found_by_name() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let found = descendant(std::process::id(), "sleep").unwrap();
        let none = descendant(std::process::id(), "no-such-program").unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!((found, none), (Some(child.id()), None));
    }
}
