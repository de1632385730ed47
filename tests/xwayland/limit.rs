//! How many X servers there may be.

use crate::desk::Desk;
use crate::server::server;
use std::collections::BTreeSet;
use x11rb::protocol::xproto::AtomEnum;

/// Those of the session, and those that X11 programs ask for by a property.
const MOST: usize = 8;

#[test]
fn an_x11_program_may_ask_for_servers_until_there_are_eight() {
    let mut desk = Desk::new();
    let x = desk.x();
    let cardinal = AtomEnum::CARDINAL;
    let set = |what: &str, word: u32| x.set_words(x.root, what, cardinal, &[word]);
    let create = |name: u32| set("GAMESCOPE_CREATE_XWAYLAND_SERVER", name);
    let displays = |d: &Desk| d.f.state.scope.xwayland.displays();
    for name in 2..=MOST as u32 {
        create(name);
        desk.until("one more is told of", |_| {
            let text = x.text(x.root, "GAMESCOPE_CREATE_XWAYLAND_SERVER_FEEDBACK");
            text.starts_with(&format!("{name} {} :", name - 1))
        });
    }
    let all = displays(&desk).expect("all are ready");
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), MOST);
    // One more is refused; what is asked for after it is obeyed.
    create(9);
    set("GAMESCOPE_SHARPNESS", 13);
    desk.until("the next wish is granted", |d| d.f.state.scope.settings.sharpness == 13);
    assert_eq!(displays(&desk), Some(all.clone()));
    // There is room again when one is gone, for one.
    set("GAMESCOPE_DESTROY_XWAYLAND_SERVER", 3);
    desk.until("it is gone", |_| server(all[3]).is_none());
    desk.until("there are eight again", |d| {
        create(10);
        displays(d).is_some_and(|all| all.len() == MOST)
    });
    create(11);
    set("GAMESCOPE_SHARPNESS", 14);
    desk.until("the next wish is granted", |d| d.f.state.scope.settings.sharpness == 14);
    assert_eq!(displays(&desk).map(|all| all.len()), Some(MOST));
}
