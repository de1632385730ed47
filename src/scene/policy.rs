//! Which windows are shown and which has the keyboard: a pure function of the window list, so that a recorded list is
//! a test case.

/// Names a window for the session; never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WindowId(pub u64);

/// What a window is to the player.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A main window; one at a time is the base that fills the output.
    Normal,
    /// Belongs above another (a transient, a dialog).
    Dialog {
        /// The window it belongs to, if that is known.
        parent: Option<WindowId>,
    },
    /// Places itself and takes no focus (X11 override-redirect: menus, tooltips).
    Override,
}

/// What the policy knows of a mapped window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Info {
    /// Which window.
    pub id: WindowId,
    /// What it is.
    pub role: Role,
    /// It takes keyboard input.
    pub keyboard: bool,
}

/// The policy's answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// Fills the output.
    pub base: Option<WindowId>,
    /// What is drawn, bottom to top; starts with the base.
    pub shown: Vec<WindowId>,
    /// Has the keyboard.
    pub keyboard: Option<WindowId>,
}

/// Chooses from the mapped windows, bottom to top. `clicked` is the window the player last clicked or a client
/// activated: it has the keyboard as long as it is shown.
pub fn choose(windows: &[Info], clicked: Option<WindowId>) -> Choice {
    let top = |f: &dyn Fn(&Info) -> bool| windows.iter().rev().find(|w| f(w)).map(|w| w.id);
    let base = top(&|w| w.role == Role::Normal)
        .or_else(|| top(&|w| matches!(w.role, Role::Dialog { .. })))
        .or_else(|| top(&|_| true));
    let Some(base) = base else { return Choice::default() };

    let mut shown = vec![base];
    let belongs = |w: &&Info| w.id != base && matches!(w.role, Role::Dialog { .. }) && leads_to(windows, w, base);
    shown.extend(windows.iter().filter(belongs).map(|w| w.id));
    shown.extend(
        windows
            .iter()
            .filter(|w| w.id != base && w.role == Role::Override)
            .map(|w| w.id),
    );

    let takes = |id: WindowId| {
        windows
            .iter()
            .any(|w| w.id == id && w.keyboard && w.role != Role::Override)
    };
    let keyboard = clicked
        .filter(|id| shown.contains(id) && takes(*id))
        .or_else(|| shown.iter().rev().copied().find(|id| takes(*id)))
        // A game may be nothing but a window that places itself; the keys would go nowhere.
        .or_else(|| windows.iter().find(|w| w.id == base && w.keyboard).map(|w| w.id));
    Choice {
        base: Some(base),
        shown,
        keyboard,
    }
}

/// Whether a dialog's chain of parents ends at `base`, or nowhere (an orphan is shown above whatever is the base).
fn leads_to(windows: &[Info], dialog: &Info, base: WindowId) -> bool {
    let mut at = *dialog;
    // A client may make a loop of parents: no chain is longer than the list.
    for _ in 0..windows.len() {
        let Role::Dialog { parent: Some(parent) } = at.role else {
            return !matches!(at.role, Role::Normal);
        };
        if parent == base {
            return true;
        }
        let Some(next) = windows.iter().find(|w| w.id == parent) else {
            return true;
        };
        at = *next;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn w(id: u64, role: Role) -> Info {
        Info {
            id: WindowId(id),
            role,
            keyboard: true,
        }
    }

    fn dialog(parent: u64) -> Role {
        Role::Dialog {
            parent: Some(WindowId(parent)),
        }
    }

    fn ids(list: &[u64]) -> Vec<WindowId> {
        list.iter().map(|i| WindowId(*i)).collect()
    }

    #[test]
    fn the_newest_main_window_is_the_base() {
        let c = choose(&[w(1, Role::Normal), w(2, Role::Normal)], None);
        assert_eq!(
            (c.base, c.shown, c.keyboard),
            (Some(WindowId(2)), ids(&[2]), Some(WindowId(2)))
        );
    }

    #[test]
    fn dialogs_and_menus_stand_above_their_base_only() {
        let list = [
            w(1, Role::Normal),
            w(2, dialog(1)),
            w(3, Role::Normal),
            w(4, dialog(3)),
            w(5, Role::Override),
        ];
        let c = choose(&list, None);
        assert_eq!(c.shown, ids(&[3, 4, 5]));
        assert_eq!(c.keyboard, Some(WindowId(4)));
        assert_eq!(choose(&list, Some(WindowId(3))).keyboard, Some(WindowId(3)));
        assert_eq!(
            choose(&list, Some(WindowId(1))).keyboard,
            Some(WindowId(4)),
            "a hidden window gets no keys"
        );
    }

    #[test]
    fn a_splash_alone_is_shown_and_a_loop_of_parents_ends() {
        assert_eq!(choose(&[w(1, Role::Override)], None).base, Some(WindowId(1)));
        let c = choose(&[w(1, dialog(2)), w(2, dialog(1))], None);
        assert_eq!(c.base, Some(WindowId(2)));
        assert_eq!(c.shown.len(), 2);
        assert_eq!(choose(&[], None), Choice::default());
    }
}
