//! What `doctor` says of the machine agrees with the machine's own tools.

use anyhow::{Context, Result};
use nested_tests::scope::binary;
use std::process::Command;

/// What a program printed.
fn printed(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("{command:?}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn it_names_the_gpus_that_vulkan_has() -> Result<()> {
    let found: serde_json::Value = serde_json::from_str(&printed(
        Command::new(binary("goggles-scope")?).args(["doctor", "--json"]),
    )?)?;
    let lines = found.as_array().context("no list")?;
    let line = lines.iter().find(|line| line["what"] == "priority: GPU queue");
    let why = line.and_then(|line| line["why"].as_str()).context("no such line")?;
    let summary = printed(Command::new("vulkaninfo").arg("--summary"))?;
    let name = |line: &str| {
        Some(
            line.trim()
                .strip_prefix("deviceName")?
                .trim_start()
                .strip_prefix("= ")?
                .to_owned(),
        )
    };
    let names: Vec<_> = summary.lines().filter_map(name).collect();
    assert!(
        !names.is_empty(),
        "mesa-vulkan-drivers has one that draws on the CPU:\n{summary}"
    );
    for name in names {
        assert!(why.contains(&format!("{name}: ")), "no {name:?} in {why:?}");
    }
    Ok(())
}
