//! Every plan that docs/plans.md and the shop's plans in `config/plans/` show runs against our target, and passes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test: what fails, fails it

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use e2e::process::command;
use e2e::repository;
use e2e::shop::Shop;
use e2e::system::Target;

/// Where the examples expect the target.
const SHOWN: &str = "http://127.0.0.1:8081";

/// A shown plan, against the shop, and lenient about our own machine. In a second or two of load a single pause of the host
/// breaks the default limits of `[honesty]`; it also breaks a p99, which is that of the slowest of some tens of requests.
fn adapted(plan: &str, shop: &Shop) -> String {
    let plan = ["500ms", "1s"]
        .iter()
        .fold(plan.to_owned(), |plan, bound| plan.replace(&format!("\"< {bound}\""), "\"< 5s\""));
    let lenient = "\n[honesty]\nmax_lag_p99 = \"5s\"\nmax_late = \"50%\"\n";
    let own = plan.contains("[honesty]");
    format!("{}{}", plan.replace(SHOWN, shop.url()), if own { "" } else { lenient })
}

/// Runs plans from files, and checks that each passes. Two at a time: a run waits for most of its time.
fn pass(plans: &[(PathBuf, String)]) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let home = tempfile::tempdir().unwrap();
                while let Some((file, what)) = plans.get(next.fetch_add(1, Ordering::Relaxed)) {
                    passes(home.path(), file, what);
                }
            });
        }
    });
}

fn passes(home: &Path, file: &Path, what: &str) {
    let mut run = command(home, &["run", file.to_str().unwrap()]);
    // Where the example of secrets expects them.
    run.env("SHOP_KEY", "key 1").env("GROUNDSWELL__SECRETS__DIR", file.parent().unwrap().join(SECRETS));
    let ran = run.output().unwrap();
    assert!(
        ran.status.success(),
        "{what}: {}\n{}\n{}",
        ran.status,
        String::from_utf8_lossy(&ran.stdout),
        String::from_utf8_lossy(&ran.stderr)
    );
}

/// The folder of secrets, beside the plans.
const SECRETS: &str = "secrets";

/// The plans of a document: what stands in fences of `toml` and sends to the example's target.
fn plans_of(text: &str) -> Vec<String> {
    let fences = text.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap_or_default());
    fences.filter(|fence| fence.contains(SHOWN)).map(str::to_owned).collect()
}

#[test]
fn the_plans_of_docs_plans_md_pass() {
    let home = tempfile::tempdir().unwrap();
    let (_process, target) = Target::start(home.path(), &[]);
    let shop = Shop::of(&target);
    let folder = home.path().join("plans");
    copy_examples(&folder);
    let text = std::fs::read_to_string(repository().join("docs/plans.md")).unwrap();
    let plans = plans_of(&text);
    assert_eq!(
        plans.len(),
        text.matches("```toml\n").count(),
        "each example sends to the target that is shown"
    );
    assert!(plans.len() >= 18, "{} plans", plans.len());
    let written = plans.into_iter().enumerate().map(|(i, plan)| {
        let file = folder.join(format!("of-the-document-{i}.toml"));
        std::fs::write(&file, adapted(&plan, &shop)).unwrap();
        (file, plan)
    });
    pass(&written.collect::<Vec<_>>());
}

#[test]
fn the_plans_of_config_plans_pass_against_the_shop() {
    let home = tempfile::tempdir().unwrap();
    let (_process, target) = Target::start(home.path(), &[]);
    let shop = Shop::of(&target);
    let folder = home.path().join("plans");
    let mut shops: Vec<PathBuf> = copy_examples(&folder);
    shops.retain(|path| path.file_name().unwrap().to_str().unwrap().starts_with("shop-"));
    assert!(shops.len() >= 8, "{shops:?}");
    shops.sort();
    let written = shops.into_iter().map(|file| {
        let plan = std::fs::read_to_string(&file).unwrap();
        assert!(plan.contains(SHOWN), "{} sends to the example's target", file.display());
        std::fs::write(&file, adapted(&plan, &shop)).unwrap();
        let what = file.display().to_string();
        (file, what)
    });
    pass(&written.collect::<Vec<_>>());
}

/// Copies `config/plans` with the files that its plans read, and adds the secret that the document's example reads;
/// returns the plans.
fn copy_examples(folder: &Path) -> Vec<PathBuf> {
    std::fs::create_dir_all(folder.join(SECRETS)).unwrap();
    std::fs::write(folder.join(SECRETS).join("shop_pass"), "pass 1\n").unwrap();
    let mut plans = Vec::new();
    for entry in std::fs::read_dir(repository().join("config/plans")).unwrap() {
        let from = entry.unwrap().path();
        let to = folder.join(from.file_name().unwrap());
        std::fs::copy(&from, &to).unwrap();
        plans.extend(to.extension().is_some_and(|extension| extension == "toml").then_some(to));
    }
    plans
}
