//! Data files that are too large to travel in a plan: put at the orchestrator by the command line, fetched by each driver,
//! verified on the way, and gone with the last test that names them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test: what fails, fails it

use std::collections::BTreeMap;
use std::fmt::Write;

use common::plan::files::FileHash;
use e2e::process::output;
use e2e::shop::Shop;
use e2e::system::System;
use serde_json::json;

/// Rows, each for one session: as many as the shop has products.
const ROWS: usize = 1_000;

#[test]
fn each_row_of_a_file_of_megabytes_is_sent_once_and_the_file_goes_with_its_test() {
    let mut system = System::start("embedded", 2);
    let shop = Shop::of(&system.add_target(&[]));
    let home = system.home.path().to_owned();
    let mut rows = "id,note\n".to_owned();
    for id in 1..=ROWS {
        writeln!(rows, "{id},{}", format!("note {id} ").repeat(300)).unwrap();
    }
    assert!(rows.len() > 2_500_000, "{}", rows.len());
    std::fs::write(home.join("rows.csv"), &rows).unwrap();
    std::fs::write(home.join("photo.bin"), vec![0xab; 200_000]).unwrap();
    let plan = format!(
        r#"
        target.url = "{}"
        per = "fleet"
        seed = 7
        data.row = {{ file = "rows.csv", order = "once" }}
        scenarios.visit = {{ share = 99, steps = ["product"] }}
        scenarios.send = {{ share = 1, steps = ["photo"] }}
        honesty = {{ max_lag_p99 = "60s", max_late = "50%", max_catch_up = "60s" }}
        [requests.product]
        path = "/shop/products/{{{{row.id}}}}"
        [requests.photo]
        method = "POST"
        path = "/shop/upload"
        multipart = [{{ name = "photo", file = "photo.bin" }}]
        check.json."$.parts[0].name" = "photo"
        [load]
        rate = 1000
        sessions = {ROWS}
        "#,
        shop.url()
    );
    let path = home.join("plan.toml");
    std::fs::write(&path, plan).unwrap();
    shop.log(ROWS);
    let (path, report) = (path.to_str().unwrap(), home.join("report.json"));
    let flags = ["run", path, "--orchestrator", &system.address, "--json", report.to_str().unwrap()];
    let ran = output(&home, &flags);
    let said = format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{said}");

    // Each session of the scenario has the row of its own number there, whichever driver it is on.
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    for path in shop.paths().into_iter().filter(|path| path.starts_with("/shop/products/")) {
        *seen.entry(path).or_default() += 1;
    }
    let visits = seen.len();
    let expected: BTreeMap<String, u64> =
        (1..=visits).map(|id| (format!("/shop/products/{id}"), 1)).collect();
    assert_eq!(seen, expected, "the first rows, each once");
    assert!((950..ROWS).contains(&visits), "{visits} of 100 sessions in 99 visit: the others send a photo");
    let report: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(report).unwrap()).unwrap();
    let photo = &report["totals"]["requests"]["photo"];
    assert_eq!(photo["completed"], json!(ROWS - visits), "{photo:#}");
    assert_eq!(report["drivers"].as_array().unwrap().len(), 2);

    // The test names the file, and has none of its rows.
    let (hash, id) = (FileHash::of(rows.as_bytes()), report["test_id"].as_str().unwrap());
    let data = &report["plan"]["data"]["row"];
    assert_eq!((&data["file"], &data["facts"]["rows"]), (&json!(hash.in_plan()), &json!(ROWS)), "{data:#}");
    assert!(!report.to_string().contains("note 7 note 7"), "rows are in no result");

    // Its plan runs again while the file is there.
    let at = format!("/api/v1/data/{hash}");
    assert_eq!(system.rest.get(&at).text, rows);
    let again = system.create(&report["plan"]);
    for (deleted, status) in [(id, 200), (again.as_str(), 404)] {
        assert_eq!(system.rest.delete(&format!("/api/v1/tests/{deleted}")).status, 204);
        assert_eq!(system.rest.get(&at).status, status, "after {deleted}");
    }
    let refused = system.rest.post("/api/v1/tests", &report["plan"]);
    assert_eq!(refused.status, 400, "{}", refused.text);
    assert!(refused.text.contains(&format!("PUT {at}")), "{}", refused.text);
}

#[test]
fn a_plan_with_a_large_file_is_looked_at_and_tried_without_an_orchestrator() {
    let home = tempfile::tempdir().unwrap();
    let (_process, target) = e2e::system::Target::start(home.path(), &[]);
    let shop = Shop::of(&target);
    let rows: String = (0..20_000).map(|id| format!("{{\"id\": \"p{id}\"}}\n")).collect();
    std::fs::write(home.path().join("rows.jsonl"), rows).unwrap();
    let plan = format!(
        "target.url = '{}'\nseed = 7\ndata.row = {{ file = 'rows.jsonl' }}\n[requests.product]\n\
         path = '/shop/products/1?row={{{{row.id}}}}'\n[load]\nrate = 10\nduration = '10s'\n",
        shop.url()
    );
    let path = home.path().join("plan.toml");
    std::fs::write(&path, plan).unwrap();
    let path = path.to_str().unwrap();
    shop.log(10);
    for arguments in
        [&["validate", path][..], &["plan", "show", path], &["plan", "show", "--session", "17", path]]
    {
        let shown = output(home.path(), arguments);
        assert!(shown.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&shown.stderr));
    }
    let tried = output(home.path(), &["plan", "try", "--session", "19999", path]);
    assert!(tried.status.success(), "{}", String::from_utf8_lossy(&tried.stderr));
    assert_eq!(shop.paths(), ["/shop/products/1?row=p19999"]);
}
