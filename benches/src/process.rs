//! Child processes: this program again, with one measurement to do.

pub(crate) use crate::answer::{Answer, Missing, this};

use crate::child::{Child, Kind};
use std::process::{Command, Stdio};

/// The line with which a child says that its peer has no such mode.
pub(crate) const UNAVAILABLE: &str = "unavailable";

/// Does one measurement.
pub(crate) fn measure(kind: Kind, child: &Child) -> Result<Answer, Missing> {
    let arguments = child.arguments(kind);
    let run = || Command::new(this()?).args(&arguments).stdin(Stdio::null()).output();
    let output = run().map_err(|error| {
        eprintln!("error: `{}` could not be started: {error}", arguments.join(" "));
        Missing::Failed
    })?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        eprintln!("error: `{}`: {}\n{}", arguments.join(" "), output.status, String::from_utf8_lossy(&output.stderr));
        return Err(Missing::Failed);
    }
    if text.lines().any(|line| line == UNAVAILABLE) {
        return Err(Missing::Unavailable);
    }
    Ok(Answer::new(text))
}
