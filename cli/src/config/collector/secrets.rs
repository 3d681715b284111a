//! What must not stand in a file: each value gets an environment variable of the Collector.

use super::yaml::Yaml;

/// The variables that the Collector needs.
#[derive(Default)]
pub(super) struct Secrets {
    all: Vec<Secret>,
}

struct Secret {
    variable: String,
    /// Such as "the header `api-key`".
    what: String,
    value: String,
    /// Whose it is, in the order of the file.
    exporters: Vec<String>,
}

impl Secrets {
    /// The value of a header. Exporters that send the same share a variable.
    pub(super) fn header(&mut self, exporter: &str, name: &str, value: &str) -> Yaml {
        self.variable(exporter, &format!("OTELIER_HEADER_{}", upper(name)), format!("the header `{name}`"), value)
    }

    /// A URL with a key in it.
    pub(super) fn endpoint(&mut self, exporter: &str, url: &str) -> Yaml {
        let what = "the URL, with the key that is in it,".to_owned();
        self.variable(exporter, &format!("OTELIER_{}_ENDPOINT", upper(exporter)), what, url)
    }

    fn variable(&mut self, exporter: &str, name: &str, what: String, value: &str) -> Yaml {
        if let Some(known) = self.all.iter_mut().find(|secret| secret.what == what && secret.value == value) {
            known.exporters.push(exporter.to_owned());
            return Yaml::Variable(known.variable.clone());
        }
        let is_taken = |name: &str| self.all.iter().any(|secret| secret.variable == name);
        let mut variable = name.to_owned();
        let mut number = 2;
        while is_taken(&variable) {
            variable = format!("{name}_{number}");
            number += 1;
        }
        let secret = Secret { variable, what, value: value.to_owned(), exporters: vec![exporter.to_owned()] };
        self.all.push(secret);
        Yaml::Variable(self.all[self.all.len() - 1].variable.clone())
    }

    /// Each variable, and what has to be in it: never the value.
    pub(super) fn described(&self) -> impl Iterator<Item = (&str, String)> {
        self.all
            .iter()
            .map(|secret| (secret.variable.as_str(), format!("{} of {}", secret.what, secret.exporters.join(", "))))
    }
}

/// A name in that of a variable.
fn upper(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_value_has_one_variable_and_another_has_its_own() {
        let mut secrets = Secrets::default();
        let names = [
            secrets.header("otlp_http/traces", "api-key", "a"),
            secrets.header("otlp_http/logs", "api-key", "a"),
            secrets.header("otlp_http/metrics", "api-key", "b"),
            secrets.header("otlp_http/metrics", "api.key", "c"),
            secrets.endpoint("otlp_http/traces_2", "http://a?key=x"),
        ];
        let expected = [
            "OTELIER_HEADER_API_KEY",
            "OTELIER_HEADER_API_KEY",
            "OTELIER_HEADER_API_KEY_2",
            "OTELIER_HEADER_API_KEY_3",
            "OTELIER_OTLP_HTTP_TRACES_2_ENDPOINT",
        ];
        assert_eq!(names, expected.map(|name| Yaml::Variable(name.to_owned())));
        let described: Vec<_> = secrets.described().map(|(_, what)| what).collect();
        assert_eq!(described[0], "the header `api-key` of otlp_http/traces, otlp_http/logs");
    }
}
