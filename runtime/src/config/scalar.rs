//! What a plain scalar is: the core schema of YAML 1.2.

use super::Value;

/// The value that this text is, where nothing else says so.
///
/// ```text
/// null, Null, NULL, ~, nothing    nothing
/// true, True, TRUE, false, …      truth values
/// 12, -3, 0o17, 0xff              whole numbers
/// 1.5, -.5, 3., 1e3, .inf, .nan   numbers
/// everything else                 text
/// ```
pub(crate) fn resolve(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => number(text).unwrap_or_else(|| Value::Text(text.to_owned())),
    }
}

/// The number that this text is, if it is one.
pub(crate) fn number(text: &str) -> Option<Value> {
    // Most scalars are words: they are done here.
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) {
        return None;
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return radix(digits, 16);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return radix(digits, 8);
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    match unsigned {
        ".inf" | ".Inf" | ".INF" if text.starts_with('-') => return Some(Value::Number(f64::NEG_INFINITY)),
        ".inf" | ".Inf" | ".INF" => return Some(Value::Number(f64::INFINITY)),
        // A sign has no meaning here, so the schema has none.
        ".nan" | ".NaN" | ".NAN" if unsigned == text => return Some(Value::Number(f64::NAN)),
        _ => {}
    }
    if !unsigned.is_empty() && unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        // One that is too large for 64 bits is a number all the same, and out of every range.
        return text.parse().map(Value::Integer).or_else(|_| text.parse().map(Value::Number)).ok();
    }
    if is_float(unsigned) { text.parse().map(Value::Number).ok() } else { None }
}

fn radix(digits: &str, radix: u32) -> Option<Value> {
    // `from_str_radix` would accept a sign.
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    let whole = i64::from_str_radix(digits, radix).map(Value::Integer);
    Some(whole.unwrap_or_else(|_| {
        let base = f64::from(radix);
        Value::Number(digits.chars().filter_map(|c| c.to_digit(radix)).fold(0.0, |sum, d| sum * base + f64::from(d)))
    }))
}

/// Digits with a point, or an exponent, or both; without a sign.
fn is_float(text: &str) -> bool {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent_is_right = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty()) && exponent_is_right
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_are_what_the_core_schema_says() {
        let text = |text: &str| Value::Text(text.to_owned());
        for (scalar, expected) in [
            ("", Value::Null),
            ("~", Value::Null),
            ("NULL", Value::Null),
            ("nULL", text("nULL")),
            ("True", Value::Bool(true)),
            ("tRUE", text("tRUE")),
            // YAML 1.1 had these.
            ("yes", text("yes")),
            ("on", text("on")),
            ("1_000", text("1_000")),
            ("1:30", text("1:30")),
            ("0", Value::Integer(0)),
            ("-12", Value::Integer(-12)),
            ("+12", Value::Integer(12)),
            ("007", Value::Integer(7)),
            ("0o17", Value::Integer(15)),
            ("0o8", text("0o8")),
            ("0xdeadBEEF", Value::Integer(3_735_928_559)),
            ("0x", text("0x")),
            ("0x-1", text("0x-1")),
            ("-0x1", text("-0x1")),
            ("0xffffffffffffffff", Value::Number(18_446_744_073_709_551_615.0)),
            ("9223372036854775807", Value::Integer(i64::MAX)),
            ("9223372036854775808", Value::Number(9_223_372_036_854_775_808.0)),
            ("1.5", Value::Number(1.5)),
            ("-.5", Value::Number(-0.5)),
            ("3.", Value::Number(3.0)),
            (".", text(".")),
            ("-", text("-")),
            ("1e3", Value::Number(1000.0)),
            ("1E-2", Value::Number(0.01)),
            ("1e", text("1e")),
            ("e5", text("e5")),
            (".e5", text(".e5")),
            ("1.2.3", text("1.2.3")),
            ("inf", text("inf")),
            ("-.inf", Value::Number(f64::NEG_INFINITY)),
            ("-.nan", text("-.nan")),
            ("1 ", text("1 ")),
            ("2026-11-21", text("2026-11-21")),
            ("0b1", text("0b1")),
        ] {
            assert_eq!(resolve(scalar), expected, "{scalar:?}");
        }
        assert!(matches!(resolve(".nan"), Value::Number(number) if number.is_nan()));
    }
}
