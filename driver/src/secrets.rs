//! The secrets of a plan, found on this driver. A plan names them; their values come from the driver's own environment
//! and files, where `[secrets]` allows it, and go nowhere but into requests. What reads them is injected.

use std::ffi::OsString;
use std::fmt;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use common::plan::program::{Filter, Program, Secret, SecretFrom, SlotValue};

use crate::settings::{SecretSettings, is_own};

/// Longest secret, in bytes.
pub const MAX_SECRET_BYTES: usize = 4 * 1024;

/// The values of a plan's secrets, by their index in the program. They print as their number.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secrets(Vec<String>);

impl Secrets {
    /// The values themselves.
    pub fn expose(&self) -> &[String] {
        &self.0
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}

/// Where secrets are read.
pub trait Vault {
    /// A variable of the environment.
    fn variable(&self, name: &str) -> Option<OsString>;

    /// A file's bytes; of a long one no more than [`MAX_SECRET_BYTES`] and a line break need be.
    ///
    /// # Errors
    /// Where it cannot be read.
    fn file(&self, path: &Path) -> std::io::Result<Vec<u8>>;
}

/// This process's environment and this machine's files.
#[derive(Debug, Clone, Copy)]
pub struct Machine;

impl Vault for Machine {
    fn variable(&self, name: &str) -> Option<OsString> {
        std::env::var_os(name)
    }

