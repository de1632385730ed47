//! color-management and color-representation: what is offered, what is refused, and what viewers hear of it.

use crate::client::{Client, Window};
use crate::fixture::{Fixture, settings};
use goggles_scope::config::Settings;
use goggles_scope::handlers::Color;
use goggles_scope::xwayland::Control;
use wayland_client::protocol::wl_shm;
use wayland_protocols::wp::color_management::v1::client::{
    wp_color_management_surface_v1::WpColorManagementSurfaceV1,
    wp_color_manager_v1::{Primaries, RenderIntent, TransferFunction, WpColorManagerV1},
    wp_image_description_v1::WpImageDescriptionV1,
};
use wayland_protocols::wp::color_representation::v1::client::{
    wp_color_representation_manager_v1::WpColorRepresentationManagerV1,
    wp_color_representation_surface_v1::{AlphaMode, Coefficients, Range, WpColorRepresentationSurfaceV1},
};

const MANAGER: &str = "wp_color_manager_v1";
const IMAGE: &str = "wp_image_description_v1";
const INFO: &str = "wp_image_description_info_v1";

fn begin(version: u32) -> (Fixture, Client, Window, WpColorManagerV1) {
    begin_with(settings(32, 32), version)
}

/// With an HDR monitor.
fn begin_hdr(version: u32) -> (Fixture, Client, Window, WpColorManagerV1) {
    let hdr = Settings {
        hdr: true,
        ..settings(32, 32)
    };
    begin_with(hdr, version)
}

fn begin_with(settings: Settings, version: u32) -> (Fixture, Client, Window, WpColorManagerV1) {
    let mut f = Fixture::with(settings);
    let mut c = f.client();
    let w = c.toplevel();
    f.settle(&mut [&mut c]);
    c.fill(&w.surface, (32, 32), 0x808080);
    let manager = c.global(version);
    f.settle(&mut [&mut c]);
    (f, c, w, manager)
}

fn pq(c: &Client, manager: &WpColorManagerV1) -> WpImageDescriptionV1 {
    let creator = manager.create_parametric_creator(&c.qh(), ());
    creator.set_tf_named(TransferFunction::St2084Pq);
    creator.set_primaries_named(Primaries::Bt2020);
    creator.set_mastering_luminance(50, 1000);
    creator.set_max_cll(800);
    creator.create(&c.qh(), ())
}

#[test]
fn what_can_be_said_is_offered() {
    let (_, c, _, _) = begin(1);
    for what in [
        "SupportedIntent { render_intent: Value(Perceptual) }",
        "SupportedFeature { feature: Value(Parametric) }",
        "SupportedFeature { feature: Value(WindowsScrgb) }",
        "SupportedTfNamed { tf: Value(St2084Pq) }",
        "SupportedTfNamed { tf: Value(Srgb) }",
        "SupportedPrimariesNamed { primaries: Value(Bt2020) }",
        "Done",
    ] {
        assert_eq!(c.heard.count(MANAGER, what), 1, "{what}: {:?}", c.heard.log);
    }
    assert!(!c.heard.said(MANAGER, "IccV2V4"));
    let (_, c, _, _) = begin(2);
    assert!(
        !c.heard.said(MANAGER, "tf: Value(Srgb)"),
        "it is of the first version only"
    );
}

#[test]
fn it_need_not_be_offered() {
    let mut f = Fixture::with(Settings {
        color_management: false,
        ..settings(32, 32)
    });
    let c = f.client();
    assert!(!c.heard.names.contains_key(MANAGER));
}

#[test]
fn viewers_hear_of_a_description_from_its_commit_on() {
    let (mut f, mut c, w, manager) = begin(1);
    let color = |f: &Fixture| f.state.scope.scene_info().hints.color;
    let managed = manager.get_surface(&w.surface, &c.qh(), ());
    let described = pq(&c, &manager);
    f.settle(&mut [&mut c]);
    assert!(c.heard.said(IMAGE, "Ready"), "{:?}", c.heard.log);
    managed.set_image_description(&described, RenderIntent::Perceptual);
    // Its object may go at once.
    described.destroy();
    f.settle(&mut [&mut c]);
    assert_eq!(color(&f), Color::Unknown);
    w.surface.commit();
    f.settle(&mut [&mut c]);
    assert_eq!(color(&f), Color::Bt2020Pq);
    let scrgb = manager.create_windows_scrgb(&c.qh(), ());
    managed.set_image_description(&scrgb, RenderIntent::Perceptual);
    w.surface.commit();
    f.settle(&mut [&mut c]);
    assert_eq!(color(&f), Color::Scrgb);
    managed.destroy();
    w.surface.commit();
    f.settle(&mut [&mut c]);
    assert_eq!(color(&f), Color::Unknown);
    assert!(c.error.is_none(), "{:?}", c.error);
}

