//! The game in front has its profile's sound and bit rate.

use crate::fixture::{Fixture, settings, with_file};
use goggles_scope::link::Rate;

const FILE: &str = "bitrate = 1000\n\
                    [profile.one]\nmatch = { program = 'org.example.one' }\nbitrate = 2000\naudio-channels = 6\n\
                    [profile.two]\nmatch = { program = 'org.example.two' }\naudio-packet = 10\n";

#[test]
fn the_window_in_front_says_which_profile_is_used() {
    let mut f = Fixture::with(with_file(FILE, settings(32, 32)));
    let (mut a, mut b) = (f.client(), f.client());
    let at = |f: &mut Fixture| {
        let followed = &f.state.scope.followed;
        let sound = followed.tuning.sound.expect("sound");
        let (channels, ms) = (sound.channels.map(|layout| layout.channels()), sound.packet.as_millis());
        (followed.profile.clone(), channels, ms)
    };
    let start = (None, None, 5);
    assert_eq!(at(&mut f), start);
    let one = a.toplevel();
    one.toplevel.set_app_id("org.example.one".into());
    f.settle(&mut [&mut a]);
    assert_eq!(at(&mut f), start, "nothing is shown yet");
    a.fill(&one.surface, (32, 32), 1);
    f.advance(20, &mut [&mut a]);
    assert_eq!(at(&mut f), (Some("one".into()), Some(6), 5));
    a.fill(&one.surface, (32, 32), 2);
    f.advance(20, &mut [&mut a]);
    assert_eq!(
        f.pictures().last().expect("a frame").rate,
        Rate::Constant { kbps: 2000 }
    );
    // Another game comes to the front: what its profile does not say is the file's.
    let two = b.toplevel();
    two.toplevel.set_app_id("org.example.two".into());
    f.settle(&mut [&mut b]);
    b.fill(&two.surface, (32, 32), 3);
    f.advance(20, &mut [&mut a, &mut b]);
    assert_eq!(at(&mut f), (Some("two".into()), None, 10));
    b.fill(&two.surface, (32, 32), 4);
    f.advance(20, &mut [&mut a, &mut b]);
    assert_eq!(
        f.pictures().last().expect("a frame").rate,
        Rate::Constant { kbps: 1000 }
    );
    // It says that it is another.
    two.toplevel.set_app_id("org.example.three".into());
    f.settle(&mut [&mut a, &mut b]);
    assert_eq!(at(&mut f), start);
    two.toplevel.destroy();
    two.xdg.destroy();
    f.advance(20, &mut [&mut a, &mut b]);
    assert_eq!(at(&mut f).0.as_deref(), Some("one"), "the one behind is in front again");
    // With no window at all nothing changes.
    one.toplevel.destroy();
    one.xdg.destroy();
    f.advance(20, &mut [&mut a, &mut b]);
    assert_eq!(at(&mut f).0.as_deref(), Some("one"));
}
