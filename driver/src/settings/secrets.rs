//! `[secrets]`: which secrets of plans this driver gives out to the requests it sends.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use common::tree::{Table, parse};

/// What the names of our own variables begin with: they are never secrets of a plan.
const OWN: &str = "GROUNDSWELL";
/// Longest name of a variable.
const MAX_NAME_BYTES: usize = 256;

/// `[secrets]`. A plan names a secret; its value is found by each driver, and never passes Kafka or the store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SecretSettings {
    /// Variables of this driver's environment that plans may use; none by default.
    pub env: Vec<VariableNames>,
    /// Folder whose files plans may use, by their plain names, as secrets and as client certificates; none by default.
    pub dir: Option<PathBuf>,
}

impl SecretSettings {
    pub(super) fn read(table: &mut Table) -> Self {
        Self {
            env: table.get_list("env", parse::from_str::<VariableNames>).unwrap_or_default(),
            dir: table.get("dir", parse::or_none(parse::path)).flatten(),
        }
    }

    /// Whether plans may use a variable of the environment.
    pub fn allows(&self, variable: &str) -> bool {
        !is_own(variable) && self.env.iter().any(|names| names.has(variable))
    }
}

/// Whether a variable is one of Groundswell's own.
pub fn is_own(variable: &str) -> bool {
    variable.get(..OWN.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(OWN))
}

/// A variable by its name, or all whose names begin so: `PAY_*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VariableNames {
    begin: String,
    and_more: bool,
}

impl VariableNames {
    fn has(&self, variable: &str) -> bool {
        if self.and_more { variable.starts_with(&self.begin) } else { variable == self.begin }
    }
}

impl fmt::Display for VariableNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.begin, if self.and_more { "*" } else { "" })
    }
}

impl FromStr for VariableNames {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (begin, and_more) = text.strip_suffix('*').map_or((text, false), |begin| (begin, true));
        let is_name = begin.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if text.is_empty() || !is_name || begin.len() > MAX_NAME_BYTES {
            return Err(
                "expected the name of a variable, as in \"PAY_KEY\", or \"PAY_*\" for all that begin so"
                    .to_owned(),
            );
        }
        if is_own(begin) {
            return Err(format!("variables whose names begin with {OWN} are never secrets of a plan"));
        }
        Ok(Self { begin: begin.to_owned(), and_more })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(names: &[&str]) -> SecretSettings {
        SecretSettings { env: names.iter().map(|name| name.parse().unwrap()).collect(), dir: None }
    }

    #[test]
    fn variables_are_allowed_by_name_or_by_how_they_begin() {
        let allowed = settings(&["PAY_*", "SHOP_KEY"]);
        for (variable, expected) in [
            ("PAY_KEY", true),
            ("PAY_", true),
            ("SHOP_KEY", true),
            ("SHOP_KEY2", false),
            ("XPAY_KEY", false),
            ("pay_key", false),
            ("", false),
        ] {
            assert_eq!(allowed.allows(variable), expected, "{variable}");
        }
        assert!(!settings(&[]).allows("PAY_KEY"), "none by default");
    }

    #[test]
    fn our_own_variables_are_never_allowed() {
        let all = settings(&["*", "GROUND*"]);
        assert!(all.allows("PATH"));
        for own in ["GROUNDSWELL__KAFKA__SECURITY__SASL_PASSWORD", "GROUNDSWELL", "groundswell_x"] {
            assert!(!all.allows(own), "{own}");
        }
        assert!("GROUNDSWELL__X".parse::<VariableNames>().unwrap_err().contains("never"));
    }

    #[test]
    fn what_names_no_variable_is_refused() {
        for text in ["", "A-B", "A*B", "**", "a b", "$A", "ü"] {
            assert!(text.parse::<VariableNames>().is_err(), "{text:?}");
        }
        assert_eq!("PAY_*".parse::<VariableNames>().unwrap().to_string(), "PAY_*");
    }
}
