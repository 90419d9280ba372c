//! What holds for every plan of the language, made up by proptest.

use proptest::prelude::*;

use super::*;

/// A text with and without slots.
fn text() -> impl Strategy<Value = String> {
    let slot = prop_oneof![
        Just("{{uuid}}".to_owned()),
        Just("{{d.id}}".to_owned()),
        Just("{{v}}".to_owned()),
        Just("{{'}}''{{' | upper}}".to_owned()),
        Just("{{vars.x | pad 3}}".to_owned()),
        Just("{{now '%Y' -1d | base64}}".to_owned()),
        (0..100_u32).prop_map(|n| format!("{{{{int {n} 100 | number}}}}")),
        "[a-z0-9 }ü\"]{0,6}",
    ];
    prop::collection::vec(slot, 0..5).prop_map(|parts| parts.concat())
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        text().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        (-1e6..1e6_f64).prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec(("[a-z]{1,4}", inner), 0..4)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

fn body() -> impl Strategy<Value = Value> {
    let fields = || {
        prop::collection::vec(("[a-z]{1,5}", text()), 0..4).prop_map(|entries| {
            Value::Object(entries.into_iter().map(|(key, text)| (key, json!(text))).collect())
        })
    };
    prop_oneof![
        Just(json!({})),
        text().prop_map(|text| json!({ "body": text })),
        json_value().prop_map(|value| json!({ "json": value })),
        fields().prop_map(|fields| json!({ "form": fields })),
        (text(), text()).prop_map(|(a, b)| json!({ "multipart": [
            { "name": "a", "value": a }, { "name": "b", "base64": "AAEC", "filename": b.replace('\n', "") }] })),
    ]
}

fn request() -> impl Strategy<Value = Value> {
    (body(), "[a-z/]{0,8}", text(), text(), 1..5_u32, any::<bool>()).prop_map(
        |(mut request, path, header, query, share, more)| {
            lay(
                &mut request,
                json!({
                    "path": format!("/{path}{{{{v}}}}"), "headers": { "x-h": header }, "query": { "q": query },
                    "share": share, "let": { "v": "{{alnum 4}}" },
                }),
            );
            if more {
                lay(&mut request, json!({
                    "timeout": "3s", "expect_status": ["200-204", 404],
                    "extract": { "e": { "json": "$.a[0]['b c']", "default": "" } },
                    "check": { "json": { "$.n": 2.5, "$.t": "{{v}}" }, "size": "< 9" },
                }));
            }
            request
        },
    )
}

fn any_program() -> impl Strategy<Value = Value> {
    let requests = prop::collection::vec(("[a-z]{1,6}_", request()), 1..5);
    (requests, any::<Option<u64>>(), 1..1_000_u32).prop_map(|(requests, seed, rate)| {
        let mut plan = json!({
            "vars": { "x": "a'}}b", "rate": rate },
            "target": { "url": "http://shop.test/base/", "hosts": { "z": "https://z.test", "a": "http://a.test" } },
            "data": { "d": { "columns": ["id"], "rows": [["1"], ["{{vars.x}}"]], "order": "shuffle" } },
            "request": { "headers": { "accept": "{{literal}}" } },
            "requests": requests.into_iter().collect::<serde_json::Map<_, _>>(),
            "load": { "rate": "{{vars.rate}}", "duration": "10m" },
            "thresholds": { "response.p99": "< 1s" },
        });
        if let Some(seed) = seed {
            plan["seed"] = json!(seed);
        }
        plan
    })
}

/// JSON of any shape with the keys of the language.
fn any_tree() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,10}|1s|\\{\\{(vars.a|env.A|x|int 1 a) ?(\\| raw)?\\}\\}|\\$\\.a|/|a".prop_map(Value::from),
    ];
    let key = "a|b|vars|path|url|headers|json|form|submit|multipart|extract|check|let|body|steps|when|choose|columns|rows|\
               weight|file|env|tls|hosts|template|request|regex|header|\\$\\.a|basic|query|flows|scenarios|data|load";
    leaf.prop_recursive(6, 60, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((key, inner), 0..7)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn a_written_program_is_read_as_the_same(value in any_program()) {
        let plan = read_value(&value).map_err(|faults| TestCaseError::fail(format!("{value}: {faults:#?}")))?;
        prop_assert_eq!(&read_value(&plan.to_json()).unwrap(), &plan);
        let text = plan.to_json().to_string();
        prop_assert_eq!(&read(&text, PlanFormat::Json).unwrap(), &plan);
    }

    #[test]
    fn no_tree_makes_the_reader_panic(a in any_tree(), b in any_tree(), c in any_tree()) {
        for value in [
            home(a.clone()),
            json!({ "requests": a.clone(), "scenarios": b.clone(), "data": c.clone() }),
            small(json!({ "requests": { "home": { "extract": a.clone(), "check": b.clone() } }, "data": { "d": c.clone() } })),
            small(json!({ "target": a, "secrets": b.clone(), "vars": c, "request": b })),
        ] {
            if let Err(faults) = read_value(&value) {
                prop_assert!(!faults.is_empty(), "refused without a fault");
                for fault in faults {
                    prop_assert!(!fault.reason.is_empty() && !fault.to_string().contains('\n'), "{:?}", fault);
                }
            }
            let mut masked = value;
            crate::plan::mask_json(&mut masked);
        }
    }
}
