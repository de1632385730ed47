//! Pictures of another size than the output's: where they are, how they are filtered, and where the pointer is on them.

use crate::client::{Client, Window};
use crate::fixture::{Fixture, Picture, settings};
use crate::input::place;
use crate::sizes::viewport;
use goggles_protocols::input::Event;
use goggles_scope::config::{Filter, Scaler};
use goggles_scope::link::Size;
use goggles_scope::scene::layout::Fit;
use wayland_client::protocol::wl_shm::Format;

const SCALERS: [Scaler; 5] = [
    Scaler::Auto,
    Scaler::Integer,
    Scaler::Fit,
    Scaler::Fill,
    Scaler::Stretch,
];

/// A fixture of this output and these settings.
fn fixture(output: (u32, u32), scaler: Scaler, filter: Filter) -> Fixture {
    let mut s = settings(output.0, output.1);
    (s.scaler, s.filter) = (scaler, filter);
    Fixture::with(s)
}

/// A window that commits this picture, whatever size it was told.
fn show(f: &mut Fixture, c: &mut Client, size: (i32, i32), paint: impl Fn(i32, i32) -> u32) -> Window {
    let w = c.toplevel();
    f.settle(&mut [c]);
    let buffer = c.buffer(size.0, size.1, Format::Xrgb8888, paint);
    c.show(&w.surface, &buffer, size);
    f.settle(&mut [c]);
    w
}

/// Lines at several angles on a ramp, with a border of one pixel.
fn card(x: i32, y: i32) -> u32 {
    match () {
        () if x == 0 || y == 0 || x == 39 || y == 29 => 0xffffff,
        () if (x - y).abs() < 2 => 0xff4000,
        () if (x + 2 * y) % 23 < 2 => 0x00c0ff,
        () if x >= 28 && (x + y) % 2 == 0 => 0x000000,
        () => ((x as u32 * 6) << 16) | ((y as u32 * 8) << 8) | 0x30,
    }
}

fn card_with(scaler: Scaler, filter: Filter) -> Picture {
    let mut f = fixture((120, 80), scaler, filter);
    let mut c = f.client();
    let _w = show(&mut f, &mut c, (40, 30), card);
    f.picture()
}

#[test]
fn each_filter_has_its_golden_picture() {
    for (name, filter) in [
        ("scale-linear", Filter::Linear),
        ("scale-nearest", Filter::Nearest),
        ("scale-pixel", Filter::Pixel),
        ("scale-fsr", Filter::Fsr),
        ("scale-nis", Filter::Nis),
    ] {
        card_with(Scaler::Fit, filter).golden(name);
    }
}

#[test]
fn each_scaler_has_its_golden_picture() {
    for (name, scaler) in [
        ("scale-integer", Scaler::Integer),
        ("scale-fill", Scaler::Fill),
        ("scale-stretch", Scaler::Stretch),
    ] {
        card_with(scaler, Filter::Pixel).golden(name);
    }
}

#[test]
fn a_picture_of_any_shape_is_borne() {
    for scaler in SCALERS {
        for filter in [Filter::Linear, Filter::Nearest, Filter::Pixel, Filter::Fsr, Filter::Nis] {
            for shape in [(1, 30_000), (30_000, 1), (2, 2), (3000, 2)] {
                let mut f = fixture((64, 48), scaler, filter);
                let mut c = f.client();
                f.pictures();
                let _w = show(&mut f, &mut c, shape, |_, _| 0x808080);
                for zoom in [16.0, 0.05] {
                    f.state.scope.controls.zoom.1 = zoom;
                    f.state.scope.damage();
                    f.advance(20, &mut [&mut c]);
                    // What can be drawn of it is, though it may be nothing.
                    f.picture();
                }
                drop(c);
                let mut other = f.client();
                f.state.scope.controls.zoom.1 = 1.0;
                let _w = show(&mut f, &mut other, (64, 48), |_, _| 0x00ff00);
                f.advance(20, &mut [&mut other]);
                assert_eq!(f.picture().at(30, 20), 0x00ff00, "{scaler:?} {filter:?} {shape:?}");
            }
        }
    }
}

#[test]
fn every_filter_puts_the_picture_at_the_same_place() {
    for filter in [Filter::Linear, Filter::Nearest, Filter::Pixel, Filter::Fsr, Filter::Nis] {
        for (scaler, left, right) in [
            (Scaler::Fit, 7, 113),
            (Scaler::Integer, 20, 100),
            (Scaler::Stretch, 0, 120),
        ] {
            let mut f = fixture((120, 80), scaler, filter);
            let mut c = f.client();
            let _w = show(&mut f, &mut c, (40, 30), |_, _| 0x3060c0);
            let p = f.picture();
            let row: Vec<usize> = (0..120).filter(|x| p.at(*x, 40) == 0x3060c0).collect();
            let ends = (row[0], row[row.len() - 1] + 1);
            assert!(
                ends.0.abs_diff(left) <= 1 && ends.1.abs_diff(right) <= 1,
                "{filter:?} {scaler:?} {ends:?}"
            );
            assert_eq!(row.len(), ends.1 - ends.0, "{filter:?} {scaler:?}: no gap");
        }
    }
}

