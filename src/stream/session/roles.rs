//! The input role: one holder at a time, everybody else watches.
//!
//! Every enrolled player was let in by somebody who has the address, so a player may take the role from another one
//! on request (they sit at one game and hand the controls on); the one who had it is told. A holder keeps it for at
//! least a second, so that two pages can't fight over it at wire speed. Watchers by token alone never get it.

use super::PlayerId;
use crate::link::ViewerId;
use crate::time::Mono;
use std::time::Duration;

/// A holder isn't replaced by another player before this.
const MIN_HOLD: Duration = Duration::from_secs(1);

/// Who holds the input role.
#[derive(Debug, Default)]
pub struct Roles {
    holder: Option<Holder>,
}

#[derive(Clone, Copy, Debug)]
struct Holder {
    viewer: ViewerId,
    player: PlayerId,
    since: Mono,
}

impl Roles {
    /// Who holds it.
    pub fn holder(&self) -> Option<ViewerId> {
        self.holder.map(|h| h.viewer)
    }

    /// A viewer would like the role if it is free, or if an older connection of the same player holds it (which then
    /// is dead and just hasn't timed out). Whether the holder has changed.
    pub fn want(&mut self, viewer: ViewerId, player: PlayerId, now: Mono) -> bool {
        match self.holder {
            Some(h) if h.viewer == viewer || h.player != player => false,
            _ => self.give(viewer, player, now),
        }
    }

    /// A viewer takes the role, also from another player. Whether the holder has changed.
    pub fn take(&mut self, viewer: ViewerId, player: PlayerId, now: Mono) -> bool {
        match self.holder {
            Some(h) if h.viewer == viewer => false,
            Some(h) if h.player != player && now.since(h.since) < MIN_HOLD => false,
            _ => self.give(viewer, player, now),
        }
    }

    /// A viewer gives the role up or is gone. Whether the holder has changed.
    pub fn release(&mut self, viewer: ViewerId) -> bool {
        let held = self.holder() == Some(viewer);
        if held {
            self.holder = None;
        }
        held
    }

    fn give(&mut self, viewer: ViewerId, player: PlayerId, now: Mono) -> bool {
        self.holder = Some(Holder {
            viewer,
            player,
            since: now,
        });
        true
    }
}
