//! What an input is that is no OTLP in JSON.

/// So many bytes are looked at.
pub(super) const LOOKED_AT: usize = 1 << 16;

/// What is expected of an input.
pub(super) const EXPECTED: &str = "requests of OTLP as JSON, such as one `{\"resourceSpans\":[…]}` a line, as the Collector's `file` exporter \
                                   and `otlp_file` write them";

/// What an input that begins like this is, and what can be done, if it is known. `begin` may be cut anywhere.
pub(super) fn foreign(begin: &[u8]) -> Option<(&'static str, &'static str)> {
    let compressed = [
        (&b"\x28\xb5\x2f\xfd"[..], "compressed with zstd", "`zstd -dc FILE | otelier sampling simulate --input - …`"),
        (b"PK\x03\x04", "a ZIP archive", "unpack it first"),
        (b"BZh", "compressed with bzip2", "`bzip2 -dc FILE | otelier sampling simulate --input - …`"),
        (b"\xfd7zXZ\0", "compressed with xz", "`xz -dc FILE | otelier sampling simulate --input - …`"),
        (b"\x04\x22\x4d\x18", "compressed with LZ4", "`lz4 -dc FILE | otelier sampling simulate --input - …`"),
    ];
    if let Some((_, what, help)) = compressed.into_iter().find(|(magic, ..)| begin.starts_with(magic)) {
        return Some((what, help));
    }
    // Text of 16 bits has zeros, too.
    let is_wide = begin.starts_with(b"\xff\xfe") || begin.starts_with(b"\xfe\xff");
    if is_wide || begin.first().is_some_and(|byte| *byte == b'{') && begin.get(1) == Some(&0) {
        return Some(("text in UTF-16", "write it as UTF-8"));
    }
    if is_binary(begin) {
        let json =
            "let the exporter write JSON: `format: json` of the Collector's `file` exporter, which is its default";
        return Some((if is_protobuf(begin) { "protobuf" } else { "binary" }, json));
    }
    let text = String::from_utf8_lossy(begin);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let has = |key: &str| text.contains(&format!("\"{key}\""));
    match text.chars().next() {
        Some('[') if has("resourceSpans") => {
            Some(("a JSON array of requests", "`jq -c '.[]' FILE` writes its items as lines"))
        }
        Some('[') if has("traceId") && (has("localEndpoint") || has("id")) => Some((
            "a JSON array of Zipkin spans",
            "record spans with `otlp_file/development`, or with the Collector's receiver `zipkin` and its exporter `file`",
        )),
        Some('[') => Some(("a JSON array", "`jq -c '.[]' FILE` writes its items as lines, if they are requests")),
        Some('{') if !has("resourceSpans") && has("traceID") && has("spans") => Some((
            "JSON of Jaeger, as its page and its API give it",
            "record spans with `otlp_file/development`, or with the Collector's exporter `file`",
        )),
        Some('{') if !has("resourceSpans") && has("resource_spans") => {
            Some(("OTLP with the names of protobuf", "OTLP's JSON has names in camel case: `resourceSpans`, `traceId`"))
        }
        Some('{') if !has("resourceSpans") && has("batches") => Some((
            "JSON of Tempo, as its API gives a trace",
            "call its `batches` `resourceSpans`: `jq -c '{resourceSpans: .batches}' FILE`",
        )),
        _ => None,
    }
}

/// Whether there are characters that no JSON has.
fn is_binary(begin: &[u8]) -> bool {
    begin.iter().take(512).any(|byte| *byte < b' ' && !matches!(*byte, b'\t' | b'\n' | b'\r'))
}

/// Whether it begins with the first field of a request, perhaps behind a length.
fn is_protobuf(begin: &[u8]) -> bool {
    // The Collector writes the length of each request in four bytes before it.
    begin.first() == Some(&0x0a) || begin.first() == Some(&0) && begin.get(4) == Some(&0x0a)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_named() {
        let spans = "{\"resourceSpans\":[{}]}";
        for (begin, expected) in [
            (&b"\x28\xb5\x2f\xfd\0"[..], Some("compressed with zstd")),
            (b"PK\x03\x04", Some("a ZIP archive")),
            (b"BZh91AY", Some("compressed with bzip2")),
            (b"\xfd7zXZ\0\0", Some("compressed with xz")),
            (b"\x04\x22\x4d\x18d", Some("compressed with LZ4")),
            (b"\xff\xfe{\0\"\0", Some("text in UTF-16")),
            (b"\xfe\xff\0{", Some("text in UTF-16")),
            (b"{\0\"\0r\0", Some("text in UTF-16")),
            (b"\x0a\x10\x0a\x02\x01\x02", Some("protobuf")),
            (b"\0\0\x01\x10\x0a\x02\x01\x02", Some("protobuf")),
            (b"\x7fELF\x02\x01", Some("binary")),
            (b"[{\"resourceSpans\":[]}]", Some("a JSON array of requests")),
            (b" [\n {\"traceId\":\"1\",\"id\":\"2\",\"localEndpoint\":{}}]", Some("a JSON array of Zipkin spans")),
            (b"[1]", Some("a JSON array")),
            (b"{\"data\":[{\"traceID\":\"1\",\"spans\":[]}]}", Some("JSON of Jaeger, as its page and its API give it")),
            (b"{\"resource_spans\":[]}", Some("OTLP with the names of protobuf")),
            (b"{\"batches\":[]}", Some("JSON of Tempo, as its API gives a trace")),
            (b"\xef\xbb\xbf[1]", Some("a JSON array")),
            (spans.as_bytes(), None),
            (b"{\"data\":1}", None),
            (b"spans", None),
            (b"\n", None),
            (b"", None),
        ] {
            assert_eq!(foreign(begin).map(|(what, _)| what), expected, "{}", String::from_utf8_lossy(begin));
        }
    }
}
