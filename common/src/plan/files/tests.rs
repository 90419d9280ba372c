//! Files that plans name, put in.

use super::*;
use crate::plan::program::{BodyPlan, Part, PartContent, Slot, SlotValue, Template};

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &[u8]| std::fs::write(folder.path().join(name), content).unwrap();
    write("users.csv", b"name,town\nAnn,\"Bath, Avon\"\n");
    write("image.png", &[0x89, b'P', 0xff]);
    write("ca.pem", b"-----BEGIN CERTIFICATE-----\n");
    std::fs::File::create(folder.path().join("large")).unwrap().set_len(MAX_BODY_FILE + 1).unwrap();
    folder
}

#[test]
fn files_are_put_in_where_the_plan_names_them() {
    let folder = folder();
    let mut plan = json!({
        "target": { "url": "https://a.test", "tls": { "ca_file": "ca.pem" },
                    "hosts": { "b": { "url": "https://b.test", "tls": { "ca_file": "ca.pem" } } } },
        "data": { "user": { "file": "users.csv", "order": "once" } },
        "requests": {
            "put": { "path": "/", "body_file": "image.png" },
            "form": { "path": "/", "multipart": [{ "name": "a", "value": "1" }, { "name": "f", "file": "image.png" }] },
        },
    });
    assert_eq!(put_in(&mut plan, folder.path(), &mut LocalFiles::new()), []);
    assert_eq!(plan["target"]["tls"], json!({ "ca_pem": "-----BEGIN CERTIFICATE-----\n" }));
    assert_eq!(plan["target"]["hosts"]["b"]["tls"], plan["target"]["tls"]);
    let rows = json!([["Ann", "Bath, Avon"]]);
    assert_eq!(plan["data"]["user"], json!({ "order": "once", "columns": ["name", "town"], "rows": rows }));
    assert_eq!(plan["requests"]["put"], json!({ "path": "/", "body_base64": "iVD/" }));
    let part = json!({ "name": "f", "base64": "iVD/", "filename": "image.png" });
    assert_eq!(plan["requests"]["form"]["multipart"][1], part);
}

#[test]
fn every_file_that_cannot_be_read_is_named_with_its_key() {
    let folder = folder();
    let mut plan = json!({
        "target": { "tls": { "ca_file": "image.png" } },
        "data": { "a": { "file": "none.csv" }, "b": { "file": "users.csv", "rows": [] }, "c": { "file": "image.png" } },
        "requests": {
            "x": { "body_file": "large" },
            "y": { "body_file": "image.png", "json": {} },
            "z": { "multipart": [{ "name": "f", "value": "", "file": "image.png" }, { "name": "g", "file": "none" }] },
        },
    });
    let found = put_in(&mut plan, folder.path(), &mut LocalFiles::new());
    let paths: Vec<&str> = found.iter().map(|fault| fault.path.as_str()).collect();
    let expected = [
        "data.a.file",
        "data.b.file",
        "data.c.file",
        "requests.x.body_file",
        "requests.y.body_file",
        "requests.z.multipart[0].file",
        "requests.z.multipart[1].file",
        "target.tls.ca_file",
    ];
    assert_eq!(paths, expected);
    assert!(
        found[0].value.ends_with("none.csv") && found[0].reason.starts_with("cannot be read"),
        "{found:?}"
    );
    assert!(found[3].reason.contains("16777217 bytes long, and a file that is sent is at most"), "{found:?}");
    assert!(found[4].reason.contains("json and body_file are both given"), "{found:?}");
}

