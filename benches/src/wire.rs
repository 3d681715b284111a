//! Requests of OTLP over HTTP/1.1, read no further than a receiver must that only counts.

use std::io::{self, BufRead};

/// Reads a request up to its body; the body's length, or `None` if the connection is closed.
pub(crate) fn head(reader: &mut impl BufRead) -> io::Result<Option<usize>> {
    let mut length = None;
    let mut first = true;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return if first { Ok(None) } else { Err(io::Error::other("a head that breaks off")) };
        }
        let line = line.trim_end();
        if line.is_empty() {
            let length = length.ok_or_else(|| io::Error::other("a request without a content length"))?;
            return Ok(Some(length));
        }
        if first && line != "POST /v1/traces HTTP/1.1" {
            return Err(io::Error::other(format!("expected `POST /v1/traces`, got `{line}`")));
        }
        first = false;
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok();
        }
    }
}

/// The messages in one field of a message; `None` if it is not protobuf.
pub(crate) fn messages(mut message: &[u8], wanted: u64) -> Option<Vec<&[u8]>> {
    let mut found = Vec::new();
    while !message.is_empty() {
        let tag = varint(&mut message)?;
        match tag & 7 {
            0 => _ = varint(&mut message)?,
            1 => message = message.get(8..)?,
            5 => message = message.get(4..)?,
            2 => {
                let length = varint(&mut message)? as usize;
                let (own, rest) = message.split_at_checked(length)?;
                message = rest;
                if tag >> 3 == wanted {
                    found.push(own);
                }
            }
            _ => return None,
        }
    }
    Some(found)
}

pub(crate) fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}