#[test]
fn a_change_is_seen_through_our_own_filters_and_stillness_costs_nothing() {
    for filter in [Filter::Pixel, Filter::Fsr, Filter::Nis] {
        let mut f = fixture((80, 60), Scaler::Auto, filter);
        let mut c = f.client();
        let w = show(&mut f, &mut c, (40, 30), |_, _| 0xff0000);
        assert_eq!(f.picture().at(40, 30), 0xff0000);
        for colour in [0x00ff00, 0x0000ff, 0x123456] {
            c.fill(&w.surface, (40, 30), colour);
            f.advance(20, &mut [&mut c]);
            let p = f.picture();
            assert_eq!((p.at(0, 0), p.at(79, 59)), (colour, colour), "{filter:?}");
        }
        w.surface.commit();
        f.advance(40, &mut [&mut c]);
        assert!(f.pictures().is_empty(), "{filter:?}: nothing changed");
        // Menus and dialogs are under the same filter.
        c.popup(&w, (4, 4, 4, 4), (8, 8), None);
        f.settle(&mut [&mut c]);
    }
}

#[test]
fn filter_and_scaler_can_be_changed_while_it_runs() {
    let mut f = fixture((80, 40), Scaler::Fit, Filter::Nearest);
    let mut c = f.client();
    let _w = show(&mut f, &mut c, (20, 20), |x, _| if x < 10 { 0 } else { 0xffffff });
    let greys = |p: &Picture| (0..80).filter(|x| !matches!(p.at(*x, 20), 0 | 0xffffff)).count();
    assert_eq!(greys(&f.picture()), 0);
    f.state.scope.settings.filter = Filter::Fsr;
    f.state.scope.damage();
    f.advance(20, &mut [&mut c]);
    assert!(greys(&f.picture()) > 0);
    f.state.scope.settings.filter = Filter::Nearest;
    f.state.scope.settings.scaler = Scaler::Stretch;
    f.state.scope.damage();
    f.advance(20, &mut [&mut c]);
    let p = f.picture();
    assert_eq!((greys(&p), p.at(79, 20), p.at(41, 0)), (0, 0xffffff, 0xffffff));
}

#[test]
fn full_screen_at_another_size_is_scaled() {
    for (size, scaler, corner) in [
        ((40, 24), Scaler::Auto, 0x2468ac),
        ((160, 96), Scaler::Auto, 0x2468ac),
        ((40, 40), Scaler::Fit, 0),
        ((40, 40), Scaler::Fill, 0x2468ac),
        ((160, 160), Scaler::Stretch, 0x2468ac),
    ] {
        let mut f = fixture((80, 48), scaler, Filter::Linear);
        let mut c = f.client();
        let w = c.toplevel();
        w.toplevel.set_fullscreen(None);
        f.settle(&mut [&mut c]);
        assert_eq!(c.heard.toplevel.as_ref().map(|t| (t.0, t.1)), Some((80, 48)));
        // A game that renders at the size it likes, whatever it was told.
        c.fill(&w.surface, size, 0x2468ac);
        f.settle(&mut [&mut c]);
        let p = f.picture();
        assert!(!p.direct);
        assert_eq!((p.at(40, 24), p.at(0, 0)), (0x2468ac, corner), "{size:?} {scaler:?}");
        assert_eq!(p.at(79, 47), corner, "{size:?} {scaler:?}");
    }
}

#[test]
fn a_lower_mode_by_a_viewport_is_scaled_by_the_filter() {
    for filter in [Filter::Linear, Filter::Pixel, Filter::Fsr, Filter::Nis] {
        let mut f = fixture((120, 80), Scaler::Stretch, filter);
        let mut c = f.client();
        let w = show(&mut f, &mut c, (40, 30), card);
        let wanted = f.picture();
        // The client stretches it itself, as SDL does: it is the same picture.
        viewport(&c, &w.surface).set_destination(120, 80);
        let buffer = c.buffer(40, 30, Format::Xrgb8888, card);
        c.show(&w.surface, &buffer, (40, 30));
        f.advance(20, &mut [&mut c]);
        let look = f.state.scope.look();
        assert_eq!((look.fit, look.enlargement().0), (Fit::IDENTITY, 3.0), "{filter:?}");
        assert_eq!(f.picture().rgb, wanted.rgb, "{filter:?}");
        // With a surface of its own above it, it is more than a mode.
        let above = c.surface();
        let subcompositor = &c.globals().subcompositor;
        let _sub = subcompositor.get_subsurface(&above, &w.surface, &c.qh(), ());
        c.fill(&above, (8, 8), 0x00ff00);
        c.show(&w.surface, &buffer, (40, 30));
        f.advance(20, &mut [&mut c]);
        assert_eq!(f.state.scope.look().enlargement(), (1.0, 1.0));
        assert_eq!(f.picture().at(7, 7), 0x00ff00);
    }
}

