//! Requests of a file or of standard input: one a line, or over several lines.

use super::otlp;
use super::recognise::{self, EXPECTED, LOOKED_AT};
use flate2::bufread::MultiGzDecoder;
use otelier::sampling::SimulatedSpan;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

/// The most bytes of a request.
const LONGEST: usize = 64 << 20;
/// So many requests that are skipped are told; the others are counted.
const TOLD: u64 = 5;

/// Gives `f` every span. How many lines were skipped because they cannot be read, which is an error unless `keep_going`.
pub(super) fn read(path: &str, keep_going: bool, f: &mut dyn FnMut(SimulatedSpan)) -> Result<u64, String> {
    let name = if path == "-" { "standard input" } else { path };
    if path != "-" && Path::new(path).is_dir() {
        return Err(format!("`{name}` is a directory; expected a file behind `--input`, or `-` for standard input"));
    }
    let open = || -> io::Result<Box<dyn Read>> {
        Ok(if path == "-" { Box::new(io::stdin()) } else { Box::new(File::open(path)?) })
    };
    let file = open().map_err(|error| format!("`{name}` cannot be read: {error}"))?;
    let mut input = BufReader::with_capacity(LOOKED_AT, file);
    let is_gzip = input.fill_buf().is_ok_and(|begin| begin.starts_with(&[0x1f, 0x8b]));
    match is_gzip {
        true => {
            let decoder = MultiGzDecoder::new(input);
            Input::new(BufReader::with_capacity(LOOKED_AT, decoder), name).spans(keep_going, f)
        }
        false => Input::new(input, name).spans(keep_going, f),
    }
}

struct Input<'a, R> {
    input: R,
    name: &'a str,
    /// How many lines were taken from the input.
    lines: u64,
    /// Lines that were read and belong to no request that can be read.
    held: VecDeque<Line>,
    /// How it begins.
    begin: Vec<u8>,
    /// The line where the last request begins.
    at: u64,
}

struct Line {
    number: u64,
    bytes: Vec<u8>,
    is_whole: bool,
}

/// What is wrong, and from which line on.
struct Wrong {
    number: u64,
    why: String,
}

impl<'a, R: BufRead> Input<'a, R> {
    const fn new(input: R, name: &'a str) -> Self {
        Self { input, name, lines: 0, held: VecDeque::new(), begin: Vec::new(), at: 0 }
    }

    fn spans(mut self, keep_going: bool, f: &mut dyn FnMut(SimulatedSpan)) -> Result<u64, String> {
        let name = self.name;
        let begin = self.input.fill_buf().map_err(|error| format!("{name}:1: the input cannot be read: {error}"))?;
        if begin.is_empty() {
            return Err(format!("`{name}` is empty; expected {EXPECTED}"));
        }
        self.begin = begin.to_vec();
        if begin.starts_with(b"\xef\xbb\xbf") {
            self.input.consume(3);
        }
        let (mut skipped, mut is_known) = (0, false);
        while let Some(spans) = self.request()? {
            match spans {
                Ok(spans) => {
                    is_known = true;
                    spans.into_iter().for_each(&mut *f);
                }
                Err(Wrong { number, why }) => {
                    // What is something else from its beginning has no line that could be skipped.
                    if let Some((what, help)) = (!is_known).then(|| recognise::foreign(&self.begin)).flatten() {
                        return Err(format!("{name}:{}: this is {what}; expected {EXPECTED}\n  help: {help}", self.at));
                    }
                    if !keep_going {
                        return Err(format!(
                            "{name}:{number}: {why}\n  help: `--keep-going` skips lines that cannot be read"
                        ));
                    }
                    skipped += 1;
                    if skipped <= TOLD {
                        crate::say(&format!("warning: {name}:{number}: skipped: {why}"));
                    }
                }
            }
        }
        if skipped > TOLD {
            crate::say(&format!("warning: {} more lines were skipped", skipped - TOLD));
        }
        Ok(skipped)
    }

