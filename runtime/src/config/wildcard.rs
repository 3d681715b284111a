//! Patterns of names, as the declarative configuration has them.

/// Whether the whole name has the form of the pattern, in which `?` is any character and `*` any number of them. Case counts.
///
/// Takes at most as many steps as the product of both lengths, whatever the pattern.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let (mut pattern, mut name) = (pattern.chars(), name.chars());
    // Where to go on if what follows the last `*` does not fit: behind that `*`, and one character further in the name.
    let mut retry = None;
    loop {
        let mut rest = name.clone();
        match (pattern.next(), rest.next()) {
            (None, None) => return true,
            (Some('*'), _) => retry = Some((pattern.clone(), name.clone())),
            (Some(wanted), Some(found)) if wanted == '?' || wanted == found => name = rest,
            _ => {
                let Some((behind, from)) = &mut retry else { return false };
                if from.next().is_none() {
                    return false;
                }
                (pattern, name) = (behind.clone(), from.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_pattern_names_what_has_its_form() {
        for (pattern, name, expected) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*", "process.pid", true),
            ("process.*", "process.pid", true),
            ("process.*", "process.", true),
            ("process.*", "process", false),
            ("*.name", "k8s.pod.name", true),
            ("k8s.*.name", "k8s.pod.name", true),
            ("k8s.*.name", "k8s.name", false),
            ("*a*b*", "xaxbx", true),
            ("*a*b*", "xbxax", false),
            ("?", "ä", true),
            ("?", "", false),
            ("h?st", "host", true),
            ("Host", "host", false),
            ("**", "a", true),
            ("a*?", "a", false),
            ("a*?", "ab", true),
            ("*ab", "aab", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn hostile_patterns_end_soon() {
        assert!(!matches(&"*a".repeat(50), &"a".repeat(49)));
        assert!(!matches(&format!("{}b", "a*".repeat(50)), &"a".repeat(2000)));
    }
}