#[test]
fn the_pointer_is_on_the_pixel_under_it_with_every_scaler() {
    for (output, size) in [
        ((128u32, 72u32), (40, 30)),
        ((96, 96), (64, 36)),
        ((60, 40), (90, 90)),
        ((70, 50), (33, 21)),
    ] {
        for scaler in SCALERS {
            let mut f = fixture(output, scaler, Filter::Linear);
            let mut c = f.client();
            let _w = show(&mut f, &mut c, size, |_, _| 0xffffff);
            let p = f.picture();
            let fit = f.state.scope.fit;
            let (w, h) = (f64::from(size.0), f64::from(size.1));
            // Corners, centre, and a place between pixels, in the window's own coordinates.
            for (x, y) in [
                (0.5, 0.5),
                (w - 0.5, 0.5),
                (0.5, h - 0.5),
                (w - 0.5, h - 0.5),
                (w / 2.0, h / 2.0),
                (w * 0.37, h * 0.81),
            ] {
                // The window is centred in the game's area, which is the output's size.
                let game = (
                    x + f64::from((output.0 as i32 - size.0) / 2),
                    y + f64::from((output.1 as i32 - size.1) / 2),
                );
                let (ox, oy) = fit.to_output(game.0, game.1);
                let on = (0.0..f64::from(output.0)).contains(&ox) && (0.0..f64::from(output.1)).contains(&oy);
                if !on {
                    assert_eq!(scaler, Scaler::Fill, "only it crops");
                    continue;
                }
                assert_ne!(p.at(ox as usize, oy as usize), 0, "{scaler:?}: the picture is there");
                let (ax, ay) = (ox / f64::from(output.0), oy / f64::from(output.1));
                f.state.inject(Event::Absolute { x: ax, y: ay });
                f.settle(&mut [&mut c]);
                let (hx, hy) = place(&c).expect("a place");
                let near = (hx - x).abs() < 0.01 && (hy - y).abs() < 0.01;
                assert!(near, "{output:?} {size:?} {scaler:?}: {hx} {hy} and not {x} {y}");
            }
        }
    }
}

#[test]
fn the_pointer_stays_on_the_scaled_picture() {
    // 30x30 on 90x60: 60x60, with 15 columns of black on each side.
    let mut f = fixture((90, 60), Scaler::Fit, Filter::Linear);
    let mut c = f.client();
    let _w = show(&mut f, &mut c, (30, 30), |_, _| 0xffffff);
    for (x, y, want) in [
        (0.0, 0.5, (0.0, 15.0)),
        (0.999, 0.5, (30.0, 15.0)),
        (0.5, 0.0, (15.0, 0.0)),
        (0.0, 0.999, (0.0, 30.0)),
    ] {
        f.state.inject(Event::Absolute { x, y });
        f.settle(&mut [&mut c]);
        let (hx, hy) = place(&c).expect("it is still on the window");
        assert!(
            (hx - want.0).abs() < 0.05 && (hy - want.1).abs() < 0.05,
            "{hx} {hy} and not {want:?}"
        );
    }
    f.state.inject(Event::Absolute { x: 0.5, y: 0.5 });
    f.state.inject(Event::Relative { dx: -1000.0, dy: 0.0 });
    f.settle(&mut [&mut c]);
    assert_eq!(place(&c), Some((0.0, 15.0)));
    // Two pixels of the output are one of the window.
    f.state.inject(Event::Relative { dx: 11.0, dy: 4.0 });
    f.settle(&mut [&mut c]);
    assert_eq!(place(&c), Some((5.5, 17.0)));
}

#[test]
fn a_game_of_another_size_than_the_output_hears_its_own_coordinates() {
    let mut s = settings(120, 90);
    s.nested = Some(Size { w: 40, h: 30 });
    s.filter = Filter::Fsr;
    let mut f = Fixture::with(s);
    let mut c = f.client();
    let _w = show(&mut f, &mut c, (40, 30), |_, _| 0xffffff);
    f.state.inject(Event::Absolute { x: 0.25, y: 0.5 });
    f.settle(&mut [&mut c]);
    assert_eq!(place(&c), Some((10.0, 15.0)));
}