/// A grey of ten bits.
fn grey(level: u32) -> u32 {
    3 << 30 | level << 20 | level << 10 | level
}

fn assert_grey(shown: u32, wanted: u32) {
    let channels = [shown >> 16 & 255, shown >> 8 & 255, shown & 255];
    assert!(
        channels.iter().all(|c| c.abs_diff(wanted) <= 2),
        "{shown:06x} is not {wanted}"
    );
}

#[test]
fn hdr10_is_drawn_as_srgb() {
    let (mut f, mut c, w, manager) = begin(1);
    let managed = manager.get_surface(&w.surface, &c.qh(), ());
    let described = pq(&c, &manager);
    f.settle(&mut [&mut c]);
    // 0, 20.3, 203 and 800 cd/m², which the description says is the brightest.
    let levels = [0, 366, 594, 745];
    let buffer = c.buffer(32, 32, wl_shm::Format::Xrgb2101010, |x, _| grey(levels[x as usize / 8]));
    c.show(&w.surface, &buffer, (32, 32));
    f.advance(40, &mut [&mut c]);
    // Not described, the numbers are sRGB's.
    let picture = f.picture();
    for (x, level) in levels.into_iter().enumerate() {
        assert_grey(picture.at(x * 8 + 4, 16), level * 255 / 1023);
    }
    // A description alone is drawn, too.
    managed.set_image_description(&described, RenderIntent::Perceptual);
    w.surface.commit();
    f.advance(40, &mut [&mut c]);
    let picture = f.picture();
    for (x, wanted) in [0, 89, 232, 255].into_iter().enumerate() {
        assert_grey(picture.at(x * 8 + 4, 16), wanted);
    }
    let other = c.buffer(32, 32, wl_shm::Format::Xbgr2101010, |_, _| 389);
    c.show(&w.surface, &other, (32, 32));
    f.advance(40, &mut [&mut c]);
    let red = f.picture().at(4, 4);
    assert!(red >> 16 > 80 && red & 0xffff < 0x3030, "{red:06x}");
    managed.unset_image_description();
    w.surface.commit();
    f.advance(40, &mut [&mut c]);
    let red = f.picture().at(4, 4);
    assert_eq!((red >> 16, red & 0xffff), (97, 0), "{red:06x}");
    assert!(c.error.is_none(), "{:?}", c.error);
}

#[test]
fn what_is_translucent_is_converted_and_mixed() {
    let (mut f, mut c, w, manager) = begin(1);
    let described = pq(&c, &manager);
    let top = c.surface();
    let _sub = c.globals().subcompositor.get_subsurface(&top, &w.surface, &c.qh(), ());
    let managed = manager.get_surface(&top, &c.qh(), ());
    f.settle(&mut [&mut c]);
    managed.set_image_description(&described, RenderIntent::Perceptual);
    // Half of 800 cd/m², over half of a grey of 0x80.
    let half = c.buffer(16, 32, wl_shm::Format::Argb8888, |_, _| 0x805d_5d5d);
    c.show(&top, &half, (16, 32));
    w.surface.commit();
    f.advance(40, &mut [&mut c]);
    let picture = f.picture();
    assert_grey(picture.at(4, 4), 0x80 + 0x40);
    assert_grey(picture.at(20, 4), 0x80);
}

