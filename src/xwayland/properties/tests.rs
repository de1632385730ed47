use super::*;

fn read(name: &str, words: &[u32]) -> Result<Option<Control>, &'static str> {
    let raw = Raw {
        words: words.to_vec(),
        bytes: Vec::new(),
    };
    let (_, read) = CONTROLS.iter().find(|(n, _)| *n == name).unwrap();
    read(&raw)
}

fn layout(text: &str) -> Result<Option<Control>, &'static str> {
    keyboard(&Raw {
        words: Vec::new(),
        bytes: text.into(),
    })
}

#[test]
fn controls_are_read() {
    use Control::*;
    let some = |control| Ok(Some(control));
    assert_eq!(
        read("GAMESCOPECTRL_BASELAYER_APPID", &[570, 769]),
        some(BaseApps(vec![570, 769]))
    );
    assert_eq!(read("GAMESCOPECTRL_BASELAYER_WINDOW", &[0]), some(BaseWindow(None)));
    assert_eq!(
        read("GAMESCOPE_FPS_LIMIT", &[30]),
        some(FpsLimit(Some(Refresh(30_000))))
    );
    assert_eq!(read("GAMESCOPE_FPS_LIMIT", &[]), some(FpsLimit(None)));
    let size = Some(Size { w: 800, h: 600 });
    assert_eq!(
        read("GAMESCOPE_XWAYLAND_MODE_CONTROL", &[1, 800, 600, 0]),
        some(Mode {
            server: 1,
            size,
            beyond: false
        })
    );
    assert_eq!(
        read("GAMESCOPE_NEW_SCALING_FILTER", &[4]),
        some(Filter(super::Filter::Pixel))
    );
    assert_eq!(
        read("GAMESCOPE_NEW_SCALING_SCALER", &[4]),
        some(Scaler(super::Scaler::Stretch))
    );
    assert_eq!(read("GAMESCOPE_SHARPNESS", &[99]), some(Sharpness(20)));
    assert_eq!(read("GAMESCOPE_CREATE_XWAYLAND_SERVER", &[0]), Ok(None));
    assert_eq!(read("GAMESCOPE_DESTROY_XWAYLAND_SERVER", &[2]), some(DestroyServer(2)));
    assert_eq!(read("STEAM_SCREEN_SCALE", &[]), some(ScreenScale(1.0)));
    assert_eq!(read("STEAM_SCREEN_MAGNIFICATION", &[0x1fffe]), some(Magnification(2.0)));
    for name in [
        "GAMESCOPECTRL_REQUEST_SCREENSHOT",
        "GAMESCOPECTRL_DEBUG_REQUEST_SCREENSHOT",
    ] {
        assert_eq!(read(name, &[]), Ok(None));
        assert_eq!(read(name, &[0]), some(Screenshot(name)));
        let (_, of) = CONTROLS.iter().find(|(n, _)| *n == name).unwrap();
        let text = Raw {
            bytes: b"x".to_vec(),
            ..Raw::default()
        };
        assert_eq!(of(&text), some(Screenshot(name)), "as xprop sets it");
    }
    assert_eq!(read("GAMESCOPE_VRR_ENABLED", &[1]), some(Vrr(Some(true))));
    assert_eq!(read("GAMESCOPE_VRR_ENABLED", &[]), some(Vrr(None)));
    let red_zone = Some(Duration::from_micros(2));
    assert_eq!(
        read("GAMESCOPE_TUNEABLE_VBLANK_REDZONE", &[2000]),
        some(RedZone(red_zone))
    );
    assert_eq!(read("GAMESCOPE_DISPLAY_HDR_ENABLED", &[0]), some(Hdr(Some(false))));
    assert_eq!(read("GAMESCOPE_DISPLAY_HDR_ENABLED", &[]), some(Hdr(None)));
    assert_eq!(read("GAMESCOPE_ALLOW_TEARING", &[1]), some(Tearing(Some(true))));
    let keyboard = |layout: &str, variant: &str, options: Option<&str>| {
        some(Keyboard(Some(Layout {
            layout: layout.into(),
            variant: variant.into(),
            options: options.map(str::to_owned),
        })))
    };
    assert_eq!(layout("de"), keyboard("de", "", None));
    assert_eq!(layout("de(nodeadkeys)\0"), keyboard("de", "nodeadkeys", None));
    let options = "grp:alt_shift_toggle,caps:escape";
    assert_eq!(
        layout(&format!("us,ru:{options}")),
        keyboard("us,ru", "", Some(options))
    );
    assert_eq!(layout("us(intl):"), keyboard("us", "intl", Some("")));
    assert_eq!(layout(""), some(Keyboard(None)));
    assert_eq!(
        read("GAMESCOPE_KEYBOARD_REPEAT", &[30, 200]),
        some(KeyRepeat(Some((30, 200))))
    );
    assert_eq!(read("GAMESCOPE_KEYBOARD_REPEAT", &[]), some(KeyRepeat(None)));
}

#[test]
fn what_makes_no_sense_is_refused() {
    assert!(read("GAMESCOPE_FPS_LIMIT", &[1001]).is_err());
    assert!(read("GAMESCOPE_XWAYLAND_MODE_CONTROL", &[0, 800]).is_err());
    assert!(read("GAMESCOPE_XWAYLAND_MODE_CONTROL", &[0, 800, 0]).is_err());
    assert!(read("GAMESCOPE_XWAYLAND_MODE_CONTROL", &[0, u32::MAX, 600]).is_err());
    assert!(read("GAMESCOPE_NEW_SCALING_FILTER", &[5]).is_err());
    assert!(read("GAMESCOPE_NEW_SCALING_SCALER", &[5]).is_err());
    assert!(read("GAMESCOPE_DESTROY_XWAYLAND_SERVER", &[0]).is_err());
    assert!(read("STEAM_SCREEN_SCALE", &[0]).is_err());
    assert!(layout("../../etc/passwd").is_err());
    assert!(layout("de(x").is_err());
    for odd in [&[30][..], &[1001, 200], &[30, 0], &[30, 10_001], &[1, 2, 3]] {
        assert!(read("GAMESCOPE_KEYBOARD_REPEAT", odd).is_err(), "{odd:?}");
    }
}

#[test]
fn marks_are_read_and_forgotten() {
    let mut marks = Marks::default();
    for at in 0..MARKS.len() {
        mark(&mut marks, at, &[1 + at as u32]);
    }
    let all = Marks {
        game: 1,
        big_picture: true,
        overlay: true,
        external_overlay: true,
        input_focus: 5,
        streaming_client: true,
        streaming_video: true,
        opacity: 8,
    };
    assert_eq!(marks, all);
    for at in 0..MARKS.len() {
        mark(&mut marks, at, &[]);
    }
    assert_eq!(marks, Marks::default());
}
