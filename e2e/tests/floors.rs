//! The floors of the house, as ARCHITECTURE.md draws them: what a file must not import. Reads `use` lines.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test: what fails, fails it

use std::path::{Path, PathBuf};

use e2e::repository;

/// Rules without actors: they take time as an argument, so testing them needs neither a runtime nor a broker.
const PURE: [&str; 32] = [
    "common/src/counters.rs",
    "common/src/latency",
    "common/src/plan",
    "common/src/session_figures.rs",
    "common/src/tree",
    "common/src/wire",
    "driver/src/actors/heartbeat/plan.rs",
    "driver/src/assignment.rs",
    "driver/src/clock_sync.rs",
    "driver/src/life",
    "driver/src/merge.rs",
    "driver/src/outbox",
    "driver/src/pacer",
    "driver/src/scenario",
    "driver/src/start_at.rs",
    "driver/src/worker/report.rs",
    "orchestrator/src/assemble.rs",
    "orchestrator/src/blocker.rs",
    "orchestrator/src/compare",
    "orchestrator/src/human.rs",
    "orchestrator/src/capacity",
    "orchestrator/src/lifecycle",
    "orchestrator/src/model",
    "orchestrator/src/participant.rs",
    "orchestrator/src/refusal.rs",
    "orchestrator/src/registry",
    "orchestrator/src/report",
    "orchestrator/src/statistics",
    "orchestrator/src/stopped_by.rs",
    "orchestrator/src/store",
    "orchestrator/src/tally",
    "orchestrator/src/verdict",
];

/// What pure files do not import.
const ABOVE_THEM: [&str; 6] = ["actix", "actix_rt", "tokio", "rdkafka", "crate::actors", "crate::http"];

/// Source files in a folder, or the file itself, relative to the repository.
fn sources(place: &str) -> Vec<PathBuf> {
    let path = repository().join(place);
    if path.is_file() {
        return vec![PathBuf::from(place)];
    }
    let entries = std::fs::read_dir(&path).unwrap_or_else(|error| panic!("{place}: {error}"));
    let inside = entries.map(|entry| format!("{place}/{}", entry.unwrap().file_name().to_str().unwrap()));
    inside
        .filter(|name| repository().join(name).is_dir() || name.ends_with(".rs"))
        .flat_map(|name| sources(&name))
        .collect()
}

/// What a file imports outside its tests, each path whole.
fn imports(file: &Path) -> Vec<String> {
    imports_of(&std::fs::read_to_string(repository().join(file)).unwrap())
}

fn imports_of(text: &str) -> Vec<String> {
    let product = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap();
    let statements = product.split("\nuse ").skip(1).chain(product.split("\npub use ").skip(1));
    let paths = statements.filter_map(|rest| Some(rest.split_once(';')?.0.replace(char::is_whitespace, "")));
    paths.flat_map(|path| spread(&path)).collect()
}

/// `a::{b, c::{d}}` as `a::b` and `a::c::{d}`.
fn spread(path: &str) -> Vec<String> {
    let Some((before, names)) = path.split_once('{') else { return vec![path.to_owned()] };
    let (mut depth, mut paths) = (0, vec![before.to_owned()]);
    for c in names.strip_suffix('}').unwrap().chars() {
        depth += i32::from(c == '{') - i32::from(c == '}');
        match (c, depth) {
            (',', 0) => paths.push(before.to_owned()),
            _ => paths.last_mut().unwrap().push(c),
        }
    }
    paths
}

fn is_test(file: &Path) -> bool {
    file.components().any(|part| {
        let name = part.as_os_str().to_str().unwrap();
        ["tests", "check", "tests.rs", "stub.rs", "properties.rs"].contains(&name)
    })
}

fn is_in(import: &str, module: &str) -> bool {
    import.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

#[test]
fn pure_files_import_no_actors_no_runtime_and_no_kafka() {
    let mut read = 0;
    for file in PURE.into_iter().flat_map(sources).filter(|file| !is_test(file)) {
        read += 1;
        for import in imports(&file) {
            let above = ABOVE_THEM.iter().find(|module| is_in(&import, module));
            assert_eq!(above, None, "{} imports {import}", file.display());
        }
    }
    assert!(read > 80, "only {read} files were read");
}

#[test]
fn libraries_of_the_edges_stay_at_the_edges() {
    for (library, edges) in [
        ("rdkafka", &["common/src/kafka/"][..]),
        (
            "actix_web",
            &["orchestrator/src/http/", "driver/src/http/", "target/src/http.rs", "target/src/shop/http.rs"],
        ),
        ("rusqlite", &["common/src/sqlite.rs", "orchestrator/src/store/", "driver/src/store/"]),
    ] {
        let mut found = 0;
        for node in ["cli", "common", "driver", "orchestrator", "target"] {
            for file in sources(&format!("{node}/src")).into_iter().filter(|file| !is_test(file)) {
                if imports(&file).iter().any(|import| is_in(import, library)) {
                    found += 1;
                    let at_edge = edges.iter().any(|edge| file.to_str().unwrap().starts_with(edge));
                    assert!(at_edge, "{} imports {library}", file.display());
                }
            }
        }
        assert!(found > 0, "no file imports {library}");
    }
}

#[test]
fn imports_are_read_whole_and_those_of_tests_are_not() {
    let text = "//! Text.\n\nuse a::b;\npub use crate::{http, actors::{x,\n    y}};\n\n#[cfg(test)]\nmod tests {\nuse tokio;\n}\n";
    assert_eq!(imports_of(text), ["a::b", "crate::http", "crate::actors::{x,y}"]);
    assert!(is_in("crate::actors::{x,y}", "crate::actors") && !is_in("crate::actors_of", "crate::actors"));
}

/// A text's words in backticks that are paths: they end in `/` or `.rs`.
fn paths_in(text: &str) -> impl Iterator<Item = &str> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted.filter(|word| word.ends_with(".rs") || word.ends_with('/'))
}

#[test]
fn every_file_that_the_architecture_names_is_there() {
    let text = std::fs::read_to_string(repository().join("ARCHITECTURE.md")).unwrap();
    let crates = ["cli", "common", "driver", "orchestrator", "target", "bench", "e2e"];
    let roots: Vec<_> = crates.iter().map(|name| repository().join(name).join("src")).collect();
    // A list of files of one folder names the folder once: `plan/tree.rs`, `read.rs`.
    let folders: Vec<&str> = paths_in(&text).filter_map(|path| Some(path.rsplit_once('/')?.0)).collect();
    let there = |path: &str| {
        let beside = folders.iter().map(|folder| format!("{folder}/{path}"));
        let mut names = std::iter::once(path.to_owned()).chain(beside);
        names.any(|name| {
            repository().join(&name).exists() || roots.iter().any(|root| root.join(&name).exists())
        })
    };
    let missing: Vec<&str> = paths_in(&text).filter(|path| !there(path)).collect();
    assert_eq!(missing, Vec::<&str>::new());
    assert!(paths_in(&text).count() > 80);
}
