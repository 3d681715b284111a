//! Environment variables, of the process or made for a test.

#[cfg(test)]
use std::collections::BTreeSet;
use std::fmt;

/// Environment variables, of the process or of a test.
pub struct Variables {
    read: Box<Read>,
}

type Read = dyn Fn(&str) -> Option<String>;

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Variables")
    }
}

impl Variables {
    /// Those of this process. A value that is not UTF-8 is read with replacement characters, so that the check of the
    /// value reports it.
    pub fn of_the_process() -> Self {
        Self { read: Box::new(|name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())) }
    }

    /// Those of a list, for tests.
    pub fn of<const N: usize>(variables: [(&str, &str); N]) -> Self {
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self {
            read: Box::new(move |name| variables.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())),
        }
    }

    #[cfg(test)]
    pub(super) fn of_list(variables: &[(&str, &str)]) -> Self {
        let variables: Vec<_> = variables.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        Self {
            read: Box::new(move |name| variables.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())),
        }
    }

    /// The same, and the names that are read.
    #[cfg(test)]
    pub(super) fn recording(variables: &[(&str, &str)]) -> (Self, std::rc::Rc<std::cell::RefCell<BTreeSet<String>>>) {
        let names = std::rc::Rc::<std::cell::RefCell<BTreeSet<String>>>::default();
        let (inner, read) = (Self::of_list(variables), std::rc::Rc::clone(&names));
        let read = move |name: &str| {
            read.borrow_mut().insert(name.to_owned());
            (inner.read)(name)
        };
        (Self { read: Box::new(read) }, names)
    }

    /// The value without blanks around it, unless it is empty: the specification treats an empty variable as one that is not
    /// set.
    ///
    /// ```
    /// use otelier::config::Variables;
    ///
    /// let variables = Variables::of([("OTEL_SERVICE_NAME", " shop "), ("OTEL_TRACES_SAMPLER", "")]);
    /// assert_eq!(variables.get("OTEL_SERVICE_NAME").as_deref(), Some("shop"));
    /// assert_eq!(variables.get("OTEL_TRACES_SAMPLER"), None);
    /// ```
    pub fn get(&self, name: &str) -> Option<String> {
        (self.read)(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    /// The value as it is, blanks and all.
    #[cfg(feature = "config-file")]
    pub(crate) fn raw(&self, name: &str) -> Option<String> {
        (self.read)(name)
    }
}

impl super::Telemetry {
    /// Reads `variables` instead of the process's environment; see [`from_env`](Self::from_env).
    ///
    /// # Errors
    ///
    /// One sentence for every variable whose value cannot be used, all at once.
    ///
    /// ```
    /// use otelier::config::{Telemetry, Variables};
    ///
    /// // What the specification wants passed over is a warning,
    /// let telemetry = Telemetry::from_variables(&Variables::of([("OTEL_BSP_SCHEDULE_DELAY", "5s")]))?;
    /// assert_eq!(telemetry.batch.schedule_delay.as_secs(), 5);
    /// assert_eq!(telemetry.warnings, ["`OTEL_BSP_SCHEDULE_DELAY` is `5s`; expected a whole number"]);
    /// // and an error for those who want it so.
    /// let strict = Variables::of([("OTEL_BSP_SCHEDULE_DELAY", "5s"), ("OTELIER_STRICT", "true")]);
    /// assert_eq!(Telemetry::from_variables(&strict).unwrap_err().problems().len(), 1);
    /// # Ok::<(), otelier::ConfigError>(())
    /// ```
    pub fn from_variables(variables: &Variables) -> Result<Self, crate::ConfigError> {
        super::Settings::from_variables(variables).map(|settings| settings.telemetry)
    }
}
