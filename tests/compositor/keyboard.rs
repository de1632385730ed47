//! What clients hear of the keyboard, from the settings and from the root window's properties.

use crate::client::Client;
use crate::fixture::{Fixture, settings};
use goggles_protocols::input::Event;
use goggles_scope::config::{Keyboard, Settings};
use goggles_scope::xwayland::{Control, Layout};

/// evdev's, left of the 1.
const GRAVE: u16 = 41;
const CAPS_LOCK: u16 = 58;

/// What a tap of the key types at the client's.
fn tap(f: &mut Fixture, c: &mut Client, code: u16) -> String {
    c.heard.typed.clear();
    for pressed in [true, false] {
        f.state.inject(Event::Key { code, pressed });
    }
    f.settle(&mut [c]);
    std::mem::take(&mut c.heard.typed)
}

#[test]
fn layout_variant_options_and_repeat_arrive_and_can_be_changed() {
    let mut f = Fixture::with(Settings {
        keyboard: Keyboard {
            layout: "de".into(),
            variant: "nodeadkeys".into(),
            model: "pc105".into(),
            options: Some("caps:escape".into()),
            repeat_rate: 33,
            repeat_delay: 250,
        },
        ..settings(32, 32)
    });
    let mut c = f.client();
    let w = c.toplevel();
    f.settle(&mut [&mut c]);
    c.fill(&w.surface, (32, 32), 1);
    f.settle(&mut [&mut c]);
    let (escape, caret) = ("\u{1b}", "^");
    assert_eq!(c.heard.repeat, Some((33, 250)));
    let types = |f: &mut Fixture, c: &mut Client| [GRAVE, CAPS_LOCK].map(|code| tap(f, c, code));
    assert_eq!(types(&mut f, &mut c), [caret, escape]);
    let change = |f: &mut Fixture, c: &mut Client, layout: Option<Layout>, repeat| {
        f.state.control(Control::Keyboard(layout));
        f.state.control(Control::KeyRepeat(repeat));
        f.settle(&mut [c]);
    };
    // With dead keys, the first yields nothing by itself; the options stay.
    let german = Layout {
        layout: "de".into(),
        ..Layout::default()
    };
    change(&mut f, &mut c, Some(german.clone()), Some((10, 400)));
    assert_eq!(types(&mut f, &mut c), ["", escape]);
    assert_eq!(c.heard.repeat, Some((10, 400)));
    let options = Some("ctrl:nocaps".into());
    change(&mut f, &mut c, Some(Layout { options, ..german }), Some((0, 400)));
    assert_eq!(types(&mut f, &mut c), ["", ""]);
    assert_eq!(c.heard.repeat, Some((0, 400)));
    change(&mut f, &mut c, None, None);
    assert_eq!(types(&mut f, &mut c), [caret, escape]);
    assert_eq!(c.heard.repeat, Some((33, 250)));
}
