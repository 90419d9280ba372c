//! `[secrets]`: where each driver finds what never is in a plan.

use super::spelling::check_plain_name;
use crate::plan::Fault;
use crate::plan::program::{Secret, SecretFrom};
use crate::tree::{Kind, Node, Table, parse};

/// Most secrets of a plan.
const MAX_SECRETS: usize = 64;

/// Reads the table `secrets`. One that cannot be read is kept by its name, so that its uses are not reported too.
pub(super) fn read(root: &mut Table) -> Vec<Secret> {
    root.table("secrets", |table| {
        let mut secrets = Vec::new();
        for name in table.names() {
            if secrets.len() == MAX_SECRETS {
                let reason = format!("is one more than the {MAX_SECRETS} that a plan may have");
                table.fault(Fault::value(table.path_of(&name), "", reason), None);
                table.take_all();
                break;
            }
            if let Err(reason) = check_plain_name(&name) {
                table.fault(Fault::value(table.path_of(&name), format!("{name:?}"), reason), None);
            }
            if !matches!(table.kind_of(&name), Some(Kind::Table(_)))
                && table.take(&name).is_some()
            {
                let reason = "holds a value, and a plan never holds a secret: say where each driver finds it, as in \
                              { env = \"PAY_KEY\" } or { file = \"pay_key\" }";
                table.fault(Fault::value(table.path_of(&name), crate::plan::MASK, reason), None);
            } else {
                let from = table.table(&name, one);
                secrets.push(Secret { name, from: from.unwrap_or(SecretFrom::Env(String::new())) });
                continue;
            }
            secrets.push(Secret { name, from: SecretFrom::Env(String::new()) });
        }
        secrets
    })
}

fn one(table: &mut Table) -> Option<SecretFrom> {
    if table.has("env") && table.has("file") {
        table.contradiction("file", table.shown("file"), "env and file are both given; leave one out");
    } else if !table.has("env") && !table.has("file") {
        let reason = "does not say where each driver finds it: env = \"NAME\" or file = \"NAME\"";
        table.fault(Fault::value(table.path(), "", reason), None);
    }
    let env = table.get("env", env_name).map(SecretFrom::Env);
    let file = table.get("file", plain_file).map(SecretFrom::File);
    env.or(file)
}

fn env_name(node: &Node) -> Result<String, String> {
    let name = parse::word(node)?;
    check_plain_name(&name)?;
    if name.to_ascii_uppercase().starts_with("GROUNDSWELL") {
        return Err("is a setting of Groundswell, which no plan may read".to_owned());
    }
    Ok(name)
}

/// A file's name without a path: it is looked for in the driver's own folder of secrets.
pub(super) fn plain_file(node: &Node) -> Result<String, String> {
    let name = parse::word(node)?;
    let is_plain =
        !name.starts_with('.') && !name.contains(['/', '\\', '\0']) && !name.contains(char::is_control);
    if is_plain && name.len() <= 255 {
        return Ok(name);
    }
    Err("is not a plain name of a file; it is looked for in [secrets] dir of each driver's config".to_owned())
}
