use super::*;

fn w(id: u64, role: Role) -> Info {
    Info {
        id: WindowId(id),
        role,
        keyboard: true,
        size: (640, 480),
        ..Info::default()
    }
}

fn dialog(parent: u64) -> Role {
    Role::Dialog {
        parent: Some(WindowId(parent)),
    }
}

const MENU: Role = Role::Override { parent: None };

fn ids(list: &[u64]) -> Vec<WindowId> {
    list.iter().map(|i| WindowId(*i)).collect()
}

fn plain(windows: &[Info]) -> Choice {
    choose(windows, &Wants::default())
}

fn clicked(windows: &[Info], id: u64) -> Option<WindowId> {
    let wants = Wants {
        clicked: Some(WindowId(id)),
        ..Wants::default()
    };
    choose(windows, &wants).keyboard
}

/// Base, shown, keyboard.
fn check(choice: &Choice, base: u64, shown: &[u64], keyboard: u64) {
    let got = (choice.base, choice.shown.clone(), choice.keyboard);
    assert_eq!(got, (Some(WindowId(base)), ids(shown), Some(WindowId(keyboard))));
}

#[test]
fn the_newest_main_window_is_the_base() {
    check(&plain(&[w(1, Role::Normal), w(2, Role::Normal)]), 2, &[2], 2);
}

#[test]
fn a_helper_or_a_dot_is_not_shown_in_place_of_the_game() {
    let helper = Info {
        helper: true,
        ..w(2, Role::Normal)
    };
    let dot = Info {
        size: (1, 1),
        ..w(3, Role::Normal)
    };
    check(&plain(&[w(1, Role::Normal), helper, dot]), 1, &[1], 1);
    check(&plain(&[helper, dot]), 2, &[2], 2);
    check(&plain(&[dot]), 3, &[3], 3);
}

#[test]
fn dialogs_and_menus_stand_above_their_base_only() {
    let list = [
        w(1, Role::Normal),
        w(2, dialog(1)),
        w(3, Role::Normal),
        w(4, dialog(3)),
        w(5, MENU),
        w(
            6,
            Role::Override {
                parent: Some(WindowId(1)),
            },
        ),
    ];
    check(&plain(&list), 3, &[3, 4, 5], 4);
    assert_eq!(clicked(&list, 3), Some(WindowId(3)));
    assert_eq!(clicked(&list, 1), Some(WindowId(4)), "a hidden window gets no keys");
    assert_eq!(clicked(&list, 5), Some(WindowId(4)), "nor does a menu");
}

#[test]
fn a_splash_is_shown_alone_and_never_has_the_keys_of_the_game() {
    check(&plain(&[w(1, Role::Splash)]), 1, &[1], 1);
    check(&plain(&[w(1, Role::Splash), w(2, Role::Normal)]), 2, &[2, 1], 2);
    check(&plain(&[w(1, MENU)]), 1, &[1], 1);
    check(&plain(&[w(1, MENU), w(2, Role::Normal)]), 2, &[2, 1], 2);
}

#[test]
fn a_loop_of_parents_ends() {
    let c = plain(&[w(1, dialog(2)), w(2, dialog(1))]);
    assert_eq!(c.base, Some(WindowId(2)));
    assert_eq!(c.shown.len(), 2);
    assert_eq!(plain(&[]), Choice::default());
}

#[test]
fn a_window_that_places_itself_over_everything_is_a_game() {
    let game = Info {
        covers: true,
        ..w(2, MENU)
    };
    check(&plain(&[w(1, Role::Normal), game]), 2, &[2], 2);
    check(&plain(&[game, w(3, Role::Normal)]), 3, &[3], 3);
    let tooltip = Info {
        keyboard: false,
        ..game
    };
    check(&plain(&[w(1, Role::Normal), tooltip]), 1, &[1, 2], 1);
}

fn steam(app: u32, window: Info, marks: Marks) -> Info {
    Info {
        app,
        marks: Marks { game: app, ..marks },
        x11: Some((0, 100 + window.id.0 as u32)),
        ..window
    }
}

/// Steam, a game, its menu, Steam's menu, the overlay (clear), a notification and a performance display.
fn session(overlay: Marks) -> Vec<Info> {
    let big_picture = Marks {
        big_picture: true,
        ..Marks::default()
    };
    let toast = Marks {
        overlay: true,
        ..Marks::default()
    };
    let external = Marks {
        external_overlay: true,
        ..Marks::default()
    };
    let small = Info {
        size: (300, 100),
        ..w(6, Role::Normal)
    };
    vec![
        steam(STEAM, w(1, Role::Normal), Marks::default()),
        steam(570, w(2, Role::Normal), Marks::default()),
        steam(570, w(3, MENU), Marks::default()),
        steam(STEAM, w(4, MENU), Marks::default()),
        steam(STEAM, w(7, Role::Normal), external),
        steam(STEAM, small, toast),
        steam(STEAM, w(5, Role::Normal), overlay),
        steam(STEAM, w(8, Role::Normal), big_picture),
    ]
}

fn overlay(input_focus: u32, opacity: u32) -> Marks {
    Marks {
        overlay: true,
        input_focus,
        opacity,
        ..Marks::default()
    }
}

