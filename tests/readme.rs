//! The examples that people copy: each `goggles-scope` line of a shell block must be understood by the parser.

use goggles_scope::cli::{self, Action};
use std::ffi::OsString;
use std::path::Path;

/// The arguments of each call of `goggles-scope` in the shell blocks of a Markdown text, with its line's number.
fn examples(markdown: &str) -> Vec<(usize, Vec<String>)> {
    let mut found = Vec::new();
    let mut in_shell = false;
    let mut lines = markdown.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        if let Some(language) = line.trim().strip_prefix("```") {
            in_shell = !in_shell && matches!(language.trim(), "sh" | "bash" | "shell" | "console");
            continue;
        }
        if !in_shell {
            continue;
        }
        let mut whole = line.trim().trim_start_matches("$ ").to_owned();
        while let Some(first) = whole.strip_suffix('\\') {
            let next = lines.next().map_or("", |(_, line)| line.trim());
            whole = format!("{first}{next}");
        }
        if let Some(arguments) = call(&words(&whole)) {
            found.push((number + 1, arguments));
        }
    }
    found
}

/// A shell line's words up to the end of the first command: quotes, and what ends a command, but no expansion.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (Some(q), c) if q == c => quote = None,
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                word.get_or_insert_default();
                quote = Some(c);
            }
            (None, '#') if word.is_none() => break,
            (None, '|' | '&' | ';' | '>' | '<') => break,
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// What comes after `goggles-scope`, if that is what the line runs: at its start, after variables or `ssh HOST`, by any
/// path.
fn call(words: &[String]) -> Option<Vec<String>> {
    let at = words
        .iter()
        .position(|word| word.rsplit('/').next() == Some("goggles-scope"))?;
    let is_prefix =
        words[..at].iter().all(|word| word.contains('=')) || words.first().is_some_and(|word| word == "ssh");
    is_prefix.then(|| words[at + 1..].to_vec())
}

#[test]
fn examples_are_found() {
    let text = "goggles-scope --not-in-a-block\n```sh\n$ goggles-scope -r 60 -- game 'a b' # why\n\
                A=1 target/release/goggles-scope doctor | less\nssh host goggles-scope \\\n  -W 1920 -H 1080 -- %command%\n\
                cargo run --bin goggles-scope\n```\n```toml\ngoggles-scope = 1\n```\n";
    let list = |words: &[&str]| words.iter().map(|word| word.to_string()).collect::<Vec<_>>();
    assert_eq!(
        examples(text),
        [
            (3, list(&["-r", "60", "--", "game", "a b"])),
            (4, list(&["doctor"])),
            (5, list(&["-W", "1920", "-H", "1080", "--", "%command%"])),
        ]
    );
}

#[test]
fn the_documentations_examples_are_understood() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for file in ["README.md", "CONTRIBUTING.md"] {
        let Ok(text) = std::fs::read_to_string(root.join(file)) else {
            continue;
        };
        let examples = examples(&text);
        assert!(file != "README.md" || !examples.is_empty(), "the README shows no call");
        for (line, arguments) in examples {
            let words = std::iter::once("goggles-scope".into()).chain(arguments.iter().map(OsString::from));
            match cli::parse(words, &|_| None) {
                Ok(Action::Run(settings)) => assert!(!settings.command.is_empty(), "{file}:{line}: runs nothing"),
                Ok(_) => {}
                // An example may name a file that only its reader has.
                Err(refusal) if refusal.code == 1 => {}
                Err(refusal) => panic!("{file}:{line}: {refusal}"),
            }
        }
    }
}
