//! Where an X11 window goes and how large it is. Pure.
//!
//! Clients choose their size and place. We step in only where the X pointer could not follow: it never leaves the X
//! screen, which is the game's area, so that what lies outside of it can't be clicked.

use smithay::utils::{Logical, Point, Rectangle, Size};

type Rect = Rectangle<i32, Logical>;

/// A window may be so many times as wide and high as the screen, or [`ALWAYS`]: the X server keeps, and fills, all of it.
const TIMES: i32 = 4;
const ALWAYS: i32 = 4096;
/// No window is larger: X11 places are 16 bits with a sign.
const MOST: i32 = 32_767;

/// What is known of a window that is to be shown for the first time.
#[derive(Clone, Copy, Debug)]
pub struct First {
    /// The size and place it made itself.
    pub rect: Rect,
    /// It says that it, or the user, chose its place.
    pub placed: bool,
    /// It may be no smaller than this.
    pub min: Size<i32, Logical>,
    /// It belongs above another window, which is there.
    pub over: Option<Rect>,
    /// It is a dialog.
    pub dialog: bool,
}

/// The rectangle of a window that is to be shown for the first time.
pub fn first(window: First, area: Size<i32, Logical>) -> Rect {
    let mut rect = window.rect;
    // Larger than the screen: as large as the screen, if it can be.
    rect.size.w = rect.size.w.min(area.w.max(window.min.w)).min(most(area.w));
    rect.size.h = rect.size.h.min(area.h.max(window.min.h)).min(most(area.h));
    if !window.placed {
        rect.loc = if window.dialog {
            let over = window.over.unwrap_or(Rect::from_size(area));
            let centre = |at: i32, room: i32, size: i32| at + (room - size) / 2;
            Point::from((
                centre(over.loc.x, over.size.w, rect.size.w),
                centre(over.loc.y, over.size.h, rect.size.h),
            ))
        } else {
            Point::default()
        };
    }
    reachable(rect, area)
}

/// What a window gets that asks for another place or size.
pub fn asked(
    now: Rect,
    place: (Option<i32>, Option<i32>),
    size: (Option<u32>, Option<u32>),
    area: Size<i32, Logical>,
) -> Rect {
    let side = |asked: Option<u32>, now: i32, room: i32| {
        let asked = asked.map(|side| i32::try_from(side).unwrap_or(MOST));
        asked.map_or(now, |side| side.clamp(1, most(room)))
    };
    let rect = Rect::new(
        (place.0.unwrap_or(now.loc.x), place.1.unwrap_or(now.loc.y)).into(),
        (side(size.0, now.size.w, area.w), side(size.1, now.size.h, area.h)).into(),
    );
    reachable(rect, area)
}

/// The largest side of a window on a screen of this side.
fn most(room: i32) -> i32 {
    room.saturating_mul(TIMES).clamp(ALWAYS, MOST)
}

/// Moves a rectangle so that as much of it as possible lies on the screen.
fn reachable(mut rect: Rect, area: Size<i32, Logical>) -> Rect {
    let along = |at: i32, size: i32, room: i32| at.clamp((room - size).min(0), (room - size).max(0));
    rect.loc.x = along(rect.loc.x, rect.size.w, area.w);
    rect.loc.y = along(rect.loc.y, rect.size.h, area.h);
    rect
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rect(x: i32, y: i32, w: i32, h: i32) -> Rect {
        Rect::new((x, y).into(), (w, h).into())
    }

    fn area() -> Size<i32, Logical> {
        (1280, 720).into()
    }

    fn window(rect: Rect) -> First {
        First {
            rect,
            placed: false,
            min: (0, 0).into(),
            over: None,
            dialog: false,
        }
    }

    #[test]
    fn a_main_window_starts_at_the_corner_unless_it_chose_its_place() {
        let w = window(rect(30, 40, 640, 480));
        assert_eq!(first(w, area()), rect(0, 0, 640, 480));
        assert_eq!(first(First { placed: true, ..w }, area()), rect(30, 40, 640, 480));
        let outside = First {
            placed: true,
            ..window(rect(1000, -9, 640, 480))
        };
        assert_eq!(first(outside, area()), rect(640, 0, 640, 480));
    }

    #[test]
    fn a_dialog_is_centred_over_its_parent() {
        let w = First {
            dialog: true,
            ..window(rect(0, 0, 200, 100))
        };
        assert_eq!(first(w, area()), rect(540, 310, 200, 100));
        let over = Some(rect(100, 100, 400, 300));
        assert_eq!(first(First { over, ..w }, area()), rect(200, 200, 200, 100));
    }

    #[test]
    fn too_large_a_window_shrinks_as_far_as_it_may() {
        let w = window(rect(0, 0, 1920, 1080));
        assert_eq!(first(w, area()), rect(0, 0, 1280, 720));
        let min = (1600, 200).into();
        assert_eq!(first(First { min, ..w }, area()), rect(0, 0, 1600, 720));
        let endless = First {
            min: (i32::MAX, i32::MAX).into(),
            ..window(rect(0, 0, 32_767, 32_767))
        };
        assert_eq!(first(endless, area()), rect(0, 0, 5120, 4096));
    }

    #[test]
    fn requests_are_granted_within_the_screen() {
        let now = rect(10, 20, 300, 200);
        assert_eq!(
            asked(now, (Some(50), None), (None, None), area()),
            rect(50, 20, 300, 200)
        );
        assert_eq!(
            asked(now, (None, None), (Some(0), Some(u32::MAX)), area()),
            rect(10, 0, 1, 4096)
        );
        assert_eq!(
            asked(now, (Some(5000), Some(-7)), (None, None), area()),
            rect(980, 0, 300, 200)
        );
        // One that is larger than the screen may choose which part is on it.
        assert_eq!(
            asked(now, (Some(-100), Some(-900)), (Some(1500), Some(900)), area()),
            rect(-100, -180, 1500, 900)
        );
    }
}
