//! xdg-foreign, xdg-dialog and the list of toplevels.

use crate::fixture::Fixture;
use goggles_protocols::input::Event;
use goggles_scope::scene::window::{Kind, Window};
use wayland_client::Proxy;
use wayland_client::protocol::wl_shm::Format;
use wayland_protocols::ext::foreign_toplevel_list::v1::client::ext_foreign_toplevel_list_v1::ExtForeignToplevelListV1;
use wayland_protocols::xdg::dialog::v1::client::xdg_wm_dialog_v1::XdgWmDialogV1;
use wayland_protocols::xdg::foreign::zv2::client::{
    zxdg_exporter_v2::ZxdgExporterV2, zxdg_importer_v2::ZxdgImporterV2,
};

#[test]
fn another_clients_dialog_stands_above_an_exported_window() {
    let mut f = Fixture::new(64, 64);
    let (mut game, mut portal) = (f.client(), f.client());
    let w = game.toplevel();
    f.settle(&mut [&mut game]);
    game.fill(&w.surface, (64, 64), 0x808080);
    let exporter: ZxdgExporterV2 = game.global(1);
    let exported = exporter.export_toplevel(&w.surface, &game.qh(), ());
    f.settle(&mut [&mut game]);
    let handle = game.heard.quoted("zxdg_exported_v2");
    let dialog = portal.toplevel();
    f.settle(&mut [&mut portal]);
    portal.fill(&dialog.surface, (16, 16), 0xffffff);
    f.advance(20, &mut [&mut game, &mut portal]);
    // A window of its own: it takes the output.
    assert_eq!(f.picture().at(2, 2), 0xffffff);
    let importer: ZxdgImporterV2 = portal.global(1);
    let imported = importer.import_toplevel(handle, &portal.qh(), ());
    imported.set_parent_of(&dialog.surface);
    f.advance(20, &mut [&mut game, &mut portal]);
    let p = f.picture();
    assert_eq!((p.at(2, 2), p.at(32, 32)), (0x808080, 0xffffff));
    // A second child of the same handle.
    let second = portal.toplevel();
    f.settle(&mut [&mut portal]);
    portal.fill(&second.surface, (16, 16), 0x00ff00);
    imported.set_parent_of(&second.surface);
    f.advance(20, &mut [&mut game, &mut portal]);
    let is_child = |w: &&Window| matches!(&w.kind, Kind::Xdg(toplevel) if toplevel.parent().is_some());
    let children = |f: &Fixture| f.state.scope.windows.iter().filter(is_child).count();
    assert_eq!(children(&f), 2);
    // The window is not to be named any more: whoever named it hears so, and its children are windows of their own.
    let name = "zxdg_imported_v2";
    assert!(!portal.heard.said(name, "Destroyed"));
    exported.destroy();
    f.advance(20, &mut [&mut game, &mut portal]);
    assert_eq!((portal.heard.count(name, "Destroyed"), children(&f)), (1, 0));
    // A handle that is none is told to be so, and has no effect.
    let nobodys = importer.import_toplevel("nobody's".into(), &portal.qh(), ());
    nobodys.set_parent_of(&dialog.surface);
    f.settle(&mut [&mut game, &mut portal]);
    assert_eq!((portal.heard.count(name, "Destroyed"), children(&f)), (2, 0));
    // Nor is one whose window has gone.
    exporter.export_toplevel(&w.surface, &game.qh(), ());
    game.heard.log.clear();
    f.settle(&mut [&mut game]);
    let imported = importer.import_toplevel(game.heard.quoted("zxdg_exported_v2"), &portal.qh(), ());
    imported.set_parent_of(&dialog.surface);
    f.settle(&mut [&mut game, &mut portal]);
    assert_eq!(children(&f), 1);
    w.toplevel.destroy();
    f.settle(&mut [&mut game, &mut portal]);
    assert_eq!((portal.heard.count(name, "Destroyed"), children(&f)), (3, 0));
}

#[test]
fn only_windows_are_exported_and_made_children() {
    let mut f = Fixture::new(64, 64);
    let mut bad = f.client();
    let exporter: ZxdgExporterV2 = bad.global(1);
    exporter.export_toplevel(&bad.surface(), &bad.qh(), ());
    f.settle(&mut [&mut bad]);
    assert!(bad.error.is_some());
    let (mut game, mut bad) = (f.client(), f.client());
    let w = game.toplevel();
    let exporter: ZxdgExporterV2 = game.global(1);
    exporter.export_toplevel(&w.surface, &game.qh(), ());
    f.settle(&mut [&mut game]);
    let importer: ZxdgImporterV2 = bad.global(1);
    let imported = importer.import_toplevel(game.heard.quoted("zxdg_exported_v2"), &bad.qh(), ());
    imported.set_parent_of(&bad.surface());
    f.settle(&mut [&mut game, &mut bad]);
    assert!(bad.error.is_some());
}

