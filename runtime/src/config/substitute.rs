//! `${NAME}` in files: the environment variable substitution of OpenTelemetry's configuration.
//!
//! ```text
//! ${NAME}  ${env:NAME}  ${NAME:-default}  ${env:NAME:-default}    NAME: a letter or _, then letters, digits, _
//! $$                                                              one $, which begins no reference
//! ```
//!
//! The text is cut at every `$$` first, from left to right; references are looked for in the pieces. So a `$$` inside the
//! braces of a reference ends it, as in the specification's table. What is put in is not looked at again.

use super::Variables;
use std::borrow::Cow;

/// A scalar after substitution.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Substituted<'a> {
    /// What it is now.
    pub(crate) text: Cow<'a, str>,
    /// The variables that were asked for, each once.
    pub(crate) variables: Vec<String>,
}

/// A reference that is none.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed {
    /// It, such as `${1NAME}`.
    pub(crate) reference: String,
    /// What would be right.
    pub(crate) expected: &'static str,
}

const EXPECTED: &str = "`${NAME}` or `${NAME:-default}`, with a name of letters, digits and `_`";
const UNCLOSED: &str = "a `}` at its end; `$$` stands for one `$`";

/// Puts the variables in.
///
/// # Errors
///
/// The first reference that is malformed. Nothing is put in then.
pub(crate) fn substitute<'a>(text: &'a str, variables: &Variables) -> Result<Substituted<'a>, Malformed> {
    let mut used = Vec::new();
    if !text.contains('$') {
        return Ok(Substituted { text: Cow::Borrowed(text), variables: used });
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    loop {
        let end = rest.find("$$");
        piece(&rest[..end.unwrap_or(rest.len())], end.is_none(), variables, &mut out, &mut used)?;
        let Some(end) = end else { break };
        out.push('$');
        rest = &rest[end + 2..];
    }
    Ok(Substituted { text: Cow::Owned(out), variables: used })
}

/// Puts the variables into a piece that has no `$$`.
fn piece(
    text: &str,
    last: bool,
    variables: &Variables,
    out: &mut String,
    used: &mut Vec<String>,
) -> Result<(), Malformed> {
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let Some(length) = rest[start..].find('}') else {
            // The specification leaves it as it is. That a reference is not closed is hardly meant, except before `$$`,
            // where its table has it.
            if last {
                let reference: String = rest[start..].chars().take(40).collect();
                return Err(Malformed { reference, expected: UNCLOSED });
            }
            break;
        };
        let reference = &rest[start..=start + length];
        let (name, default) = parts(&reference[2..reference.len() - 1])
            .ok_or_else(|| Malformed { reference: reference.to_owned(), expected: EXPECTED })?;
        out.push_str(&rest[..start]);
        match variables.raw(name).filter(|value| !value.is_empty()) {
            Some(value) => out.push_str(&value),
            None => out.push_str(default),
        }
        if !used.iter().any(|other| other == name) {
            used.push(name.to_owned());
        }
        rest = &rest[start + reference.len()..];
    }
    out.push_str(rest);
    Ok(())
}

/// The name and the default of what stands between the braces.
fn parts(text: &str) -> Option<(&str, &str)> {
    let text = text.strip_prefix("env:").unwrap_or(text);
    let (name, default) = text.split_once(":-").unwrap_or((text, ""));
    let mut bytes = name.bytes();
    let first = bytes.next()?;
    let is_name = (first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (is_name && !default.contains(|c: char| c.is_control() && c != '\t')).then_some((name, default))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables() -> Variables {
        Variables::of([
            ("STRING_VALUE", "value"),
            ("BOOL_VALUE", "true"),
            ("FLOAT_VALUE", "1.1"),
            ("EMPTY", ""),
            ("BLANKS", "  padded "),
            ("env", "no prefix"),
            ("REPLACE_ME", "${STRING_VALUE}"),
            ("ESCAPE", "value$$"),
        ])
    }

    #[test]
    fn every_form_of_a_reference_is_put_in() {
        for (text, expected) in [
            ("no reference", "no reference"),
            ("${STRING_VALUE}", "value"),
            ("${env:STRING_VALUE}", "value"),
            ("${env}", "no prefix"),
            ("${STRING_VALUE:-fallback}", "value"),
            ("${UNDEFINED:-fallback}", "fallback"),
            ("${env:UNDEFINED:-fallback}", "fallback"),
            ("${EMPTY:-fallback}", "fallback"),
            ("${UNDEFINED:-}", ""),
            ("${UNDEFINED:- a:-b, c }", " a:-b, c "),
            ("${UNDEFINED:-größe}", "größe"),
            ("${UNDEFINED}", ""),
            ("[${EMPTY}]", "[]"),
            ("${BLANKS}", "  padded "),
            ("foo ${STRING_VALUE} ${FLOAT_VALUE}", "foo value 1.1"),
            ("${STRING_VALUE}${STRING_VALUE}", "valuevalue"),
            ("${REPLACE_ME}", "${STRING_VALUE}"),
            ("${ESCAPE}", "value$$"),
            ("${ESCAPE}{STRING_VALUE}", "value$${STRING_VALUE}"),
            ("${STRING_VALUE}}", "value}"),
            ("${UNDEFINED:-${STRING_VALUE}}", "${STRING_VALUE}"),
            ("$${STRING_VALUE}", "${STRING_VALUE}"),
            ("$$${STRING_VALUE}", "$value"),
            ("$$$${STRING_VALUE}", "$${STRING_VALUE}"),
            ("$${STRING_VALUE:-fallback}", "${STRING_VALUE:-fallback}"),
            ("$${STRING_VALUE:-${STRING_VALUE}}", "${STRING_VALUE:-value}"),
            ("${UNDEFINED:-$${UNDEFINED}}", "${UNDEFINED:-${UNDEFINED}}"),
            ("$${A} ${STRING_VALUE} $${B}", "${A} value ${B}"),
            ("a $$ b", "a $ b"),
            ("a $ b", "a $ b"),
            ("$", "$"),
            ("$$", "$"),
            ("$$$", "$$"),
            ("$STRING_VALUE", "$STRING_VALUE"),
            ("{STRING_VALUE}", "{STRING_VALUE}"),
        ] {
            let substituted = substitute(text, &variables());
            assert_eq!(substituted.as_ref().map(|substituted| &*substituted.text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_malformed_reference_is_refused_by_name() {
        for (text, reference) in [
            ("${STRING_VALUE:?error}", "${STRING_VALUE:?error}"),
            ("a ${1KEY} b", "${1KEY}"),
            ("${API_$KEY}", "${API_$KEY}"),
            ("${}", "${}"),
            ("${env:}", "${env:}"),
            ("${ENV:STRING_VALUE}", "${ENV:STRING_VALUE}"),
            ("${ STRING_VALUE }", "${ STRING_VALUE }"),
            ("${STRING_VALUE:-a\nb}", "${STRING_VALUE:-a\nb}"),
            ("${größe}", "${größe}"),
            ("${STRING_VALUE", "${STRING_VALUE"),
            ("$$ ${STRING_VALUE:-a", "${STRING_VALUE:-a"),
        ] {
            let refused = substitute(text, &variables()).map_err(|malformed| malformed.reference);
            assert_eq!(refused, Err(reference.to_owned()), "{text}");
        }
    }

    #[test]
    fn the_variables_that_were_asked_for_are_known() {
        let substituted = substitute("${STRING_VALUE} ${UNDEFINED} ${env:STRING_VALUE} $${BOOL_VALUE}", &variables());
        assert_eq!(substituted.unwrap().variables, ["STRING_VALUE", "UNDEFINED"]);
    }
}