#[test]
fn output_and_surfaces_prefer_srgb_and_say_what_that_is() {
    let (mut f, mut c, w, manager) = begin(2);
    let output = manager.get_output(&c.globals().output, &c.qh(), ());
    let feedback = manager.get_surface_feedback(&w.surface, &c.qh(), ());
    output.get_image_description(&c.qh(), ());
    let preferred = feedback.get_preferred(&c.qh(), ());
    f.settle(&mut [&mut c]);
    // Both are the same one.
    assert_eq!(c.heard.count(IMAGE, "Ready2 { identity_hi: 0, identity_lo: 1 }"), 2);
    preferred.get_information(&c.qh(), ());
    f.settle(&mut [&mut c]);
    for what in [
        ": Primaries { r_x: 640000, r_y: 330000, g_x: 300000",
        "PrimariesNamed { primaries: Value(Srgb) }",
        "TfNamed { tf: Value(Gamma22) }",
        "Luminances { min_lum: 2000, max_lum: 80, reference_lum: 80 }",
        "TargetPrimaries",
        "TargetLuminance { min_lum: 2000, max_lum: 80 }",
        "Done",
    ] {
        assert_eq!(c.heard.count(INFO, what), 1, "{what}: {:?}", c.heard.log);
    }
}

#[test]
fn an_hdr_monitor_prefers_hdr10() {
    let (mut f, mut c, w, manager) = begin_hdr(1);
    let output = manager.get_output(&c.globals().output, &c.qh(), ());
    let feedback = manager.get_surface_feedback(&w.surface, &c.qh(), ());
    output.get_image_description(&c.qh(), ());
    let preferred = feedback.get_preferred(&c.qh(), ());
    f.settle(&mut [&mut c]);
    // Both are the same one.
    assert_eq!(c.heard.count(IMAGE, "Ready { identity: 3 }"), 2, "{:?}", c.heard.log);
    preferred.get_information(&c.qh(), ());
    f.settle(&mut [&mut c]);
    for what in [
        "PrimariesNamed { primaries: Value(Bt2020) }",
        "TfNamed { tf: Value(St2084Pq) }",
        "Luminances { min_lum: 50, max_lum: 10000, reference_lum: 203 }",
        "TargetLuminance { min_lum: 100, max_lum: 1000 }",
        "TargetMaxCll { max_cll: 1000 }",
        "TargetMaxFall { max_fall: 400 }",
    ] {
        assert_eq!(c.heard.count(INFO, what), 1, "{what}: {:?}", c.heard.log);
    }
}

#[test]
fn hdr_is_switched_off_and_on_again() {
    for version in [1, 2] {
        let (mut f, mut c, w, manager) = begin_hdr(version);
        let output = manager.get_output(&c.globals().output, &c.qh(), ());
        let feedback = manager.get_surface_feedback(&w.surface, &c.qh(), ());
        f.settle(&mut [&mut c]);
        // What the objects said, and what is preferred then.
        let switch = |f: &mut Fixture, c: &mut Client, on: Option<bool>| {
            c.heard.log.clear();
            f.state.control(Control::Hdr(on));
            f.settle(&mut [c]);
            output.get_image_description(&c.qh(), ());
            feedback.get_preferred(&c.qh(), ());
            f.settle(&mut [c]);
            std::mem::take(&mut c.heard.log)
        };
        let (changed, ready) = match version {
            1 => ("PreferredChanged { identity: ", "Ready { identity: "),
            _ => (
                "PreferredChanged2 { identity_hi: 0, identity_lo: ",
                "Ready2 { identity_hi: 0, identity_lo: ",
            ),
        };
        let all = |identity: u32| {
            [
                "wp_color_management_output_v1: ImageDescriptionChanged".to_owned(),
                format!("wp_color_management_surface_feedback_v1: {changed}{identity} }}"),
                format!("{IMAGE}: {ready}{identity} }}"),
                format!("{IMAGE}: {ready}{identity} }}"),
            ]
        };
        assert_eq!(switch(&mut f, &mut c, Some(false)), all(1));
        assert_eq!(switch(&mut f, &mut c, Some(false)), all(1)[2..], "it is off already");
        assert_eq!(switch(&mut f, &mut c, None), all(3));
        output.destroy();
        feedback.destroy();
        f.settle(&mut [&mut c]);
        f.state.control(Control::Hdr(Some(false)));
        f.settle(&mut [&mut c]);
        assert!(c.error.is_none(), "{:?}", c.error);
    }
    // A monitor without HDR has nothing to switch.
    let (mut f, mut c, w, manager) = begin(1);
    manager.get_surface_feedback(&w.surface, &c.qh(), ());
    f.settle(&mut [&mut c]);
    f.state.control(Control::Hdr(Some(true)));
    f.settle(&mut [&mut c]);
    assert!(!c.heard.said("wp_color_management_surface_feedback_v1", "Preferred"));
    assert!(!f.state.scope.is_hdr());
}

