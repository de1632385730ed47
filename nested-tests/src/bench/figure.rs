//! One figure: what was measured, against what, and on what machine.

use anyhow::{Context, Result};
use serde_json::json;
use std::path::Path;

/// At most so much; `None`: whatever.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Target {
    /// Of the median.
    pub p50: Option<f64>,
    /// Of the 95th percentile.
    pub p95: Option<f64>,
    /// Of the 99th percentile.
    pub p99: Option<f64>,
}

impl Target {
    /// Both.
    pub fn of(p50: f64, p95: f64) -> Self {
        Self {
            p50: Some(p50),
            p95: Some(p95),
            p99: None,
        }
    }

    /// The median only.
    pub fn median(p50: f64) -> Self {
        Self {
            p50: Some(p50),
            ..Self::default()
        }
    }

    /// The 95th percentile only.
    pub fn p95(p95: f64) -> Self {
        Self {
            p95: Some(p95),
            ..Self::default()
        }
    }

    /// The 99th percentile only.
    pub fn p99(p99: f64) -> Self {
        Self {
            p99: Some(p99),
            ..Self::default()
        }
    }
}

/// What was measured.
#[derive(Clone, Debug)]
pub struct Figure {
    /// e.g. `flip-720p-wayland`; also the file's name.
    pub name: String,
    /// e.g. `ms`.
    pub unit: &'static str,
    /// Sorted.
    values: Vec<f64>,
    /// What it should be at most.
    pub target: Target,
    /// A part of another figure: shown with it, without a target.
    pub detail: bool,
}

impl Figure {
    /// With no target.
    pub fn new(name: impl Into<String>, unit: &'static str, mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        Self {
            name: name.into(),
            unit,
            values,
            target: Target::default(),
            detail: false,
        }
    }

    /// The same with a target.
    pub fn target(mut self, target: Target) -> Self {
        self.target = target;
        self
    }

    /// The same as a part of the figure before it.
    pub fn detail(mut self) -> Self {
        self.detail = true;
        self
    }

    /// How many values.
    pub fn count(&self) -> usize {
        self.values.len()
    }

    /// The smallest value that `percent` of the values don't exceed (nearest rank); not a number if there are none.
    pub fn percentile(&self, percent: usize) -> f64 {
        let rank = (self.values.len() * percent).div_ceil(100).max(1);
        self.values.get(rank - 1).copied().unwrap_or(f64::NAN)
    }

    /// Whether the target is met; `None`: there is none.
    pub fn met(&self) -> Option<bool> {
        let each = [(50, self.target.p50), (95, self.target.p95), (99, self.target.p99)];
        let mut met = each
            .iter()
            .filter_map(|(p, t)| t.map(|t| self.percentile(*p) <= t))
            .peekable();
        met.peek()?;
        Some(met.all(|m| m))
    }

    /// The table's head.
    pub fn head() -> String {
        format!(
            "{:<44} {:>5} {:>9} {:>9} {:>9}  {:<10} target",
            "figure", "n", "p50", "p95", "p99", "unit"
        )
    }

    /// Its row.
    pub fn row(&self) -> String {
        let name = if self.detail {
            format!("  {}", self.name)
        } else {
            self.name.clone()
        };
        let (p50, p95, p99) = (self.percentile(50), self.percentile(95), self.percentile(99));
        let verdict = match self.met() {
            None => String::new(),
            Some(met) => {
                let of = |t: Option<f64>| t.map_or("-".into(), |t| format!("{t}"));
                let verdict = if met { "met" } else { "NOT MET" };
                let Target { p50, p95, p99 } = self.target;
                match p99 {
                    Some(p99) => format!("{} / {} / {p99}: {verdict}", of(p50), of(p95)),
                    None => format!("{} / {}: {verdict}", of(p50), of(p95)),
                }
            }
        };
        let row = format!(
            "{name:<44} {:>5} {p50:>9.2} {p95:>9.2} {p99:>9.2}  {:<10} {verdict}",
            self.count(),
            self.unit
        );
        row.trim_end().into()
    }

    /// Writes `NAME.json` into `dir`.
    pub fn save(&self, dir: &Path, machine: &Machine) -> Result<()> {
        let value = json!({
            "name": self.name, "unit": self.unit, "n": self.count(),
            "p50": self.percentile(50), "p95": self.percentile(95), "p99": self.percentile(99),
            "target_p50": self.target.p50, "target_p95": self.target.p95, "target_p99": self.target.p99,
            "met": self.met(),
            "load": load_average(), "cpu": machine.cpu, "cores": machine.cores, "kernel": machine.kernel,
            "values": self.values,
        });
        let path = dir.join(format!("{}.json", self.name));
        std::fs::write(&path, format!("{value:#}\n")).with_context(|| format!("error writing {}", path.display()))
    }
}

/// What it was measured on.
#[derive(Clone, Debug)]
pub struct Machine {
    /// The processor's name.
    pub cpu: String,
    /// How many of its threads we may use.
    pub cores: usize,
    /// The kernel's release.
    pub kernel: String,
}

impl Machine {
    /// This one.
    pub fn here() -> Self {
        let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let name = info
            .lines()
            .find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        Self {
            cpu: name.map_or("unknown", |(_, name)| name).into(),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            kernel: std::fs::read_to_string("/proc/sys/kernel/osrelease")
                .unwrap_or_default()
                .trim()
                .into(),
        }
    }
}

/// Of the last 1, 5 and 15 minutes: what else the machine was doing.
pub fn load_average() -> Vec<f64> {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().take(3).filter_map(|v| v.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_rank() {
        let figure = Figure::new("x", "ms", (1..=100).rev().map(f64::from).collect());
        assert_eq!(
            [50, 95, 99, 100].map(|p| figure.percentile(p)),
            [50.0, 95.0, 99.0, 100.0]
        );
        assert_eq!(Figure::new("x", "ms", vec![7.0]).percentile(95), 7.0);
        assert!(Figure::new("x", "ms", vec![]).percentile(50).is_nan());
    }

    #[test]
    fn a_target_is_met_by_both_of_its_parts() {
        let figure = Figure::new("x", "ms", (1..=100).map(f64::from).collect());
        assert_eq!(figure.met(), None);
        assert_eq!(figure.clone().target(Target::of(50.0, 95.0)).met(), Some(true));
        assert_eq!(figure.clone().target(Target::of(50.0, 94.0)).met(), Some(false));
        assert_eq!(figure.clone().target(Target::median(49.0)).met(), Some(false));
        assert_eq!(
            Figure::new("x", "ms", vec![]).target(Target::median(1.0)).met(),
            Some(false)
        );
    }
}
