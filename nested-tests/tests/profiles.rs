//! With the real binary: when another game's window comes to the front, its profile's sound is heard.

use anyhow::Result;
use goggles_protocols::audio::{Layout, RATE};
use nested_tests::ear::Ear;
use nested_tests::picture::{Mode, Size};
use nested_tests::scope::{Scope, Setup, picture_program};
use nested_tests::tone::{frequency, wav_of};
use nested_tests::viewer::Viewer;

const SIZE: Size = Size { w: 640, h: 360 };
const FILE: &str = "audio-channels = 2\naudio-bitrate = 200\n\
                    [profile.wide]\nmatch = { program = 'wl-picture' }\naudio-channels = 6\naudio-bitrate = 450\n\
                    audio-packet = 10\nbitrate = 3000\n";

/// The viewer's ear for the sound, once it is of this layout and bit rate.
fn ear(scope: &Scope, viewer: Viewer, layout: Layout, kbps: u64) -> Result<Ear<'_>> {
    let is =
        |sound: &serde_json::Value| sound["numberOfChannels"] == layout.channels() && sound["bitrate"] == kbps * 1000;
    Ear::once(scope, viewer, layout, is)
}

#[test]
fn the_game_in_front_has_its_profiles_sound() -> Result<()> {
    let mut setup = Setup::new(SIZE)?;
    let folder = setup.folder().to_owned();
    wav_of(&folder.join("tones.wav"), Layout::Surround51, RATE, 3.0, frequency);
    std::fs::write(folder.join("file.toml"), FILE)?;
    let words = |name| -> Result<String> {
        let program = picture_program(name, Mode::Static, SIZE)?;
        let words: Vec<_> = program.iter().map(|word| word.to_string_lossy()).collect();
        Ok(words.join(" "))
    };
    // First a window of no profile, then one of the profile over it, until it is to go.
    let script = format!(
        "cd {}; while :; do pw-cat --playback --latency 10ms tones.wav || sleep 0.1; done & {} & \
         until [ -e game ]; do sleep 0.05; done; {} & game=$!; \
         until [ -e end ]; do sleep 0.05; done; kill $game; wait",
        folder.display(),
        words("x11-picture")?,
        words("wl-picture")?,
    );
    setup.args(["--config".as_ref(), folder.join("file.toml").as_os_str()]);
    setup.program(["sh", "-c", &script]);
    let scope = setup.start()?;
    let mut stereo = ear(&scope, scope.viewer()?, Layout::Stereo, 200)?;
    stereo.until("the program in stereo", |_| true)?;
    std::fs::write(folder.join("game"), "")?;
    let mut wide = ear(&scope, stereo.viewer, Layout::Surround51, 450)?;
    wide.until_clean("the program in 5.1", frequency)?;
    std::fs::write(folder.join("end"), "")?;
    let mut stereo = ear(&scope, wide.viewer, Layout::Stereo, 200)?;
    stereo.until("the program in stereo again", |_| true)
}
