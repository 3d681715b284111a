//! The receiver's answer in JSON, of which two fields are of interest. Hostile text ends the reading early.

use super::error::printable;
use crate::export::Accepted;
use crate::export::json_reader::{Reader, Value};

/// What the receiver says of the batch. An answer that cannot be read is taken as silence: its status said success.
pub(super) fn accepted(body: &[u8]) -> Accepted {
    let mut accepted = Accepted::default();
    let mut reader = Reader::new(body);
    let _ = reader.object(|key, reader| {
        if !matches!(key, "partialSuccess" | "partial_success") || reader.peek()? != b'{' {
            return reader.value().map(drop);
        }
        reader.object(|key, reader| {
            match (key, reader.value()?) {
                (
                    "rejectedSpans"
                    | "rejected_spans"
                    | "rejectedLogRecords"
                    | "rejected_log_records"
                    | "rejectedDataPoints"
                    | "rejected_data_points",
                    // 64-bit integers are texts, but numbers are to be read, too.
                    Value::Text(text) | Value::Number(text),
                ) => accepted.rejected = text.parse::<i64>().ok().and_then(|count| count.try_into().ok()).unwrap_or(0),
                ("errorMessage" | "error_message", Value::Text(text)) if !text.is_empty() => {
                    accepted.message = Some(printable(text.as_bytes()));
                }
                _ => {}
            }
            Some(())
        })
    });
    accepted
}

/// The message of a `google.rpc.Status`.
#[cfg(feature = "otlp-http")]
pub(super) fn message(body: &[u8]) -> Option<String> {
    let mut message = None;
    let _ = Reader::new(body).object(|key, reader| {
        if let ("message", Value::Text(text)) = (key, reader.value()?) {
            message = Some(printable(text.as_bytes()));
        }
        Some(())
    });
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rejected(rejected: u64, message: &str) -> Accepted {
        Accepted { rejected, message: (!message.is_empty()).then(|| message.to_owned()) }
    }

    #[test]
    fn a_partial_success_is_read() {
        for (body, expected) in [
            ("", rejected(0, "")),
            ("{}", rejected(0, "")),
            (r#"{"partialSuccess":{}}"#, rejected(0, "")),
            (r#"{"partialSuccess":null}"#, rejected(0, "")),
            (r#" { "partialSuccess" : { "rejectedSpans" : "3" , "errorMessage" : "bad" } } "#, rejected(3, "bad")),
            (r#"{"x":[1,{"a":[]},-1.5e3,"\""],"partialSuccess":{"rejectedLogRecords":4}}"#, rejected(4, "")),
            (r#"{"partial_success":{"rejected_data_points":"5","new":[true]}}"#, rejected(5, "")),
            (
                r#"{"partialSuccess":{"errorMessage":"\u0061\ud83d\ude00\ud83dx\u001b[31m\/"}}"#,
                rejected(0, "a😀\u{fffd}x\u{fffd}[31m/"),
            ),
        ] {
            assert_eq!(accepted(body.as_bytes()), expected, "{body}");
        }
    }

    #[test]
    fn hostile_answers_are_taken_as_silence() {
        let deep = "[".repeat(100_000);
        let deeper = format!("{{\"a\":{deep}");
        for body in [
            &*deep,
            &deeper,
            "{\"",
            "{\"a\"",
            "{\"a\":",
            "{\"\\u12\":1}",
            "null",
            "[]",
            "{\"partialSuccess\":{\"rejectedSpans\":\"-1\"}}",
        ] {
            assert_eq!(accepted(body.as_bytes()), Accepted::default(), "{body:.40}");
        }
    }

    #[test]
    fn no_damage_to_an_answer_does_harm() {
        let body = br#"{"partialSuccess":{"rejectedSpans":"3","errorMessage":"b\u0061d","x":[1,{"y":null}]}}"#;
        for at in 0..body.len() {
            let _ = accepted(&body[..at]);
            for value in 0..=u8::MAX {
                let mut body = body.to_vec();
                body[at] = value;
                let accepted = accepted(&body);
                assert!(accepted.message.is_none_or(|text| !text.contains(char::is_control)));
            }
        }
    }

    #[cfg(feature = "otlp-http")]
    #[test]
    fn the_message_of_a_refusal_is_found() {
        assert_eq!(message(br#"{"code":3,"message":"no \"tenant\"","details":[]}"#).as_deref(), Some("no \"tenant\""));
        assert_eq!(message(b"not json"), None);
    }
}