    /// The spans of the next request; nothing at the end.
    fn request(&mut self) -> Result<Option<Result<Vec<SimulatedSpan>, Wrong>>, String> {
        let first = loop {
            match self.line()? {
                Some(line) if line.is_whole && line.bytes.trim_ascii().is_empty() => {}
                Some(line) => break line,
                None => return Ok(None),
            }
        };
        let number = first.number;
        self.at = number;
        let too_long = || Wrong { number, why: format!("the line is longer than {LONGEST} bytes") };
        if !first.is_whole {
            return Ok(Some(Err(too_long())));
        }
        let mut nesting = Nesting::default();
        nesting.read(&first.bytes);
        if !nesting.is_open() {
            let spans = otlp::spans(first.bytes.trim_ascii());
            return Ok(Some(spans.map_err(|(line, why)| Wrong { number: number + line, why })));
        }
        // Laid out for people: until all that was opened is closed.
        let mut text = first.bytes;
        let mut more = Vec::new();
        let why = loop {
            let Some(line) = self.line()? else { break "the input ends within it" };
            let begins_anew = line.bytes.starts_with(b"{\"resource") || !line.is_whole;
            let fits = text.len() + line.bytes.len() <= LONGEST;
            nesting.read(&line.bytes);
            if begins_anew || !fits || nesting.is_broken {
                more.push(line);
                break if begins_anew {
                    "another one begins within it"
                } else if fits {
                    "a text in it does not end"
                } else {
                    "it is longer than 67108864 bytes"
                };
            }
            text.extend_from_slice(&line.bytes);
            more.push(line);
            if !nesting.is_open() {
                let spans = otlp::spans(text.trim_ascii());
                return Ok(Some(spans.map_err(|(line, why)| Wrong { number: number + line, why })));
            }
        };
        // Each of the lines may be a request by itself.
        more.into_iter().rev().for_each(|line| self.held.push_front(line));
        let why = format!("the request that begins here is cut: {why}");
        Ok(Some(Err(Wrong { number, why })))
    }

    fn line(&mut self) -> Result<Option<Line>, String> {
        if let Some(line) = self.held.pop_front() {
            return Ok(Some(line));
        }
        self.lines += 1;
        let number = self.lines;
        let failed = |error: io::Error| format!("{}:{number}: the input cannot be read: {error}", self.name);
        let mut bytes = Vec::new();
        if (&mut self.input).take(LONGEST as u64 + 1).read_until(b'\n', &mut bytes).map_err(failed)? == 0 {
            return Ok(None);
        }
        let is_whole = bytes.len() <= LONGEST || bytes.last() == Some(&b'\n');
        if !is_whole {
            bytes = Vec::new();
            pass(&mut self.input).map_err(failed)?;
        }
        Ok(Some(Line { number, bytes, is_whole }))
    }
}

/// How deep in JSON a line ends.
#[derive(Default)]
struct Nesting {
    depth: i64,
    /// A line ends within a text, which no JSON does.
    is_broken: bool,
}

