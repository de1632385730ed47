//! `make bench`.

use anyhow::{Result, bail};
use clap::Parser;
use nested_tests::bench::figure::{Figure, Machine, load_average};
use nested_tests::bench::{Options, run};
use std::io::Write;

fn main() -> Result<()> {
    let options = Options::parse();
    let (machine, dir) = (Machine::here(), nested_tests::output("bench")?);
    let mut out = std::io::stdout();
    writeln!(
        out,
        "{}, {} cores, load {:?}\n{}",
        machine.cpu,
        machine.cores,
        load_average(),
        Figure::head()
    )?;
    let failures = run(&options, |figure| {
        figure.save(&dir, &machine)?;
        writeln!(out, "{}", figure.row())?;
        Ok(())
    })?;
    writeln!(
        std::io::stdout(),
        "load {:?}; written to {}",
        load_average(),
        dir.display()
    )?;
    if !failures.is_empty() {
        bail!(
            "{} parts could not be measured:\n{}",
            failures.len(),
            failures.join("\n")
        );
    }
    Ok(())
}
