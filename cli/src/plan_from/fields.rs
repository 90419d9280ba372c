//! Header fields of a request: those that the engine writes are left out, and secrets become entries of `[secrets]`.

use common::plan::{is_engines_own, is_secret_header, is_secret_parameter, is_token};

use super::draft::{literal, literal_path};

/// The secrets of a plan: name, and where the environment has it.
#[derive(Debug, Default)]
pub struct Secrets {
    entries: Vec<(String, String)>,
    /// The values, so that the same one has one name.
    values: Vec<String>,
}

impl Secrets {
    /// The template that stands for a secret, which is new or known.
    pub fn slot(&mut self, name: &str, value: &str) -> String {
        format!("{{{{secret.{}}}}}", self.name(name, value))
    }

    /// The name of a secret, which is new or known.
    pub fn name(&mut self, name: &str, value: &str) -> String {
        if let Some(at) = self.values.iter().position(|known| known == value)
            && let Some((name, _)) = self.entries.get(at)
        {
            return name.clone();
        }
        let mut base: String = name
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' })
            .take(40)
            .collect();
        if base.is_empty()
            || base.starts_with(|c: char| c.is_ascii_digit())
            || base.starts_with("groundswell")
        {
            base.insert_str(0, "secret_");
        }
        let is_taken = |name: &str| self.entries.iter().any(|(known, _)| known == name);
        let mut name = base.clone();
        let mut n = 1;
        while is_taken(&name) {
            n += 1;
            name = format!("{base}_{n}");
        }
        self.entries.push((name.clone(), name.to_ascii_uppercase()));
        self.values.push(value.to_owned());
        name
    }

    /// The name of a secret in the environment.
    fn env(&self, name: &str) -> &str {
        self.entries.iter().find(|(known, _)| known == name).map(|(_, env)| env.as_str()).unwrap_or_default()
    }

    /// What says that a secret is not in the plan.
    pub fn remark(&self, what: &str, name: &str) -> String {
        format!("{what}: is a secret, and not in the plan; the environment gives it as {}", self.env(name))
    }

    /// All of them.
    pub fn into_entries(self) -> Vec<(String, String)> {
        self.entries
    }
}

/// The header fields of one request.
#[derive(Debug, Default, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fields {
    /// Values are templates.
    fields: Vec<(String, Vec<String>)>,
}

impl Fields {
    /// Takes a field; otherwise says why not. A secret is taken with a remark.
    pub fn add(&mut self, name: &str, value: &str, secrets: &mut Secrets, remarks: &mut Vec<String>) {
        let (name, value) = (name.trim(), value.trim_matches([' ', '\t']));
        let lower = name.to_ascii_lowercase();
        let shown: String = name.chars().filter(|c| !c.is_control()).take(60).collect();
        if lower.starts_with(':') {
            return remarks.push(format!("{shown}: belongs to HTTP/2, and HTTP/1.1 is sent"));
        }
        if is_engines_own(&lower) {
            return remarks.push(format!("{shown}: is the engine's, and left out"));
        }
        if !is_token(name) {
            return remarks.push(format!("header {shown:?}: is not a name of a header field, and left out"));
        }
        if value.contains(|c: char| c.is_control() && c != '\t') {
            return remarks.push(format!("{shown}: holds a control character, and is left out"));
        }
        let value = if is_secret_header(name) && !value.is_empty() {
            // The scheme shows how the secret is sent; the scheme itself is not secret.
            let (scheme, secret) = match value.split_once(' ') {
                Some((scheme, secret)) if lower.ends_with("authorization") => {
                    (format!("{scheme} "), secret.trim_start())
                }
                _ => (String::new(), value),
            };
            let known = secrets.entries.len();
            let slot = secrets.name(&lower, secret);
            if secrets.entries.len() > known {
                remarks.push(secrets.remark(&shown, &slot));
            }
            format!("{}{{{{secret.{slot}}}}}", literal(&scheme))
        } else {
            literal(value)
        };
        match self.fields.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            Some((_, values)) if lower == "host" => *values = vec![value],
            Some((_, values)) => values.push(value),
            None => self.fields.push((name.to_owned(), vec![value])),
        }
    }

    /// Whether there is a field of this name.
    pub fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|(known, _)| known.eq_ignore_ascii_case(name))
    }

    /// The only value of a field.
    pub fn get(&self, name: &str) -> Option<&str> {
        let (_, values) = self.fields.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        values.first().map(String::as_str)
    }

    /// Leaves a field out.
    pub fn remove(&mut self, name: &str) {
        self.fields.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
    }

    /// All of them.
    pub fn into_list(self) -> Vec<(String, Vec<String>)> {
        self.fields
    }
}

/// The name of the first parameter of a query that holds a secret.
pub fn secret_parameter(path: &str) -> Option<&str> {
    let (_, query) = path.split_once('?')?;
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find_map(|(name, value)| (!value.is_empty() && is_secret_parameter(name)).then_some(name))
}

/// A path with its query as a template, whose secrets are named.
pub fn path_template(path: &str, secrets: &mut Secrets, remarks: &mut Vec<String>) -> String {
    let Some((before, query)) = path.split_once('?') else { return literal_path(path) };
    let pairs: Vec<String> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((name, value)) if !value.is_empty() && is_secret_parameter(name) => {
                let secret = secrets.name(name, value);
                let shown: String = name.chars().take(60).collect();
                remarks.push(secrets.remark(&shown, &secret));
                format!("{}={{{{secret.{secret} | raw}}}}", literal_path(name))
            }
            _ => literal_path(pair),
        })
        .collect();
    format!("{}?{}", literal_path(before), pairs.join("&"))
}
