//! One line of the doctor, and all of them as a table or as JSON.

use serde::Serialize;

/// How it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// All is well.
    Ok,
    /// It goes on without, with less.
    Degraded,
    /// What was asked for can't be done.
    Missing,
}

/// What was examined, and what was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was examined.
    pub what: String,
    /// How it is.
    pub state: State,
    /// What was seen.
    pub why: String,
    /// What to do about it; `None` if all is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl Finding {
    /// All is well.
    pub fn ok(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            state: State::Ok,
            why: why.into(),
            remedy: None,
        }
    }

    /// It goes on without.
    pub fn degraded(what: impl Into<String>, why: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            state: State::Degraded,
            why: why.into(),
            remedy: Some(remedy.into()),
        }
    }

    /// What was asked for can't be done.
    pub fn missing(what: impl Into<String>, why: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            state: State::Missing,
            why: why.into(),
            remedy: Some(remedy.into()),
        }
    }

    /// As an error's message.
    pub fn sentence(&self) -> String {
        match &self.remedy {
            Some(remedy) => format!("{}: {}; remedy: {remedy}", self.what, self.why),
            None => format!("{}: {}", self.what, self.why),
        }
    }
}

/// For people: a line each, and the remedy below it.
pub fn table(found: &[Finding]) -> String {
    let width = found
        .iter()
        .map(|finding| finding.what.chars().count())
        .max()
        .unwrap_or(0);
    let mut text = String::new();
    for Finding {
        what,
        state,
        why,
        remedy,
    } in found
    {
        let state = match state {
            State::Ok => "ok",
            State::Degraded => "degraded",
            State::Missing => "MISSING",
        };
        text += &format!("{what:width$}  {state:8}  {why}\n");
        if let Some(remedy) = remedy {
            text += &format!("{:width$}  {:8}  → {remedy}\n", "", "");
        }
    }
    text
}

/// For programs: a list of objects with `what`, `state` (`ok`, `degraded`, `missing`), `why`, and `remedy` if there is
/// one.
pub fn json(found: &[Finding]) -> serde_json::Result<String> {
    serde_json::to_string_pretty(found).map(|text| text + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_views_say_the_same() {
        let found = [
            Finding::ok("a", "is there"),
            Finding::missing("long name", "is not", "apt install it"),
        ];
        assert_eq!(
            table(&found),
            "a          ok        is there\nlong name  MISSING   is not\n                     → apt install it\n"
        );
        let value: serde_json::Value = serde_json::from_str(&json(&found).unwrap()).unwrap();
        assert_eq!(
            value[0],
            serde_json::json!({"what": "a", "state": "ok", "why": "is there"})
        );
        assert_eq!(value[1]["remedy"], "apt install it");
        assert_eq!(found[1].sentence(), "long name: is not; remedy: apt install it");
    }
}
