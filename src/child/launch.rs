//! Which app Steam started a process for. Steam runs each of its games below a process named `reaper`, whose command line
//! has the app's number; whatever the game starts descends from it, in a container, too.

use super::tree::stat;

/// No tree of processes is deeper; one that seems to be changes while it is read.
const DEEPEST: usize = 1024;

/// Steam's number of the app that this process is of; 0: of none.
pub fn app_of(pid: u32) -> u32 {
    let mut at = i32::try_from(pid).unwrap_or(0);
    for _ in 0..DEEPEST {
        let Some(process) = stat(at) else { return 0 };
        if process.name == b"reaper" {
            let command = std::fs::read(format!("/proc/{at}/cmdline")).unwrap_or_default();
            if let Some(app) = app_in(&command) {
                return app;
            }
        }
        at = process.parent;
    }
    0
}

/// The app that Steam's reaper is told, among its own arguments: the game's come after `--`.
fn app_in(command: &[u8]) -> Option<u32> {
    let own: Vec<&[u8]> = command.split(|b| *b == 0).take_while(|word| *word != b"--").collect();
    let launches = own.contains(&&b"SteamLaunch"[..]);
    let number = |word: &&[u8]| std::str::from_utf8(word.strip_prefix(b"AppId=")?).ok()?.parse().ok();
    own.iter().find_map(number).filter(|app| launches && *app != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    #[test]
    fn the_app_is_among_the_reapers_own_arguments() {
        let app = |words: &[&str]| app_in(format!("{}\0", words.join("\0")).as_bytes());
        let steam = "/home/x/.steam/ubuntu12_32/reaper";
        assert_eq!(app(&[steam, "SteamLaunch", "AppId=570", "--", "game"]), Some(570));
        assert_eq!(app(&[steam, "AppId=570", "--", "game"]), None, "it launches nothing");
        assert_eq!(app(&[steam, "SteamLaunch", "--", "game", "AppId=570"]), None);
        for odd in ["AppId=", "AppId=x", "AppId=-1", "AppId=99999999999", "AppId=0"] {
            assert_eq!(app(&[steam, "SteamLaunch", odd]), None, "{odd}");
        }
        assert_eq!(app_in(b""), None);
    }

    #[test]
    fn whatever_a_game_starts_is_the_apps() {
        let folder = tempfile::tempdir().unwrap();
        let reaper = folder.path().join("reaper");
        std::os::unix::fs::symlink("/bin/sh", &reaper).unwrap();
        // Not the shell itself, but a process below one below it; it ends with its input.
        let script = "sh -c 'cat <&3 & echo $!; wait' 3<&0; exit 0";
        let mut game = Command::new(&reaper)
            .args(["-c", script, "SteamLaunch", "AppId=570", "--", "AppId=1"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut said = BufReader::new(game.stdout.take().unwrap());
        said.read_line(&mut line).unwrap();
        assert_eq!(app_of(line.trim().parse().unwrap()), 570);
        assert_eq!(app_of(game.id()), 570);
        drop(game.stdin.take());
        game.wait().unwrap();
        for none in [0, 1, u32::MAX] {
            assert_eq!(app_of(none), 0, "{none}");
        }
    }
}