#[test]
fn misuse_ends_the_connection() {
    type Misuse = fn(&Client, &Window, &WpColorManagerV1);
    let all: [Misuse; 8] = [
        |c, w, m| {
            m.get_surface(&w.surface, &c.qh(), ());
            m.get_surface(&w.surface, &c.qh(), ());
        },
        |c, _, m| {
            m.create_parametric_creator(&c.qh(), ()).create(&c.qh(), ());
        },
        |c, _, m| {
            let creator = m.create_parametric_creator(&c.qh(), ());
            creator.set_tf_power(22_000);
            creator.set_tf_power(22_000);
        },
        |c, _, m| m.create_parametric_creator(&c.qh(), ()).set_luminances(10_000, 1, 1),
        |c, _, m| {
            m.create_parametric_creator(&c.qh(), ())
                .set_primaries_named(Primaries::Ntsc);
        },
        |c, w, m| {
            let managed: WpColorManagementSurfaceV1 = m.get_surface(&w.surface, &c.qh(), ());
            let scrgb = m.create_windows_scrgb(&c.qh(), ());
            managed.set_image_description(&scrgb, RenderIntent::Saturation);
        },
        |c, _, m| {
            m.create_windows_scrgb(&c.qh(), ()).get_information(&c.qh(), ());
        },
        |c, w, m| {
            let managed = m.get_surface(&w.surface, &c.qh(), ());
            w.toplevel.destroy();
            w.xdg.destroy();
            w.surface.destroy();
            managed.unset_image_description();
        },
    ];
    for (i, misuse) in all.iter().enumerate() {
        let (mut f, mut c, w, manager) = begin(1);
        misuse(&c, &w, &manager);
        f.settle(&mut [&mut c]);
        assert!(c.error.is_some(), "{i}");
    }
}

#[test]
fn primaries_that_span_no_colours_are_no_description() {
    let points: [[i32; 8]; 3] = [
        [0; 8],
        // A y of nothing, and three on one line.
        [640_000, 330_000, 300_000, 0, 150_000, 60_000, 312_700, 329_000],
        [200_000, 200_000, 300_000, 300_000, 400_000, 400_000, 312_700, 329_000],
    ];
    for [rx, ry, gx, gy, bx, by, wx, wy] in points {
        let (mut f, mut c, _w, manager) = begin(1);
        let creator = manager.create_parametric_creator(&c.qh(), ());
        creator.set_tf_power(22_000);
        creator.set_primaries(rx, ry, gx, gy, bx, by, wx, wy);
        creator.create(&c.qh(), ());
        f.settle(&mut [&mut c]);
        assert!(
            c.heard.said(IMAGE, "Failed { cause: Value(Unsupported)"),
            "{:?}",
            c.heard.log
        );
        assert!(!c.heard.said(IMAGE, "Ready"));
        assert!(c.error.is_none(), "{:?}", c.error);
    }
}

#[test]
fn only_what_buffers_can_be_may_be_said_of_them() {
    type Ask = fn(&WpColorRepresentationSurfaceV1);
    let all: [(Ask, bool); 4] = [
        (|s| s.set_alpha_mode(AlphaMode::PremultipliedElectrical), true),
        (
            |s| s.set_coefficients_and_range(Coefficients::Identity, Range::Full),
            true,
        ),
        (|s| s.set_alpha_mode(AlphaMode::Straight), false),
        (
            |s| s.set_coefficients_and_range(Coefficients::Bt709, Range::Limited),
            false,
        ),
    ];
    for (i, (ask, fine)) in all.iter().enumerate() {
        let (mut f, mut c, w, _) = begin(1);
        let manager: WpColorRepresentationManagerV1 = c.global(1);
        ask(&manager.get_surface(&w.surface, &c.qh(), ()));
        w.surface.commit();
        f.settle(&mut [&mut c]);
        assert_eq!(c.error.is_none(), *fine, "{i}: {:?}", c.error);
        if *fine {
            manager.get_surface(&w.surface, &c.qh(), ());
            f.settle(&mut [&mut c]);
            assert!(c.error.is_some(), "a surface has one only");
        }
    }
}
