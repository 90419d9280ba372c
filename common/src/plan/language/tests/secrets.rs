//! What neither a masked plan nor a fault shows.

use super::*;

#[test]
fn secrets_are_masked_and_a_mask_is_not_read() {
    let value = small(json!({
        "target": { "hosts": { "b": "http://b.test" } },
        "secrets": { "admin": { "env": "ADMIN" } },
        "vars": { "token": "hunter2" },
        "requests": { "home": {
            "path": "/?api_key=hunter2&x=1",
            "headers": { "authorization": "Bearer hunter2", "x-api-key": "{{secret.admin}}", "x-auth-token": "{{vars.token}}",
                         "accept": "a" },
            "query": { "token": ["hunter2"], "page": "1" },
        }, "form": { "path": "/", "form": { "password": "hunter2", "user": "me" }, "basic": { "user": "me", "password": "hunter2" } } },
        "data": { "users": { "columns": ["name", "password"], "rows": [["me", "hunter2"]] } },
    }));
    let plan = plan(&value);
    assert!(plan.to_json().to_string().contains("hunter2"), "drivers need them");
    let masked = plan.masked_json();
    assert!(!masked.to_string().contains("hunter2"), "{masked}");
    let home = &masked["requests"]["home"];
    assert_eq!(home["headers"]["x-api-key"], "{{secret.admin}}");
    assert_eq!((&home["headers"]["accept"], &home["query"]["page"]), (&json!("a"), &json!("1")));
    assert_eq!(masked["data"]["users"]["rows"], json!([["me", "***"]]));
    let faults = read_value(&masked).unwrap_err();
    let at: Vec<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
    for path in [
        "requests.home.path",
        "requests.home.headers.authorization",
        "requests.home.headers.x-auth-token",
        "requests.home.query.token[0]",
        "requests.form.form.password",
        "requests.form.basic.password",
        "data.users.rows[0]",
    ] {
        assert!(at.contains(&path), "{path}: {faults:#?}");
    }
}

#[test]
fn an_address_with_slots_is_masked_and_its_mask_is_not_read() {
    for (key, address, masked) in [
        ("path", "/x?q=1&token={{'abc&def'}}&r={{int 1 2}}", "/x?q=1&token=***&r={{int 1 2}}"),
        ("path", "/x?sig={{'abc#def'}}{{uuid}}", "/x?sig=***"),
        ("url", "{{'http://a'}}/?pwd=hunter2", "{{'http://a'}}/?pwd=***"),
    ] {
        let plan = plan(&small(json!({ "requests": { "home": { "path": null, key: address } } })));
        let shown = plan.masked_json();
        assert_eq!(shown["requests"]["home"][key], masked);
        let faults = read_value(&shown).unwrap_err();
        assert!(faults[0].path.ends_with(key) && faults[0].reason.contains("holds the mask"), "{faults:#?}");
    }
}

#[test]
fn no_fault_shows_a_secret() {
    let value = small(json!({
        "secrets": { "a": "hunter2" },
        "requests": { "home": {
            "headers": { "authorization": "hunter2\n", "x-token": { "a": "hunter2" } },
            "query": { "api_key": "{{hunter2" },
            "basic": { "user": "a", "password": "hunter2{{" },
        } },
    }));
    let faults = read_value(&value).unwrap_err();
    assert_eq!(faults.len(), 5, "{faults:#?}");
    assert!(faults.iter().all(|fault| !fault.to_string().contains("hunter2")), "{faults:#?}");
}

#[test]
fn no_fault_shows_what_a_slot_or_a_query_may_hold_of_the_environment() {
    let slots = "{{'hunter2'}}{{nope}}";
    for more in [
        json!({ "path": format!("/a b?q={slots}") }),
        json!({ "path": format!("x?token=hunter2&q={slots}") }),
        json!({ "path": format!("/?token=hunter2{slots}") }),
        json!({ "path": "/", "url": "http://me:hunter2@host/" }),
        json!({ "path": null, "url": format!("http://me:hunter2@host/?key=hunter2{slots}") }),
        json!({ "query": { "q": slots } }),
        json!({ "query": "token=hunter2" }),
        json!({ "headers": { "x-a": slots } }),
        json!({ "headers": ["authorization: hunter2"] }),
        json!({ "basic": { "user": slots, "password": "x" } }),
        json!({ "basic": "me:hunter2" }),
        json!({ "body": slots }),
        json!({ "json": { "password": "{{'hunter2'}}", "n": ["{{nope}}"] } }),
        json!({ "body": "a", "json": { "password": "hunter2" } }),
        json!({ "json": {}, "form": { "password": "hunter2" } }),
        json!({ "form": { "a": [slots] } }),
        json!({ "multipart": [{ "name": "a", "value": slots, "filename": slots }] }),
        json!({ "let": { "a": slots } }),
        json!({ "check": { "body": slots } }),
        json!({ "check": { "json": { "$.a": { "is": [slots] } } } }),
        json!({ "body": "{{uuid 'hunter2'}}" }),
        json!({ "body": "{{'hunter2' 'hunter2'}}" }),
        json!({ "body": "{{driver 'hunter2'}}" }),
        json!({ "body": "{{int 1 'hunter2'}}" }),
        json!({ "body": "{{int 1 'hunter2+1'}}" }),
        json!({ "body": "{{driver | lower 'hunter2'}}" }),
    ] {
        let faults = read_value(&home(more.clone())).expect_err(&more.to_string());
        for fault in &faults {
            assert!(!fault.to_string().contains("hunter2"), "{more}: {fault}");
        }
    }
    let faults = read_value(&home(json!({ "path": "/{{'a'}}/{{now '%H'}}/{{nope}}" }))).unwrap_err();
    assert_eq!(faults[0].value, "\"/{{'***'}}/{{now '%H'}}/{{nope}}\"");
}