#[test]
fn a_large_file_is_named_by_its_hash_and_what_is_known_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let rows: String = (0..20_000).map(|i| format!("{i},town {}\n", i % 3)).collect();
    let (rows, body) = (format!("id,town\n{rows}"), vec![b'x'; 70_000]);
    std::fs::write(folder.path().join("users.csv"), &rows).unwrap();
    std::fs::write(folder.path().join("photo.png"), &body).unwrap();
    let mut plan = json!({
        "data": { "user": { "file": "users.csv", "order": "once" } },
        "requests": {
            "put": { "path": "/", "body_file": "photo.png", "split_by": "user.town" },
            "form": { "path": "/", "multipart": [{ "name": "f", "file": "photo.png" }] },
        },
    });
    let mut local = LocalFiles::new();
    assert_eq!(put_in(&mut plan, folder.path(), &mut local), []);
    let (of_rows, of_body) = (FileHash::of(rows.as_bytes()), FileHash::of(&body));
    assert_eq!(local[&of_rows], folder.path().join("users.csv"));
    assert_eq!(local.len(), 2);
    let set = &plan["data"]["user"];
    assert_eq!((&set["file"], &set["format"]), (&json!(of_rows.in_plan()), &json!("csv")));
    assert_eq!(
        (&set["facts"]["rows"], &set["facts"]["columns"][1]["values"]["n"]),
        (&json!(20_000), &json!(3))
    );
    assert_eq!(plan["requests"]["put"]["body_file"], json!(of_body.in_plan()));
    let part = json!({ "name": "f", "file": of_body.in_plan(), "filename": "photo.png" });
    assert_eq!(plan["requests"]["form"]["multipart"][0], part);
    let before = plan.clone();
    assert_eq!(put_in(&mut plan, folder.path(), &mut local), []);
    assert_eq!(plan, before, "what names a hash stays as it is");
}

#[test]
fn small_files_travel_until_the_plan_is_full_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let mut requests = Map::new();
    for i in 0..5 {
        std::fs::write(folder.path().join(format!("{i}")), vec![b'a' + i; 60_000]).unwrap();
        requests.insert(format!("r{i}"), json!({ "path": "/", "body_file": format!("{i}") }));
    }
    let (mut plan, mut local) = (json!({ "requests": requests }), LocalFiles::new());
    assert_eq!(put_in(&mut plan, folder.path(), &mut local), []);
    assert_eq!(local.keys().collect::<Vec<_>>(), [&FileHash::of(&[b'e'; 60_000])]);
}

#[test]
fn what_all_requests_send_may_be_a_file_whose_name_is_sent_as_it_is() {
    let folder = folder();
    let name = "a{{b}}${C}.png";
    std::fs::write(folder.path().join(name), [1, 2]).unwrap();
    let parts = json!([{ "name": "f", "file": name }, { "name": "g", "file": "image.png", "filename": "g" }]);
    let plan = json!({
        "target": { "url": "http://a.test" },
        "request": { "multipart": parts },
        "requests": { "all": { "path": "/" }, "own": { "path": "/", "multipart": parts } },
        "load": { "rate": 1, "duration": "1s" },
    });
    for template in [false, true] {
        let mut plan = plan.clone();
        plan["request"]["template"] = json!(template);
        assert_eq!(put_in(&mut plan, folder.path(), &mut LocalFiles::new()), []);
        let read = crate::plan::read_value(&plan).unwrap();
        for request in &read.program.as_ref().unwrap().requests {
            let BodyPlan::Multipart(parts) = &request.body else { panic!("{}", request.name) };
            let [first, second] = parts.as_slice() else { panic!("{}", request.name) };
            assert_eq!(first.content, PartContent::Bytes(vec![1, 2]));
            let sent: String = first.filename.iter().flat_map(|name| &name.parts).map(text_of).collect();
            assert_eq!(sent, name, "{}", request.name);
            assert_eq!(second.filename.as_ref().and_then(Template::as_literal), Some("g"));
        }
    }
    let mut plan = json!({ "request": { "multipart": [{ "name": "f", "file": "none" }] } });
    let found = put_in(&mut plan, folder.path(), &mut LocalFiles::new());
    assert_eq!(found[0].path, "request.multipart[0].file");
}

/// A part of a text that all attempts have in common.
fn text_of(part: &Part) -> &str {
    match part {
        Part::Text(text) | Part::Slot(Slot { value: SlotValue::Text(text), .. }) => text,
        Part::Slot(_) => "",
    }
}
