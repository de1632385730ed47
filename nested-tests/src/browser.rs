//! Chromium, driven through `browser/drive.mjs`: a command of JSON a line, an answer of JSON a line.

use crate::viewer::PATIENCE;
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

/// A command may wait for something itself, as long as [`PATIENCE`]; figures take longer.
const LONGEST: Duration = Duration::from_secs(300);

/// A running Chromium. Dropping it ends it.
pub struct Browser {
    child: Child,
    /// `None` at the end: its closing ends Chromium.
    commands: Option<ChildStdin>,
    answers: Receiver<String>,
}

impl Browser {
    /// Starts it, without a page.
    pub fn start() -> Result<Self> {
        let dir = crate::root()?.join("nested-tests/browser");
        ensure!(
            dir.join("node_modules").is_dir(),
            "no playwright-core: make test-nested installs it"
        );
        let mut child = Command::new("node")
            .arg("drive.mjs")
            .current_dir(dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("error starting node")?;
        let commands = child.stdin.take();
        let out = child.stdout.take().context("no pipe")?;
        let (sender, answers) = mpsc::channel();
        // Ends with Chromium's driver.
        std::thread::Builder::new().name("browser".into()).spawn(move || {
            for line in BufReader::new(out).lines() {
                let Ok(line) = line else { break };
                if sender.send(line).is_err() {
                    break;
                }
            }
        })?;
        Ok(Self {
            child,
            commands,
            answers,
        })
    }

    /// A command, e.g. `{"do": "press", "key": "a"}`, and its answer.
    pub fn call(&mut self, command: &Value) -> Result<Value> {
        self.call_for(command, Duration::ZERO)
    }

    /// The same for a command that is told to take `long`.
    pub fn call_for(&mut self, command: &Value, long: Duration) -> Result<Value> {
        let commands = self.commands.as_mut().context("it has ended")?;
        writeln!(commands, "{command}").context("Chromium's driver has ended")?;
        let answer = self
            .answers
            .recv_timeout(LONGEST + long)
            .with_context(|| format!("no answer to {command}"))?;
        let mut answer: Value = serde_json::from_str(&answer).with_context(|| format!("an odd answer: {answer}"))?;
        if let Some(error) = answer["error"].as_str() {
            bail!("{command}: {error}");
        }
        Ok(answer["ok"].take())
    }

    /// Opens `url` in a fresh profile, and waits until the JavaScript expression `until` is true.
    pub fn open(&mut self, url: &str, until: &str) -> Result<()> {
        self.call(&json!({"do": "open", "url": url, "wait": until})).map(drop)
    }

    /// Opens `url`, waits for a picture, and takes the input role.
    pub fn play(&mut self, url: &str) -> Result<()> {
        self.open(url, "window.__goggles?.painted > 0")?;
        self.call(&json!({"do": "play"})).map(drop)
    }

    /// Waits until the expression is true.
    pub fn until(&mut self, expression: &str) -> Result<()> {
        self.call(&json!({"do": "wait", "for": expression})).map(drop)
    }

    /// The expression's value.
    pub fn evaluate(&mut self, expression: &str) -> Result<Value> {
        self.call(&json!({"do": "evaluate", "expression": expression}))
    }

    /// The colour of a point of the picture as painted, by fractions of its size.
    pub fn colour(&mut self, x: f64, y: f64) -> Result<crate::picture::Rgb> {
        Ok(serde_json::from_value(
            self.call(&json!({"do": "colour", "x": x, "y": y}))?,
        )?)
    }

    /// Waits until that point's colour is near `colour`, looking again after each painted frame.
    pub fn until_colour(&mut self, x: f64, y: f64, colour: crate::picture::Rgb) -> Result<()> {
        let start = std::time::Instant::now();
        loop {
            let painted = self.evaluate("window.__goggles.painted")?;
            let now = self.colour(x, y)?;
            if crate::decode::is_near(now, colour, crate::picture::TOLERANCE) {
                return Ok(());
            }
            let patience = start.elapsed() < PATIENCE;
            if !patience || self.until(&format!("window.__goggles.painted > {painted}")).is_err() {
                self.screenshot(&crate::output("nested")?.join("lost-chromium.png"))?;
                bail!(
                    "the colour stays {now:?}, not {colour:?}; {}",
                    self.evaluate("JSON.stringify(window.__goggles)")?
                );
            }
        }
    }

    /// Turns the page's microphone on.
    pub fn speak(&mut self) -> Result<()> {
        self.until("!document.getElementById('microphone').hidden")?;
        self.evaluate("document.getElementById('microphone').click()")?;
        self.until("!document.getElementById('live').hidden")
    }

    /// Saves what the page looks like.
    pub fn screenshot(&mut self, path: &Path) -> Result<()> {
        self.call(&json!({"do": "screenshot", "path": path})).map(drop)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.commands = None;
        // The driver ends Chromium and then itself, which closes its output; only if it is stuck it is killed.
        let deadline = std::time::Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(std::time::Instant::now());
            match self.answers.recv_timeout(left) {
                Ok(_) => (),
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    let _ = self.child.kill();
                    break;
                }
            }
        }
        let _ = self.child.wait();
    }
}