#[test]
fn the_overlay_is_over_the_game_and_has_the_input_it_asks_for() {
    let wants = Wants {
        steam: true,
        ..Wants::default()
    };
    let closed = choose(&session(overlay(0, 0)), &wants);
    check(&closed, 2, &[2, 3, 6, 7], 2);
    assert_eq!(
        (closed.pointer.clone(), closed.app, closed.app_gfx),
        (ids(&[2, 3]), 570, 570)
    );

    let open = choose(&session(overlay(1, u32::MAX)), &wants);
    check(&open, 2, &[2, 3, 5, 6, 7], 5);
    assert_eq!((open.pointer.clone(), open.app, open.app_gfx), (ids(&[5]), STEAM, 570));

    let pointer = choose(&session(overlay(2, u32::MAX)), &wants);
    check(&pointer, 2, &[2, 3, 5, 6, 7], 2);
    assert_eq!(pointer.pointer, ids(&[5]));

    let seen = choose(&session(overlay(0, 1)), &wants);
    check(&seen, 2, &[2, 3, 5, 6, 7], 2);
    assert_eq!(seen.pointer, ids(&[2, 3]), "what does not ask is looked through");
}

#[test]
fn steam_names_the_base() {
    let list = session(overlay(0, 0));
    let with = |apps: &[u32], window| {
        let wants = Wants {
            steam: true,
            apps: apps.to_vec(),
            window,
            ..Wants::default()
        };
        choose(&list, &wants)
    };
    check(&with(&[STEAM, 570], None), 8, &[8, 4, 6, 7], 8);
    check(&with(&[1, 570], None), 2, &[2, 3, 6, 7], 2);
    check(&with(&[1], None), 2, &[2, 3, 6, 7], 2);
    check(&with(&[570], Some(101)), 1, &[1, 4, 6, 7], 1);
    check(&with(&[570], Some(9)), 2, &[2, 3, 6, 7], 2);
    let alone = [list[0], list[7]];
    let wants = Wants {
        steam: true,
        ..Wants::default()
    };
    assert_eq!(
        choose(&[alone[1], alone[0]], &wants).base,
        Some(WindowId(8)),
        "big picture comes first"
    );
}

#[test]
fn a_streams_video_is_below_its_client() {
    let video = Marks {
        streaming_video: true,
        ..Marks::default()
    };
    let client = Marks {
        streaming_client: true,
        ..Marks::default()
    };
    let list = [
        steam(STEAM, w(1, Role::Normal), client),
        steam(STEAM, w(2, Role::Normal), video),
    ];
    check(&plain(&list), 1, &[2, 1], 1);
    check(&plain(&list[..1]), 1, &[1], 1);
}

fn clear(window: Info) -> Info {
    let marks = Marks {
        opacity: 0,
        ..window.marks
    };
    Info { marks, ..window }
}

#[test]
fn what_is_clear_is_not_shown() {
    check(&plain(&[w(1, Role::Normal), clear(w(2, dialog(1)))]), 1, &[1], 1);
    // Nor is it the base, unless there is nothing else.
    check(&plain(&[w(1, Role::Normal), clear(w(2, Role::Normal))]), 1, &[1], 1);
    check(&plain(&[w(1, Role::Splash), clear(w(2, MENU))]), 1, &[1], 1);
    check(&plain(&[clear(w(2, Role::Normal)), w(3, MENU)]), 2, &[2, 3], 2);
    let list = [
        steam(STEAM, w(1, Role::Normal), Marks::default()),
        clear(steam(570, w(2, Role::Normal), Marks::default())),
    ];
    for apps in [vec![], vec![570, STEAM]] {
        let wants = Wants {
            steam: true,
            apps,
            ..Wants::default()
        };
        assert_eq!(choose(&list, &wants).base, Some(WindowId(1)));
    }
}

#[test]
fn a_game_that_belongs_to_its_launcher_fills_the_output_by_itself() {
    let whole = |window: Info| Info { covers: true, ..window };
    let launcher = w(1, Role::Normal);
    let game = whole(w(2, dialog(1)));
    check(&plain(&[launcher, game]), 2, &[2], 2);
    // Its own dialog is above it, the launcher's is not.
    check(
        &plain(&[launcher, w(3, dialog(1)), game, w(4, dialog(2))]),
        2,
        &[2, 4],
        4,
    );
    // One as large as what it belongs to is above that.
    check(&plain(&[whole(launcher), game]), 1, &[1, 2], 2);
    let orphan = whole(w(2, Role::Dialog { parent: None }));
    check(&plain(&[launcher, orphan]), 2, &[2], 2);
    check(&plain(&[whole(launcher), orphan]), 1, &[1, 2], 2);
}

#[test]
fn of_several_servers_windows_of_one_number_a_games_is_meant() {
    let of = |id, app, server| Info {
        app,
        x11: Some((server, 77)),
        ..w(id, Role::Normal)
    };
    let list = [of(1, 570, 1), of(2, STEAM, 0), of(3, 400, 2)];
    let base = |apps: &[u32]| {
        let wants = Wants {
            steam: true,
            apps: apps.into(),
            window: Some(77),
            ..Wants::default()
        };
        choose(&list, &wants).base
    };
    assert_eq!(base(&[400, STEAM]), Some(WindowId(3)));
    assert_eq!(base(&[STEAM, 570]), Some(WindowId(1)));
    assert_eq!(base(&[]), Some(WindowId(1)), "the first server's of them");
}