    fn file(&self, path: &Path) -> std::io::Result<Vec<u8>> {
        let file = std::fs::File::open(path)?;
        if file.metadata()?.mode() & 0o004 != 0 {
            log::warn!(path:% = path.display(); "secret file can be read by everyone on this machine");
        }
        let mut bytes = Vec::new();
        file.take(MAX_SECRET_BYTES as u64 + 3).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// Why a secret cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // the messages say it
pub enum SecretFault {
    #[error("variables of Groundswell are never secrets of a plan: {0}")]
    Own(String),
    #[error(
        "this driver's config does not allow the variable {0} (--allow-secret {0}, or [secrets] env = [\"{0}\"])"
    )]
    NotAllowed(String),
    #[error("the variable {0} is not set on this driver")]
    NotSet(String),
    #[error("{0:?} is not the plain name of a file")]
    NotPlain(String),
    #[error("this driver's config has no folder for the file {0} ([secrets] dir)")]
    NoFolder(String),
    #[error("cannot read {}: {reason}", path.display())]
    Read { path: PathBuf, reason: String },
    #[error("is empty")]
    Empty,
    #[error("is longer than {MAX_SECRET_BYTES} bytes")]
    TooLong,
    #[error("is not text in UTF-8")]
    NotText,
    #[error("holds a control character, and a header cannot have it")]
    Control,
}

/// The secrets that this driver refuses, each with its name.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(|(name, fault)| format!("secret {name}: {fault}")).collect::<Vec<_>>().join("; "))]
pub struct SecretsRefused(pub Vec<(String, SecretFault)>);

/// Finds all secrets of a program.
///
/// # Errors
/// All that are not allowed, not there, or not usable, by name.
pub fn resolve(
    program: &Program,
    settings: &SecretSettings,
    vault: &impl Vault,
) -> Result<Secrets, SecretsRefused> {
    let (mut values, mut refused) = (Vec::new(), Vec::new());
    for (index, secret) in program.secrets.iter().enumerate() {
        match find(secret, settings, vault).and_then(|bytes| text(bytes, stands_in_header(program, index))) {
            Ok(value) => values.push(value),
            Err(fault) => refused.push((secret.name.clone(), fault)),
        }
    }
    if refused.is_empty() { Ok(Secrets(values)) } else { Err(SecretsRefused(refused)) }
}

/// The place of a file in `[secrets] dir`, by its plain name.
///
/// # Errors
/// Where there is no such folder, or the name is a path.
pub fn file_of(settings: &SecretSettings, name: &str) -> Result<PathBuf, SecretFault> {
    if matches!(name, "" | "." | "..") || name.contains(['/', '\\']) || name.contains(char::is_control) {
        return Err(SecretFault::NotPlain(name.to_owned()));
    }
    let folder = settings.dir.as_ref().ok_or_else(|| SecretFault::NoFolder(name.to_owned()))?;
    Ok(folder.join(name))
}

fn find(secret: &Secret, settings: &SecretSettings, vault: &impl Vault) -> Result<Vec<u8>, SecretFault> {
    match &secret.from {
        SecretFrom::Env(name) if is_own(name) => Err(SecretFault::Own(name.clone())),
        SecretFrom::Env(name) if !settings.allows(name) => Err(SecretFault::NotAllowed(name.clone())),
        SecretFrom::Env(name) => vault
            .variable(name)
            .map(OsString::into_encoded_bytes)
            .ok_or_else(|| SecretFault::NotSet(name.clone())),
        SecretFrom::File(name) => {
            let path = file_of(settings, name)?;
            vault.file(&path).map_err(|error| SecretFault::Read { path, reason: error.to_string() })
        }
    }
}

/// The value, without the line break that an editor puts at a file's end.
fn text(bytes: Vec<u8>, in_header: bool) -> Result<String, SecretFault> {
    let mut value = String::from_utf8(bytes).map_err(|_| SecretFault::NotText)?;
    if value.ends_with('\n') {
        value.pop();
        if value.ends_with('\r') {
            value.pop();
        }
    }
    if value.is_empty() {
        return Err(SecretFault::Empty);
    }
    if value.len() > MAX_SECRET_BYTES {
        return Err(SecretFault::TooLong);
    }
    let is_control = |byte: u8| byte.is_ascii_control() && byte != b'\t';
    if in_header && value.bytes().any(is_control) {
        return Err(SecretFault::Control);
    }
    Ok(value)
}

/// Whether a secret stands in a header as it is.
fn stands_in_header(program: &Program, index: usize) -> bool {
    let encodes =
        |filter: &Filter| matches!(filter, Filter::Base64 | Filter::Sha256 | Filter::Url | Filter::Json);
    let headers = program.requests.iter().flat_map(|request| &request.headers);
    let mut slots = headers.flat_map(|(_, value)| value.slots());
    slots.any(|slot| slot.value == SlotValue::Secret(index) && !slot.filters.iter().any(encodes))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use common::ids::RequestName;
    use common::plan::program::{BodyPlan, NamedRequest, Part, Slot, Template, UrlPlan};
    use serde_json::Map;

    use super::*;

    struct Given(BTreeMap<&'static str, &'static [u8]>);

    impl Vault for Given {
        fn variable(&self, name: &str) -> Option<OsString> {
            use std::os::unix::ffi::OsStringExt;
            self.0.get(name).map(|value| OsString::from_vec(value.to_vec()))
        }

        fn file(&self, path: &Path) -> std::io::Result<Vec<u8>> {
            let found = path.to_str().and_then(|path| self.0.get(path));
            found.map(|bytes| bytes.to_vec()).ok_or_else(|| std::io::ErrorKind::NotFound.into())
        }
    }

    fn header(index: usize, filters: Vec<Filter>) -> Template {
        Template { parts: vec![Part::Slot(Slot { value: SlotValue::Secret(index), filters })] }
    }

    fn program(secrets: &[(&str, SecretFrom)], headers: Vec<Template>) -> Program {
        let secret =
            |(name, from): &(&str, SecretFrom)| Secret { name: (*name).to_owned(), from: from.clone() };
        let request = NamedRequest {
            name: RequestName::new("r").unwrap(),
            method: Some("GET".to_owned()),
            url: UrlPlan::Form,
            headers: headers.into_iter().map(|value| ("x-a".to_owned(), value)).collect(),
            basic: None,
            body: BodyPlan::None,
            timeout: Duration::from_secs(1),
            expect_status: Vec::new(),
            follow: 0,
            connection_reuse: true,
            lets: Vec::new(),
            extracts: Vec::new(),
            checks: Vec::new(),
            split: None,
        };
        Program {
            source: Map::new(),
            seed: None,
            hosts: Vec::new(),
            secrets: secrets.iter().map(secret).collect(),
            data: Vec::new(),
            requests: vec![request],
            variables: Vec::new(),
            scenarios: Vec::new(),
            groups: Vec::new(),
            setup: None,
            teardown: None,
            shared: Vec::new(),
        }
    }

    fn env(name: &str) -> SecretFrom {
        SecretFrom::Env(name.to_owned())
    }

    fn file(name: &str) -> SecretFrom {
        SecretFrom::File(name.to_owned())
    }

    fn resolved(secrets: &[(&str, SecretFrom)], headers: Vec<Template>) -> Result<Secrets, String> {
        let given = Given(BTreeMap::from([
            ("PAY_KEY", &b"hunter2"[..]),
            ("PAY_PEM", b"a\nb"),
            ("PAY_NOT_TEXT", b"\xFF"),
            ("OTHER", b"x"),
            ("GROUNDSWELL__X", b"x"),
            ("/keys/key", b"from file\r\n"),
            ("/keys/two", b"a\n\n"),
            ("/keys/empty", b"\n"),
            ("/keys/long", &[b'x'; MAX_SECRET_BYTES + 1]),
        ]));
        let settings =
            SecretSettings { env: vec!["PAY_*".parse().unwrap()], dir: Some(PathBuf::from("/keys")) };
        resolve(&program(secrets, headers), &settings, &given).map_err(|error| error.to_string())
    }

    #[test]
    fn secrets_come_from_the_environment_and_from_files_and_are_not_shown() {
        let found =
            resolved(&[("a", env("PAY_KEY")), ("b", file("key")), ("c", file("two"))], Vec::new()).unwrap();
        assert_eq!(found.expose(), ["hunter2", "from file", "a\n"]);
        assert_eq!(format!("{found:?} {:#?}", Some(&found)), "Secrets(3) Some(\n    Secrets(3),\n)");
    }

    #[test]
    fn all_that_are_refused_are_named_with_the_reason() {
        let refused = resolved(
            &[
                ("admin", env("OTHER")),
                ("ok", env("PAY_KEY")),
                ("gone", env("PAY_GONE")),
                ("none", file("none")),
            ],
            Vec::new(),
        )
        .unwrap_err();
        assert_eq!(
            refused,
            "secret admin: this driver's config does not allow the variable OTHER (--allow-secret OTHER, or \
             [secrets] env = [\"OTHER\"]); secret gone: the variable PAY_GONE is not set on this driver; secret none: \
             cannot read /keys/none: entity not found"
        );
        for (from, expected) in [
            (env("GROUNDSWELL__X"), "never"),
            (env("PAY_NOT_TEXT"), "UTF-8"),
            (file("../key"), "plain name"),
            (file("/keys/key"), "plain name"),
            (file(".."), "plain name"),
            (file("empty"), "is empty"),
            (file("long"), "longer than 4096 bytes"),
        ] {
            let reason = resolved(&[("s", from)], Vec::new()).unwrap_err();
            assert!(reason.starts_with("secret s: ") && reason.contains(expected), "{reason}");
        }
        let no_folder = file_of(&SecretSettings::default(), "key").unwrap_err().to_string();
        assert_eq!(no_folder, "this driver's config has no folder for the file key ([secrets] dir)");
    }

    #[test]
    fn a_header_has_no_line_break() {
        let pem = [("pem", env("PAY_PEM"))];
        assert!(resolved(&pem, Vec::new()).is_ok());
        assert!(resolved(&pem, vec![header(0, vec![Filter::Base64])]).is_ok());
        assert!(resolved(&pem, vec![header(0, Vec::new())]).unwrap_err().contains("control character"));
    }

    #[test]
    fn files_of_this_machine_are_read_up_to_the_bound() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("key"), "x\n").unwrap();
        std::fs::write(folder.path().join("long"), vec![b'x'; 100_000]).unwrap();
        let settings = SecretSettings { env: Vec::new(), dir: Some(folder.path().to_owned()) };
        let of = |name| resolve(&program(&[("s", file(name))], Vec::new()), &settings, &Machine);
        assert_eq!(of("key").unwrap().expose(), ["x"]);
        assert_eq!(of("long").unwrap_err().0[0].1, SecretFault::TooLong);
    }
}