impl Nesting {
    fn read(&mut self, line: &[u8]) {
        let (mut is_text, mut is_escaped) = (false, false);
        for byte in line {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' if is_text => is_escaped = true,
                b'"' => is_text = !is_text,
                b'{' | b'[' if !is_text => self.depth += 1,
                b'}' | b']' if !is_text => self.depth -= 1,
                _ => {}
            }
        }
        self.is_broken |= is_text;
    }

    const fn is_open(&self) -> bool {
        self.depth > 0 && !self.is_broken
    }
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
        Input::new(text, "input").spans(keep_going, &mut |_| spans += 1).map(|skipped| (spans, skipped))
    }

    const PRETTY: &str = r#"{
  "resourceSpans": [{"scopeSpans": [
    {"spans": [{"traceId": "5b8efff798038103d269b633813fc60c", "name": "a \"quoted\" {[",
      "spanId": "eee19b7ec3c1b174", "startTimeUnixNano": "1", "endTimeUnixNano": "2"}]}]}]
}
"#;

    fn one_line() -> String {
        PRETTY.lines().map(str::trim).collect::<String>().replace("\": ", "\":")
    }

    #[test]
    fn a_line_that_cannot_be_read_is_told_with_its_number_or_skipped() {
        let line = one_line();
        let text = format!("{line}\n\n{{}}\nspans\n{line}");
        let error = found(text.as_bytes(), false).unwrap_err();
        assert!(error.starts_with("input:4: this is no OTLP in JSON: expected value at column 1"), "{error}");
        assert_eq!(found(text.as_bytes(), true), Ok((2, 1)));
    }

    #[test]
    fn requests_may_be_laid_out_over_lines_and_follow_each_other_anywhere() {
        let line = one_line();
        for text in [
            PRETTY.to_owned(),
            PRETTY.replace('\n', "\r\n"),
            format!("\u{feff}{PRETTY}"),
            format!("\u{feff}{line}"),
            format!("\n\n  {line}  "),
        ] {
            assert_eq!(found(text.as_bytes(), false), Ok((1, 0)), "{text}");
        }
        for text in [
            format!("{PRETTY}{PRETTY}"),
            format!("{line}{line}"),
            format!("{line}\n{PRETTY}"),
            format!("{PRETTY}{line}"),
        ] {
            assert_eq!(found(text.as_bytes(), false), Ok((2, 0)), "{text}");
        }
    }

    #[test]
    fn a_mistake_within_a_request_over_lines_is_told_with_its_own_line() {
        let text = format!("\n{}", PRETTY.replace("\"1\"", "1.5"));
        let error = found(text.as_bytes(), false).unwrap_err();
        assert!(error.starts_with("input:5: this is no OTLP in JSON: "), "{error}");
    }

    #[test]
    fn a_request_that_is_cut_takes_no_other_with_it() {
        let line = one_line();
        let cut = &line[..line.len() / 2];
        assert_eq!(found(format!("{cut}\n{line}\n{line}\n").as_bytes(), true), Ok((2, 1)));
        let error = found(format!("{line}\n{cut}\n{line}\n").as_bytes(), false).unwrap_err();
        assert!(error.starts_with("input:2: "), "{error}");
        for (cut, why) in [
            ("{\"resourceSpans\":[\n", "the input ends within it"),
            ("{\"resourceSpans\":[\n \"a\n", "a text in it does not end"),
        ] {
            let error = found(format!("{line}\n{cut}").as_bytes(), false).unwrap_err();
            assert!(error.starts_with(&format!("input:2: the request that begins here is cut: {why}\n")), "{error}");
        }
        // Its lines are looked at one by one, so that nothing behind it is lost.
        let (spans, skipped) = found(format!("{{\n1\n{line}\n{PRETTY}").as_bytes(), true).unwrap();
        assert_eq!((spans, skipped), (2, 2));
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over() {
        let text = [&vec![b' '; LONGEST + 5][..], b"\n", one_line().as_bytes()].concat();
        assert_eq!(found(&text, true), Ok((1, 1)));
        let error = found(&text, false).unwrap_err();
        assert!(error.starts_with("input:1: the line is longer than 67108864 bytes"), "{error}");
        let text = [b"{\"resourceSpans\":[\n", &vec![b' '; LONGEST - 5][..], b"\n]}"].concat();
        let error = found(&text, false).unwrap_err();
        assert!(error.starts_with("input:1: the request that begins here is cut: it is longer than"), "{error}");
    }

    #[test]
    fn what_is_something_else_is_named_and_not_skipped() {
        for (text, what) in [
            (
                &b"[\n{\"resourceSpans\":[]}\n]\n"[..],
                "input:1: this is a JSON array of requests; expected requests of OTLP",
            ),
            (b"\n[{\"traceId\":\"1\",\"id\":\"2\"}]", "input:2: this is a JSON array of Zipkin spans"),
            (b"{\"data\":[{\"traceID\":\"1\",\n\"spans\":[]}]}", "input:1: this is JSON of Jaeger"),
            (b"\n\x12\x0a\x10\x01\x02\n", "input:2: this is protobuf"),
            (b"\x28\xb5\x2f\xfd\0\n", "input:1: this is compressed with zstd"),
        ] {
            for keep_going in [false, true] {
                let error = found(text, keep_going).unwrap_err();
                assert!(error.starts_with(what) && error.contains("\n  help: "), "{error}");
            }
        }
        assert!(found(b"", true).unwrap_err().starts_with("`input` is empty; expected requests of OTLP as JSON"));
        // Behind a request that can be read, an array is a line like others.
        let text = format!("{}\n[1]\n", one_line());
        assert_eq!(found(text.as_bytes(), true), Ok((1, 1)));
    }
}
