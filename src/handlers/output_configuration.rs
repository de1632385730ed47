//! wlr-output-management's other half: a client asks for another mode, which is tested or applied, or refused with `failed`.
//!
//! Size, rate and adaptive sync can be others. What a headless output has no use for (a place, a transform, a scale, being
//! disabled) is refused, unless it is what it is already.

use super::output_management::Mode;
use crate::link::{Refresh, Size};
use crate::state::State;
use smithay::reexports::wayland_protocols_wlr::output_management::v1::server::{
    zwlr_output_configuration_head_v1::{self as wish, ZwlrOutputConfigurationHeadV1},
    zwlr_output_configuration_v1::{Error, Request, ZwlrOutputConfigurationV1},
    zwlr_output_head_v1::AdaptiveSyncState,
};
use smithay::reexports::wayland_server::protocol::wl_output::Transform;
use smithay::reexports::wayland_server::{Client, DataInit, Dispatch, DisplayHandle, Resource, WEnum};
use std::sync::{Arc, Mutex};

/// What a client is putting together.
#[derive(Debug)]
pub struct Configuration {
    serial: u32,
    plan: Mutex<Plan>,
}

#[derive(Debug, Default)]
struct Plan {
    head: Option<Head>,
    /// It was tested or applied.
    used: bool,
}

#[derive(Debug)]
enum Head {
    Disabled,
    Enabled(Wish),
}

/// What is wished of the head; shared with the object by which it is told.
pub type Wish = Arc<Mutex<Wishes>>;

/// What has been set.
#[derive(Debug, Default)]
pub struct Wishes {
    /// A size, and a rate or 0 for the present one.
    mode: Option<(Size, u32)>,
    position: Option<(i32, i32)>,
    transform: Option<Transform>,
    scale: Option<f64>,
    adaptive: Option<AdaptiveSyncState>,
}

impl Configuration {
    pub(super) fn new(serial: u32) -> Self {
        Self {
            serial,
            plan: Mutex::default(),
        }
    }
}

impl Dispatch<ZwlrOutputConfigurationV1, Configuration> for State {
    fn request(
        state: &mut Self,
        _: &Client,
        configuration: &ZwlrOutputConfigurationV1,
        request: Request,
        data: &Configuration,
        _: &DisplayHandle,
        init: &mut DataInit<'_, Self>,
    ) {
        if matches!(request, Request::Destroy) {
            return;
        }
        let Ok(mut plan) = data.plan.lock() else { return };
        let used = plan.used;
        let again = plan.head.is_some();
        let (apply, last) = match request {
            Request::EnableHead { id, .. } => {
                let wish = Wish::default();
                init.init(id, Arc::clone(&wish));
                plan.head = Some(Head::Enabled(wish));
                (false, false)
            }
            Request::DisableHead { .. } => {
                plan.head = Some(Head::Disabled);
                (false, false)
            }
            Request::Apply => (true, true),
            Request::Test => (false, true),
            _ => return,
        };
        if used {
            configuration.post_error(Error::AlreadyUsed, "the configuration was used already");
        } else if !last && again {
            configuration.post_error(Error::AlreadyConfiguredHead, "the head was configured already");
        } else if last && !again {
            configuration.post_error(Error::UnconfiguredHead, "a head was left out");
        } else if last {
            plan.used = true;
            state.configure(configuration, data.serial, &plan, apply);
        }
    }
}

