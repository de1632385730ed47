//! Text that a viewer sends as text is what real programs read, also where the keyboard's layout (us) has no key for it.

use anyhow::{Context, Result};
use nested_tests::picture::Size;
use nested_tests::play::Play;
use nested_tests::scope::Setup;

const HD: Size = Size { w: 1280, h: 720 };

/// Latin, Greek, Cyrillic, Japanese, and beyond the first plane: more characters than there are spare keys.
const TEXT: &str = "Grüße, é & ñ: Жили-были, да; ΑΒΓαβγ 日本 😀!";

/// A shell in `terminal` writes the line that it reads into a file.
fn line_in(terminal: &[&str]) -> Result<()> {
    let mut setup = Setup::new(HD)?;
    setup.args(["--keyboard-layout", "us"]);
    let file = setup.folder().join("line");
    let shell = format!(
        "echo reading >&3; read -r line; printf %s \"$line\" > {0}.new; mv {0}.new {0}; echo written >&3",
        file.display()
    );
    let wrapped = ["sh", "-c", "exec 3>&2; exec \"$@\"", "sh"];
    let program: Vec<&str> = [&wrapped, terminal, &["/bin/sh", "-c", &shell]].concat();
    let play = Play::with(setup, HD, &program)?;
    play.titled("typing")?;
    // The terminal may be in the middle of a line of its own.
    play.scope
        .until_logged("the shell", |l| l.ends_with("reading").then_some(()))?;
    play.viewer.text(&format!("{TEXT}\n"));
    play.scope
        .until_logged("the shell's end", |l| l.ends_with("written").then_some(()))?;
    assert_eq!(std::fs::read_to_string(file)?, TEXT);
    Ok(())
}

#[test]
fn foot_reads_it() -> Result<()> {
    line_in(&["foot", "--title", "typing"])
}

#[test]
fn xterm_reads_it() -> Result<()> {
    // Its program starts once the window is there.
    line_in(&["xterm", "-u8", "-wf", "-T", "typing", "-e"])
}

/// `xev` says what an X11 program makes of each key: the symbol by its name, the text by its bytes.
#[test]
fn xev_says_its_symbols() -> Result<()> {
    let mut setup = Setup::new(HD)?;
    setup.args(["--keyboard-layout", "us"]);
    let program = ["stdbuf", "-oL", "xev", "-event", "keyboard", "-event", "focus"];
    let play = Play::with(setup, HD, &program)?;
    play.titled("Event Tester")?;
    let is = |line: &str| line.starts_with("FocusIn event").then_some(());
    play.scope.until_logged("the focus", is)?;
    for (text, symbol, bytes) in [
        ("a", "0x61, a)", "(61)"),
        ("é", "0xe9, eacute)", "(c3 a9)"),
        ("ж", "0x6d6, Cyrillic_zhe)", "(d0 b6)"),
        ("😀", "0x101f600, U0001F600)", "(f0 9f 98 80)"),
    ] {
        play.viewer.text(text);
        let is = |line: &str| line.contains(&format!("(keysym {symbol}")).then_some(());
        play.scope.until_logged(symbol, is).context(text)?;
        let is = |line: &str| {
            line.contains(&format!("XLookupString gives {} bytes: {bytes}", text.len()))
                .then_some(())
        };
        play.scope.until_logged(bytes, is).context(text)?;
    }
    Ok(())
}
