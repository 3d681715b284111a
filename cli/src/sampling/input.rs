//! Lines of a file or of standard input.

use super::otlp;
use flate2::bufread::MultiGzDecoder;
use otelier::sampling::SimulatedSpan;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};

/// The most bytes of a line.
const LONGEST: usize = 64 << 20;
/// So many lines that are skipped are told; the others are counted.
const TOLD: u64 = 5;

/// Gives `f` every span. How many lines were skipped because they cannot be read, which is an error unless `keep_going`.
pub(super) fn read(path: &str, keep_going: bool, f: &mut dyn FnMut(SimulatedSpan)) -> Result<u64, String> {
    let name = if path == "-" { "standard input" } else { path };
    let open = || -> io::Result<Box<dyn Read>> {
        Ok(if path == "-" { Box::new(io::stdin()) } else { Box::new(File::open(path)?) })
    };
    let file = open().map_err(|error| format!("`{name}` cannot be read: {error}"))?;
    let mut input = BufReader::with_capacity(1 << 16, file);
    let is_gzip = input.fill_buf().is_ok_and(|begin| begin.starts_with(&[0x1f, 0x8b]));
    match is_gzip {
        true => lines(BufReader::new(MultiGzDecoder::new(input)), name, keep_going, f),
        false => lines(input, name, keep_going, f),
    }
}

fn lines(
    mut input: impl BufRead,
    name: &str,
    keep_going: bool,
    f: &mut dyn FnMut(SimulatedSpan),
) -> Result<u64, String> {
    let (mut line, mut number, mut skipped) = (Vec::new(), 0_u64, 0);
    loop {
        line.clear();
        number += 1;
        let failed = |error: io::Error| format!("{name}:{number}: the input cannot be read: {error}");
        let limit = LONGEST as u64 + 1;
        if (&mut input).take(limit).read_until(b'\n', &mut line).map_err(failed)? == 0 {
            return Ok(tell_the_rest(skipped));
        }
        let spans = if line.len() > LONGEST && line.last() != Some(&b'\n') {
            pass(&mut input).map_err(failed)?;
            Err(format!("the line is longer than {LONGEST} bytes"))
        } else {
            otlp::spans(line.trim_ascii())
        };
        match spans {
            Ok(spans) => spans.into_iter().for_each(&mut *f),
            Err(why) if keep_going => {
                skipped += 1;
                if skipped <= TOLD {
                    crate::say(&format!("warning: {name}:{number}: skipped: {why}"));
                }
            }
            Err(why) => {
                return Err(format!("{name}:{number}: {why}\n  help: `--keep-going` skips lines that cannot be read"));
            }
        }
    }
}

fn tell_the_rest(skipped: u64) -> u64 {
    if skipped > TOLD {
        crate::say(&format!("warning: {} more lines were skipped", skipped - TOLD));
    }
    skipped
}

/// Passes over the rest of a line.
fn pass(input: &mut impl BufRead) -> io::Result<()> {
    loop {
        let room = match input.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            room => room?,
        };
        let (end, is_over) = match room.iter().position(|byte| *byte == b'\n') {
            Some(at) => (at + 1, true),
            None => (room.len(), room.is_empty()),
        };
        input.consume(end);
        if is_over {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &[u8], keep_going: bool) -> Result<(usize, u64), String> {
        let mut spans = 0;
        lines(text, "input", keep_going, &mut |_| spans += 1).map(|skipped| (spans, skipped))
    }

    const LINE: &str = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"5b8efff798038103d269b633813fc60c",
        "spanId":"eee19b7ec3c1b174","startTimeUnixNano":"1","endTimeUnixNano":"2"}]}]}]}"#;

    #[test]
    fn a_line_that_cannot_be_read_is_told_with_its_number_or_skipped() {
        let line = LINE.replace('\n', "");
        let text = format!("{line}\n\n{{}}\nspans\n{line}");
        let error = found(text.as_bytes(), false).unwrap_err();
        assert!(error.starts_with("input:4: this is no OTLP in JSON: expected value at line 1 column 1"), "{error}");
        assert_eq!(found(text.as_bytes(), true), Ok((2, 1)));
        assert_eq!(found(b"", false), Ok((0, 0)));
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over() {
        let text = [&vec![b' '; LONGEST + 5][..], b"\n", LINE.replace('\n', "").as_bytes()].concat();
        assert_eq!(found(&text, true), Ok((1, 1)));
        let error = found(&text, false).unwrap_err();
        assert!(error.starts_with("input:1: the line is longer than 67108864 bytes"), "{error}");
    }
}