impl State {
    fn configure(&mut self, configuration: &ZwlrOutputConfigurationV1, serial: u32, plan: &Plan, apply: bool) {
        self.scope.heads_turn();
        if serial != self.scope.extras.heads.serial() {
            configuration.cancelled();
            return;
        }
        let result = plan
            .mode(self.scope.head_mode())
            .and_then(|(mode, vrr)| {
                crate::resize::check(mode.size, mode.refresh)?;
                Ok((mode, vrr))
            })
            .and_then(|(mode, vrr)| {
                if apply {
                    self.set_output(mode.size, mode.refresh)?;
                    if vrr.is_some() {
                        self.scope.set_vrr(vrr);
                    }
                }
                Ok(())
            });
        match result {
            Ok(()) => configuration.succeeded(),
            Err(why) => {
                if let Some(left_out) = self.scope.clients.lines.one(self.scope.now) {
                    tracing::info!("a client's wish of the output is refused: {why:#}{left_out}");
                }
                configuration.failed();
            }
        }
    }
}

impl Plan {
    /// The mode that is wished, and whether adaptive sync is, if all the rest is as it is.
    fn mode(&self, now: Mode) -> anyhow::Result<(Mode, Option<bool>)> {
        let Some(Head::Enabled(wishes)) = &self.head else {
            anyhow::bail!("the session has its one output");
        };
        let Ok(wishes) = wishes.lock() else {
            anyhow::bail!("nothing is known of it");
        };
        let same = wishes.position.is_none_or(|at| at == (0, 0))
            && wishes.transform.is_none_or(|t| t == Transform::Normal)
            && wishes.scale.is_none_or(|s| s == 1.0);
        anyhow::ensure!(same, "a headless output has no place, transform or scale");
        let mode = wishes.mode.map_or(now, |(size, refresh)| Mode {
            size,
            refresh: if refresh == 0 { now.refresh } else { Refresh(refresh) },
        });
        Ok((mode, wishes.adaptive.map(|state| state == AdaptiveSyncState::Enabled)))
    }
}

impl Dispatch<ZwlrOutputConfigurationHeadV1, Wish> for State {
    fn request(
        _: &mut Self,
        _: &Client,
        head: &ZwlrOutputConfigurationHeadV1,
        request: wish::Request,
        wish: &Wish,
        _: &DisplayHandle,
        _: &mut DataInit<'_, Self>,
    ) {
        let Ok(mut wishes) = wish.lock() else { return };
        if let Err((error, what)) = wishes.take(request) {
            head.post_error(error, what);
        }
    }
}

impl Wishes {
    fn take(&mut self, request: wish::Request) -> Result<(), (wish::Error, &'static str)> {
        use wish::{Error, Request};
        match request {
            Request::SetMode { mode } => {
                let Some(mode) = mode.data::<Mode>() else {
                    return Err((Error::InvalidMode, "this mode is not the head's"));
                };
                once(&mut self.mode, (mode.size, mode.refresh.0))
            }
            Request::SetCustomMode { width, height, refresh } => {
                let number = |v: i32| u32::try_from(v).map_err(|_| (Error::InvalidCustomMode, "a negative number"));
                let (w, h) = (number(width)?, number(height)?);
                if w == 0 || h == 0 {
                    return Err((Error::InvalidCustomMode, "a mode without pixels"));
                }
                once(&mut self.mode, (Size { w, h }, number(refresh)?))
            }
            Request::SetPosition { x, y } => once(&mut self.position, (x, y)),
            Request::SetTransform { transform } => match transform {
                WEnum::Value(transform) => once(&mut self.transform, transform),
                WEnum::Unknown(_) => Err((Error::InvalidTransform, "no such transform")),
            },
            Request::SetScale { scale } if scale > 0.0 => once(&mut self.scale, scale),
            Request::SetScale { .. } => Err((Error::InvalidScale, "a scale above 0 is wanted")),
            Request::SetAdaptiveSync { state } => match state {
                WEnum::Value(state) => once(&mut self.adaptive, state),
                WEnum::Unknown(_) => Err((Error::InvalidAdaptiveSyncState, "no such state")),
            },
            _ => Ok(()),
        }
    }
}

fn once<T>(place: &mut Option<T>, value: T) -> Result<(), (wish::Error, &'static str)> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err((wish::Error::AlreadySet, "it was set already")),
    }
}
