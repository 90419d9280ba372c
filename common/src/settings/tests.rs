//! Settings from all their sources, right and wrong, by a node made up for the purpose.

use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::ids::NodeId;
use crate::tree::parse;
use crate::wire::{Topic, Unit};

#[derive(Debug, PartialEq)]
struct Sample {
    node: NodeSettings,
    kafka: KafkaSettings,
    classic: ClassicSettings,
    port: u16,
    on: bool,
    share: f64,
    wait: Duration,
    names: Vec<String>,
    word: String,
}

impl Section for Sample {
    fn read(root: &mut Table) -> Self {
        let node = root.table("node", NodeSettings::read);
        let kafka = root.table("kafka", |kafka| KafkaSettings::read(kafka, BrokersAllowed::EmbeddedOrAt));
        let classic = root.table("classic", ClassicSettings::read);
        root.table("sample", |sample| Self {
            node,
            kafka,
            classic,
            port: sample.get("port", parse::integer(1..=u16::MAX)).unwrap_or(80),
            on: sample.get("on", parse::boolean).unwrap_or(false),
            share: sample.get("share", parse::ratio).unwrap_or(0.5),
            wait: sample
                .get("wait", parse::duration(Duration::ZERO..=Duration::from_secs(60)))
                .unwrap_or(Duration::from_secs(1)),
            names: sample.get_list("names", parse::word).unwrap_or_default(),
            word: sample.get("word", parse::text).unwrap_or_default(),
        })
    }
}

