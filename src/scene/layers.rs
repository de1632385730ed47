//! Where a layer-shell surface goes: a pure function of what it asks for.

use smithay::utils::{Logical, Rectangle, Size};
use smithay::wayland::shell::wlr_layer::{Anchor, Margins};

/// The place and size of a surface that asks for `size` (0: as much as its anchors span) within `area`.
///
/// Margins count from the edges it is anchored to. A surface between two edges, or at none, is centred.
pub fn place(
    area: Rectangle<i32, Logical>,
    size: Size<i32, Logical>,
    anchor: Anchor,
    margin: Margins,
) -> Rectangle<i32, Logical> {
    let (x, w) = along(
        (area.loc.x, area.size.w),
        size.w,
        (anchor.contains(Anchor::LEFT), margin.left),
        (anchor.contains(Anchor::RIGHT), margin.right),
    );
    let (y, h) = along(
        (area.loc.y, area.size.h),
        size.h,
        (anchor.contains(Anchor::TOP), margin.top),
        (anchor.contains(Anchor::BOTTOM), margin.bottom),
    );
    Rectangle::new((x, y).into(), (w, h).into())
}

/// One axis: the start and length of the area, the length asked for, and each edge's anchor and margin.
fn along(area: (i32, i32), wanted: i32, near: (bool, i32), far: (bool, i32)) -> (i32, i32) {
    let (start, length) = area;
    // A client's margins are any numbers.
    let near_margin = if near.0 { near.1.clamp(-length, length) } else { 0 };
    let far_margin = if far.0 { far.1.clamp(-length, length) } else { 0 };
    let size = if wanted > 0 {
        wanted
    } else {
        (length - near_margin - far_margin).max(1)
    };
    let at = match (near.0, far.0) {
        (true, false) => start + near_margin,
        (false, true) => start.saturating_add(length - far_margin).saturating_sub(size),
        _ => start.saturating_add((length.saturating_sub(size) + near_margin - far_margin) / 2),
    };
    (at, size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anchors_and_margins_place_it() {
        let area = Rectangle::new((10, 0).into(), (100, 50).into());
        let margins = |top, right, bottom, left| Margins {
            top,
            right,
            bottom,
            left,
        };
        let cases = [
            (Anchor::TOP | Anchor::LEFT, (20, 5), margins(1, 0, 0, 2), (12, 1, 20, 5)),
            (
                Anchor::BOTTOM | Anchor::RIGHT,
                (20, 5),
                margins(0, 3, 4, 0),
                (87, 41, 20, 5),
            ),
            (
                Anchor::TOP | Anchor::LEFT | Anchor::RIGHT,
                (0, 5),
                margins(0, 10, 0, 10),
                (20, 0, 80, 5),
            ),
            (Anchor::all(), (0, 0), Margins::default(), (10, 0, 100, 50)),
            (Anchor::empty(), (20, 10), margins(9, 9, 9, 9), (50, 20, 20, 10)),
            (
                Anchor::LEFT | Anchor::RIGHT,
                (20, 10),
                Margins::default(),
                (50, 20, 20, 10),
            ),
            // Nonsense ends in a rectangle all the same.
            (
                Anchor::all(),
                (0, 0),
                margins(i32::MAX, i32::MAX, i32::MIN, i32::MIN),
                (-90, 50, 100, 50),
            ),
        ];
        for (anchor, size, margin, (x, y, w, h)) in cases {
            let want = Rectangle::new((x, y).into(), (w, h).into());
            assert_eq!(place(area, size.into(), anchor, margin), want, "{anchor:?}");
        }
    }
}