#[test]
fn a_modal_dialog_keeps_the_keyboard() {
    let mut f = Fixture::new(64, 64);
    let mut c = f.client();
    let main = c.toplevel();
    f.settle(&mut [&mut c]);
    c.fill(&main.surface, (64, 64), 0x808080);
    f.settle(&mut [&mut c]);
    let dialog = c.toplevel();
    dialog.toplevel.set_parent(Some(&main.toplevel));
    let manager: XdgWmDialogV1 = c.global(1);
    let role = manager.get_xdg_dialog(&dialog.toplevel, &c.qh(), ());
    role.set_modal();
    f.settle(&mut [&mut c]);
    c.fill(&dialog.surface, (16, 16), 0xffffff);
    f.advance(20, &mut [&mut c]);
    let click_main = |f: &mut Fixture, c: &mut crate::client::Client| {
        f.state.inject(Event::Absolute { x: 0.1, y: 0.1 });
        for pressed in [true, false] {
            f.state.inject(Event::Button { code: 0x110, pressed });
        }
        f.settle(&mut [c]);
    };
    click_main(&mut f, &mut c);
    assert_eq!(c.heard.keyboard_focus, Some(dialog.surface.id().protocol_id()));
    role.unset_modal();
    f.settle(&mut [&mut c]);
    assert_eq!(c.heard.keyboard_focus, Some(main.surface.id().protocol_id()));
}

#[test]
fn the_list_of_toplevels_follows_names_and_ends() {
    let mut f = Fixture::new(32, 32);
    let (mut game, mut panel) = (f.client(), f.client());
    let w = game.toplevel();
    w.toplevel.set_title("Menu".into());
    w.toplevel.set_app_id("org.example.game".into());
    f.settle(&mut [&mut game]);
    game.fill(&w.surface, (32, 32), 1);
    f.settle(&mut [&mut game]);
    let _list: ExtForeignToplevelListV1 = panel.global(1);
    f.settle(&mut [&mut game, &mut panel]);
    let name = "ext_foreign_toplevel_handle_v1";
    assert!(panel.heard.said(name, "\"Menu\"") && panel.heard.said(name, "\"org.example.game\""));
    w.toplevel.set_title("Level 1".into());
    f.settle(&mut [&mut game, &mut panel]);
    assert!(panel.heard.said(name, "\"Level 1\""));
    w.toplevel.set_app_id("org.example.level".into());
    f.settle(&mut [&mut game, &mut panel]);
    assert!(panel.heard.said(name, "\"org.example.level\""));
    let other = game.toplevel();
    other.toplevel.set_title("Settings".into());
    f.settle(&mut [&mut game, &mut panel]);
    assert!(!panel.heard.said(name, "Settings"), "it is not mapped yet");
    game.fill(&other.surface, (32, 32), 2);
    f.settle(&mut [&mut game, &mut panel]);
    assert!(panel.heard.said(name, "Settings"));
    other.toplevel.destroy();
    other.xdg.destroy();
    f.settle(&mut [&mut game, &mut panel]);
    assert_eq!(panel.heard.count(name, "Closed"), 1);
}

#[test]
fn a_game_that_belongs_to_its_launcher_is_not_cut_off() {
    let mut f = Fixture::new(64, 48);
    let mut c = f.client();
    let launcher = c.toplevel();
    f.settle(&mut [&mut c]);
    c.fill(&launcher.surface, (32, 24), 0x808080);
    let game = c.toplevel();
    game.toplevel.set_parent(Some(&launcher.toplevel));
    game.toplevel.set_fullscreen(None);
    f.settle(&mut [&mut c]);
    assert!(matches!(c.heard.toplevel, Some((64, 48, _))));
    let edge = |x, _| if x == 0 { 0xff0000 } else { 0x00ff00 };
    let picture = c.buffer(64, 48, Format::Xrgb8888, edge);
    c.show(&game.surface, &picture, (64, 48));
    f.advance(20, &mut [&mut c]);
    let p = f.picture();
    assert_eq!((p.at(0, 0), p.at(1, 0), p.at(63, 47)), (0xff0000, 0x00ff00, 0x00ff00));
    // As a small one it is the launcher's dialog.
    game.toplevel.unset_fullscreen();
    c.fill(&game.surface, (8, 8), 0x0000ff);
    f.advance(20, &mut [&mut c]);
    let p = f.picture();
    assert_eq!((p.at(0, 0), p.at(32, 24)), (0x808080, 0x0000ff));
}

#[test]
fn a_window_is_of_its_clients_process() {
    let mut f = Fixture::new(64, 48);
    let mut c = f.client();
    let w = c.toplevel();
    f.settle(&mut [&mut c]);
    c.fill(&w.surface, (64, 48), 0x808080);
    f.settle(&mut [&mut c]);
    let scope = &f.state.scope;
    let infos = scope.windows.infos(&|_| scope.area, true);
    assert_eq!(infos[0].pid, std::process::id());
}