fn of(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

struct Case {
    folder: tempfile::TempDir,
    sources: Sources,
}

fn case(file: &str, env: &[(&str, &str)], flags: &[(&str, &str)]) -> Case {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sample.toml");
    std::fs::write(&path, file).unwrap();
    Case { sources: Sources { file: Some(path), flags: of(flags), env: of(env) }, folder }
}

/// The lines of an error, with the temporary folder left out.
fn lines(case: &Case) -> Vec<String> {
    let error = load::<Sample>(&case.sources).expect_err("the settings are wrong").to_string();
    let folder = format!("{}/", case.folder.path().display());
    error.lines().map(|line| line.replace(&folder, "")).collect()
}

#[track_caller]
fn wrong(file: &str, expected: &str) {
    let lines = lines(&case(file, &[], &[]));
    assert!(lines.len() == 1 && lines[0].contains(expected), "{file}: {lines:#?}");
}

#[test]
fn nothing_set_is_every_default() {
    let case = case("", &[], &[]);
    let loaded: Sample = load(&case.sources).unwrap();
    assert_eq!(loaded, defaults::<Sample>());
    assert_eq!(loaded.kafka, KafkaSettings::default());
    assert_eq!(loaded.classic, ClassicSettings::default());
    assert_eq!((loaded.classic.delay_unit, loaded.classic.latency_unit), (Unit::Seconds, Unit::Milliseconds));
    assert_eq!(load::<Sample>(&Sources::default()).unwrap(), loaded);
}

#[test]
fn a_flag_wins_over_the_environment_over_the_file_over_the_default() {
    let file = "[sample]\nport = 1\nshare = 0.1\nwait = \"1ms\"\n";
    let env = [("GROUNDSWELL__SAMPLE__PORT", "2"), ("GROUNDSWELL__SAMPLE__SHARE", "20%")];
    let loaded: Sample = load(&case(file, &env, &[("sample.port", "3")]).sources).unwrap();
    assert_eq!(
        (loaded.port, loaded.share, loaded.wait, loaded.on),
        (3, 0.2, Duration::from_millis(1), false)
    );
}

#[test]
fn text_of_the_environment_takes_the_type_of_its_field() {
    let env = [
        ("GROUNDSWELL__SAMPLE__WORD", "0123"),
        ("GROUNDSWELL__SAMPLE__ON", "true"),
        ("GROUNDSWELL__SAMPLE__NAMES", "a, b,,c"),
        ("GROUNDSWELL__SAMPLE__WAIT", "1.5s"),
        ("GROUNDSWELL__NODE__ID", "007"),
        ("GROUNDSWELL__KAFKA__BROKERS", "a:1,[::1]:2"),
        ("GROUNDSWELL__KAFKA__SECURITY__PROTOCOL", "sasl_ssl"),
        ("GROUNDSWELL__KAFKA__SECURITY__SASL_MECHANISM", "PLAIN"),
        ("GROUNDSWELL__KAFKA__SECURITY__SASL_USERNAME", "1e3"),
        ("GROUNDSWELL__KAFKA__SECURITY__SASL_PASSWORD", "0123"),
    ];
    let loaded: Sample = load(&case("", &env, &[]).sources).unwrap();
    assert_eq!((loaded.word.as_str(), loaded.on), ("0123", true));
    assert_eq!(loaded.names, ["a", "b", "c"]);
    assert_eq!(loaded.wait, Duration::from_millis(1_500));
    assert_eq!(loaded.node.id.as_ref().unwrap().as_str(), "007");
    assert_eq!(loaded.kafka.brokers, Brokers::At(vec!["a:1".to_owned(), "[::1]:2".to_owned()]));
    assert_eq!(loaded.kafka.security.sasl_username.as_deref(), Some("1e3"));
    assert_eq!(loaded.kafka.security.sasl_password, Some(Secret::new("0123")));
    assert!(!format!("{loaded:?}").contains("\"0123\"), Secret"), "no password is printed");
    assert!(format!("{:?}", loaded.kafka).contains("sasl_password: Some(***)"));
}

#[test]
fn text_of_a_file_does_not() {
    wrong(
        "[sample]\nport = \"80\"\n",
        "sample.toml: sample.port = \"80\": expected a whole number, found a text",
    );
    wrong("[sample]\non = \"true\"\n", "expected true or false, found a text");
    wrong("[sample]\nword = 5\n", "sample.word = 5: expected a text, found a whole number");
}

#[test]
fn seven_faults_are_seven_lines_with_file_key_value_and_reason() {
    let file = "
        colour = 5
        [sample]
        port = 0
        waits = \"1s\"
        share = 1.5
        [kafka]
        brokers = [\"a:1\", \"b\"]
        [classic]
        delay_unit = \"min\"
        known_for = 5
    ";
    let lines = lines(&case(file, &[], &[]));
    let expected = [
        "sample.toml: kafka.brokers[1] = \"b\": expected HOST:PORT, as in \"127.0.0.1:9092\"",
        "sample.toml: classic.delay_unit = \"min\": must be \"s\" or \"ms\"",
        "sample.toml: classic.known_for = 5: expected a text with a unit, as in \"5s\" or \"5ms\"",
        "sample.toml: sample.port = 0: must be from 1 to 65535",
        "sample.toml: sample.share = 1.5: must be from 0% to 100%",
        "sample.toml: sample.waits = \"1s\": unknown key; did you mean wait?",
        "sample.toml: colour = 5: unknown key",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn a_fault_names_the_variable_or_the_command_line() {
    let env = [
        ("GROUNDSWELL__SAMPLE__PORT", "eighty"),
        ("GROUNDSWELL__SAMPEL__PORT", "1"),
        ("GROUNDSWELL__BEHAVIOUR__DELAY", "1s"),
        ("GROUNDSWELL__SAMPLE__A.B", "1"),
    ];
    let lines = lines(&case("", &env, &[("sample.wait", "soon"), ("sample.share", "")]));
    let expected = [
        "environment GROUNDSWELL__SAMPLE__A.B: names no key; a variable is GROUNDSWELL__SECTION__KEY",
        "environment GROUNDSWELL__SAMPLE__PORT: sample.port = eighty: expected a whole number",
        "command line: sample.share = \"\": expected a share, as in \"0.1%\" or \"0.001\"",
        "command line: sample.wait = soon: expected a time with a unit (ns, us, ms, s, m, h, d), as in \"250ms\"",
    ];
    assert_eq!(lines[..4], expected);
    assert_eq!(lines.len(), 6, "{lines:#?}");
    assert!(
        lines[4].starts_with("environment GROUNDSWELL__BEHAVIOUR__DELAY: ") && lines[4].contains("unknown")
    );
    assert!(lines[5].starts_with("environment GROUNDSWELL__SAMPEL__PORT: ") && lines[5].contains("unknown"));
}

#[test]
fn a_file_that_is_none_is_one_fault() {
    wrong("[sample\n", "sample.toml: line 1, column 8: ");
    wrong("\"a[99999999999]\" = 1\n", "unknown key");
    wrong("sample = 5\n", "sample.toml: sample = 5: expected a table of keys, found a whole number");
    let gone = load::<Sample>(&Sources::of_file(std::path::Path::new("/no/such.toml"))).unwrap_err();
    assert!(gone.to_string().starts_with("/no/such.toml: cannot be read: "), "{gone}");
}

#[test]
fn security_of_kafka_is_whole_or_refused() {
    let at = "[kafka]\nbrokers = \"a:1\"\n[kafka.security]\n";
    let contradictions = |text: &str| {
        let lines = lines(&case(&format!("{at}{text}"), &[], &[]));
        lines.iter().map(|line| line.split(": ").nth(1).unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(
        contradictions("protocol = \"sasl_ssl\"\nca_file = \"ca.pem\""),
        [
            "kafka.security.sasl_mechanism",
            "kafka.security.sasl_username",
            "kafka.security.sasl_password_file"
        ]
    );
    assert_eq!(contradictions("ca_file = \"ca.pem\""), ["kafka.security.ca_file = \"ca.pem\""]);
    assert_eq!(contradictions("protocol = \"ssl\"\nkey_file = \"k\""), ["kafka.security.certificate_file"]);
    assert_eq!(contradictions("sasl_username = \"me\""), ["kafka.security.sasl_username"]);
    wrong("[kafka.security]\nprotocol = \"ssl\"\n", "the embedded broker speaks plaintext alone");
    wrong("[kafka]\nbrokers = \"ask\"\n", "no other orchestrator to ask");
    wrong("[kafka]\nbrokers = []\n", "is empty");
    wrong("[kafka]\nbrokers = \",\"\n", "is empty");
    wrong("[kafka]\ntopic_prefix = \"a/b\"\n", "takes in no topic's name");
}

#[test]
fn topics_that_are_called_otherwise_are_five_different_names_that_kafka_takes() {
    let names = |text: &str, env: &[(&str, &str)]| {
        let loaded: Sample = load(&case(text, env, &[("kafka.topics.heartbeat", "beats")]).sources).unwrap();
        Topic::ALL.map(|topic| loaded.kafka.topic_name(topic))
    };
    let env = [("GROUNDSWELL__KAFKA__TOPICS__REGISTER", "007"), ("GROUNDSWELL__KAFKA__TOPICS__METRICS", "")];
    let file =
        "[kafka]\ntopic_prefix = \"t.\"\n[kafka.topics]\nregister = \"r\"\nmetrics = \"m\"\ntrigger = \"\"\n";
    assert_eq!(names(file, &env), ["007", "t.test_config", "t.trigger", "t.metrics", "beats"]);

    let topics = |lines: &str| format!("[kafka]\ntopic_prefix = \"t-\"\n[kafka.topics]\n{lines}");
    for (lines, expected) in [
        (
            "register = \"a/b\"",
            "kafka.topics.register = \"a/b\": holds a character that Kafka takes in no topic's name",
        ),
        ("register = \"a b\"", "holds a character"),
        ("metrics = \"..\"", "kafka.topics.metrics = \"..\": is a name that Kafka does not take"),
        ("metrics = 5", "kafka.topics.metrics = 5: expected a text"),
        ("metric = \"m\"", "kafka.topics.metric = \"m\": unknown key; did you mean metrics?"),
        ("trigger = \"x\"\nregister = \"x\"", "kafka.topics.trigger = \"x\": register has this name, too"),
        ("trigger = \"t-metrics\"", "kafka.topics.trigger = \"t-metrics\": metrics has this name, too"),
        ("trigger = \"t-register\"", "kafka.topics.trigger = \"t-register\": register has this name, too"),
        (
            "trigger = \"x.y\"\nregister = \"x_y\"",
            "kafka.topics.trigger = \"x.y\": register has this name, too",
        ),
    ] {
        wrong(&topics(lines), expected);
    }
    wrong(&topics(&format!("trigger = \"{}\"", "x".repeat(250))), "is longer than 249 bytes");
    load::<Sample>(&case(&topics(&format!("trigger = \"{}\"", "x".repeat(249))), &[], &[]).sources).unwrap();
}

#[test]
fn a_password_in_a_file_or_a_flag_is_refused_and_not_shown() {
    let file = "[kafka.security]\nsasl_password = \"hunter2\"\nsasl_pasword = \"hunter2\"\n";
    let found = lines(&case(file, &[], &[]));
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found[0].contains("kafka.security.sasl_password = ***: a password stands in a file of its own"));
    assert!(
        found[1].ends_with("kafka.security.sasl_pasword = ***: unknown key; did you mean sasl_password?"),
        "{found:#?}"
    );
    let found = lines(&case("", &[], &[("kafka.security.sasl_password", "hunter2")]));
    assert!(found.len() == 1 && !found[0].contains("hunter2"), "{found:#?}");
}

#[test]
fn a_variable_belongs_to_the_nodes_that_have_its_key() {
    assert!(belongs::<Sample>("GROUNDSWELL__SAMPLE__PORT"));
    assert!(belongs::<Sample>("GROUNDSWELL__KAFKA__SECURITY__SASL_PASSWORD"));
    assert!(belongs::<Sample>("GROUNDSWELL__KAFKA__TOPICS__TEST_CONFIG"));
    assert!(!belongs::<Sample>("GROUNDSWELL__BEHAVIOUR__DELAY"));
    assert!(!belongs::<Sample>("PATH"));
}

#[test]
fn keys_that_a_file_leaves_out_are_listed() {
    let case = case("[sample]\nport = 1\non = true\nshare = 0\nwait = \"0\"\nword = \"\"\n", &[], &[]);
    let left_out = keys_left_out::<Sample>(case.sources.file.as_deref().unwrap()).unwrap();
    assert!(left_out.contains(&"sample.names".to_owned()) && left_out.contains(&"kafka.brokers".to_owned()));
    assert!(
        !left_out.iter().any(|key| key == "sample.port" || key == "sample" || key.ends_with("sasl_password"))
    );
    assert!(keys_left_out::<Sample>(std::path::Path::new("/no/such.toml")).is_err());
}

#[test]
fn addresses_are_checked() {
    use crate::tree::{Kind, Node};
    let node = |text: &str| Node::new(Kind::Text(text.to_owned()));
    let listen = |text: &str| fields::listen(&node(text)).map(|address| address.to_string());
    assert_eq!(listen("localhost:0").as_deref(), Ok("127.0.0.1:0"));
    assert_eq!(listen("[::1]:80").as_deref(), Ok("[::1]:80"));
    assert_eq!(listen("127.0.0.1"), Err("has no port; \"127.0.0.1:8080\"?".to_owned()));
    assert!(listen("example.com:80").is_err() && listen(":80").is_err() && listen("").is_err());
    let url = |text: &str| fields::parse_orchestrator_url(text).map(|url| url.to_string());
    assert_eq!(url("box:8080").as_deref(), Ok("http://box:8080/"));
    assert_eq!(url("https://box/x").as_deref(), Ok("https://box/x"));
    assert!(url("ftp://box").is_err() && url("").is_err() && url("http://box/?a").is_err());
    for (text, ok) in
        [("a:1", true), ("[::1]:9092", true), ("a", false), (":1", false), ("a:0", false), ("a b:1", false)]
    {
        assert_eq!(fields::host_port(&node(text)).is_ok(), ok, "{text}");
    }
    for (ip, loopback) in
        [("127.9.9.9", true), ("::1", true), ("::ffff:127.0.0.1", true), ("0.0.0.0", false), ("::", false)]
    {
        assert_eq!(fields::is_loopback(ip.parse().unwrap()), loopback, "{ip}");
    }
}

#[test]
fn nodes_of_other_people_have_latency_units_of_their_own() {
    let file = "[classic]\nlatency_unit = \"s\"\n[classic.nodes.\"Go.driver-*\"]\nlatency_unit = \"ms\"\n\
                [classic.nodes.java-7]\nlatency_unit = \"ms\"\n[classic.nodes.none]\n";
    let loaded: Sample = load(&case(file, &[], &[]).sources).unwrap();
    let read_as = loaded.classic.read_as();
    for (id, unit) in [
        ("Go.driver-1", Unit::Milliseconds),
        ("java-7", Unit::Milliseconds),
        ("java-70", Unit::Seconds),
        ("none", Unit::Seconds),
    ] {
        assert_eq!(read_as.latency_unit(&NodeId::new(id).unwrap()), unit, "{id}");
    }
    wrong(
        "[classic.nodes.\"go-*\"]\nlatency_unit = \"us\"\n",
        "sample.toml: classic.nodes.go-*.latency_unit = \"us\": must be \"s\" or \"ms\"",
    );
    wrong(
        "[classic.nodes.a]\nlatency_units = \"s\"\n",
        "classic.nodes.a.latency_units = \"s\": unknown key; did you mean latency_unit?",
    );
    wrong("[classic]\nnodes = \"a\"\n", "classic.nodes = \"a\": expected a table of keys, found a text");
    wrong("[classic.nodes]\na = \"s\"\n", "classic.nodes.a = \"s\": expected a table of keys, found a text");
    wrong("[classic.nodes.\" \"]\nlatency_unit = \"s\"\n", "is empty, so that no node can have this id");
}
