//! Each form as its readers see it.

mod series;

use proptest::prelude::*;
use quick_xml::Reader;
use quick_xml::events::Event;

use super::*;
use crate::compare::Regression;
use crate::fixtures::{self, compared_figure, test_view};
use crate::model::{
    ComparedOutcome, FindingKind, FindingLevel, FindingView, TestState, ThresholdView, Verdict,
};

fn threshold(expression: &str, value: Option<f64>, ok: Option<bool>) -> ThresholdView {
    ThresholdView {
        expression: expression.to_owned(),
        value,
        lower_bound: false,
        ok,
        given: true,
        driver: None,
        without: Vec::new(),
    }
}

/// A finished test that failed for two reasons.
fn failed(name: &str, reason: &str) -> TestView {
    let mut view = test_view("0199-known", name);
    view.state = TestState::Finished;
    view.verdict = Some(Verdict::Failed);
    view.started_at = Some("2026-11-24T00:00:00.250000Z".to_owned());
    view.ended_at = Some("2026-11-24T00:00:30.750000Z".to_owned());
    view.reasons = vec![reason.to_owned(), "errors.ratio was 12 %".to_owned()];
    view.totals.sent = Some(60_000);
    view.totals.failed = Some(7_200);
    view.totals.throughput_per_s = Some(1_760.0);
    let driver = Some("a|b".to_owned());
    view.thresholds = vec![
        threshold("response.p99 < 250ms", Some(310.0), Some(false)),
        threshold("errors.ratio < 1%", Some(0.0), Some(true)),
        ThresholdView { driver, ..threshold("driver.throughput >= 900/s", None, None) },
    ];
    view
}

/// Start tags with their attributes, and texts, in order.
fn elements(xml: &str) -> Vec<String> {
    let mut reader = Reader::from_str(xml);
    let mut found = Vec::new();
    loop {
        match reader.read_event().unwrap() {
            Event::Start(start) | Event::Empty(start) => {
                let mut line = start.name().into_inner().to_owned();
                for attribute in start.attributes() {
                    let attribute = attribute.unwrap();
                    let value = quick_xml::escape::unescape(&attribute.value).unwrap();
                    line.push_str(&format!(" {}={value:?}", attribute.key.into_inner()));
                }
                found.push(line);
            }
            Event::Eof => return found,
            _ => {}
        }
    }
}

#[test]
fn junit_has_a_case_for_the_verdict_and_for_each_threshold() {
    let xml = junit(&failed("a test", "p99 <was> \"310 ms\" & more")).unwrap();
    let counts = r#"tests="4" failures="2" errors="0" skipped="1" time="30.500""#;
    let expected = [
        format!(r#"testsuites name="groundswell" {counts}"#),
        format!(r#"testsuite name="a test" timestamp="2026-11-24T00:00:00" {counts}"#),
        "properties".to_owned(),
        r#"property name="test_id" value="0199-known""#.to_owned(),
        r#"property name="verdict" value="failed""#.to_owned(),
        r#"testcase name="verdict" classname="groundswell" time="30.500""#.to_owned(),
        r#"failure message="p99 <was> \"310 ms\" & more" type="failed""#.to_owned(),
        r#"testcase name="response.p99 < 250ms" classname="groundswell" time="0.000""#.to_owned(),
        r#"failure message="measured: 310 ms" type="threshold""#.to_owned(),
        r#"testcase name="errors.ratio < 1%" classname="groundswell" time="0.000""#.to_owned(),
        r#"testcase name="driver.throughput >= 900/s (a|b)" classname="groundswell" time="0.000""#.to_owned(),
        r#"skipped message="not decided; measured: unknown""#.to_owned(),
        "system-out".to_owned(),
    ];
    assert_eq!(elements(&xml), expected);
    assert!(
        xml.contains("errors.ratio was 12 %\n") || xml.contains("errors.ratio was 12 %</failure>"),
        "{xml}"
    );
}

#[test]
fn junit_has_a_case_for_each_figure_beside_a_baseline() {
    let worse = "p99 is 12 % to 19 % higher: worse";
    let comparison = fixtures::comparison(vec![
        compared_figure("mean", ComparedOutcome::Worse, "mean is 1 % to 2 % higher: worse"),
        compared_figure("p99", ComparedOutcome::Worse, worse),
        compared_figure("p99.9", ComparedOutcome::CannotTell, "p99.9: cannot tell: run at least 4 min"),
    ]);
    let beyond = [Regression { figure: "p99".to_owned(), sentence: worse.to_owned() }];
    let mut view = test_view("0199-known", "n");
    view.verdict = Some(Verdict::Passed);
    view.thresholds.clear();
    let elements = elements(&junit_beside(&view, &comparison, &beyond).unwrap());
    let case = |name: &str| format!(r#"testcase name="{name}" classname="groundswell" time="0.000""#);
    assert!(elements[0].contains(r#"tests="4" failures="1" errors="0" skipped="1""#), "{elements:#?}");
    let from = elements.iter().position(|line| *line == case("mean beside the baseline")).unwrap();
    let expected = [
        case("mean beside the baseline"),
        case("p99 beside the baseline"),
        format!(r#"failure message="{worse}" type="regression""#),
        case("p99.9 beside the baseline"),
        r#"skipped message="p99.9: cannot tell: run at least 4 min""#.to_owned(),
        "system-out".to_owned(),
    ];
    assert_eq!(elements[from..], expected);
}

#[test]
fn a_test_over_which_the_clock_was_set_back_took_no_time() {
    let mut view = failed("n", "r");
    view.ended_at = Some("2026-11-23T23:59:59.000000Z".to_owned());
    let elements = elements(&junit(&view).unwrap());
    assert!(elements[0].ends_with("time=\"0.000\""), "{elements:#?}");
}

#[test]
fn a_verdict_that_says_nothing_of_the_target_is_an_error_and_none_is_skipped() {
    for (verdict, element) in [
        (Some(Verdict::Passed), None),
        (Some(Verdict::Invalid), Some(r#"error message="why" type="invalid""#)),
        (Some(Verdict::Incomplete), Some(r#"error message="why" type="incomplete""#)),
        (Some(Verdict::Aborted), Some(r#"error message="why" type="aborted""#)),
        (None, Some(r#"skipped message="the test has no verdict yet""#)),
    ] {
        let mut view = test_view("0199-known", "n");
        view.verdict = verdict;
        view.reasons = vec!["why".to_owned()];
        let elements = elements(&junit(&view).unwrap());
        let place = elements.iter().position(|line| line.starts_with("testcase name=\"verdict\"")).unwrap();
        let next = elements.get(place + 1).map(String::as_str).filter(|line| *line != "system-out");
        assert_eq!(next, element, "{verdict:?}");
    }
}

#[test]
fn markdown_has_verdict_reasons_figures_and_thresholds() {
    let expected = "### Groundswell: FAILED

`a test`

- p99 was 310 ms
- errors.ratio was 12 %

| | |
|---|---:|
| throughput | 1,760/s |
| sent | 60,000 |
| failed | 7,200 (12 %) |
| not sent | unknown |
| response median | none |
| response p90 | none |
| response p99 | none |
| response p99.9 | none |
| response max | none |

| threshold | measured | |
|---|---:|---|
| `response.p99 < 250ms` | 310 ms | **broke** |
| `driver.throughput >= 900/s` of `a¦b` | unknown | not decided |
| `errors.ratio < 1%` | 0 % | held |

load:, test `0199-known`
";
    assert_eq!(markdown(&failed("a test", "p99 was 310 ms")), expected);
}

/// A service that was cold: the share beside the count is that of the threshold, which leaves the warm-up out.
#[test]
fn markdown_says_what_of_its_counts_is_of_the_warm_up() {
    let mut view = failed("n", "r");
    let warmup = &mut view.totals.warmup;
    (warmup.scheduled, warmup.sent, warmup.failed) = (10_000, 10_000, 7_200);
    let text = markdown(&view);
    assert!(text.contains("| failed | 7,200 (0 % after the warm-up) |\n"), "{text}");
    assert!(
        text.contains("| of these in the warm-up | 10,000 sent, 7,200 failed |\n| response median"),
        "{text}"
    );
}

/// The figures of all rates together would say nothing: in their place stand the answer and the levels.
#[test]
fn markdown_of_a_search_has_its_answer_and_levels() {
    let level = |rate: f64, decided: &str, p99: f64, share: f64| {
        serde_json::json!({
            "rate": rate, "from_s": 10, "to_s": 20, "decided": decided, "repeat": false, "share": share,
            "share_low": 0.0, "share_high": 0.0, "share_limit": 0.01, "p50": 10.0, "p90": 10.2, "p99": p99,
            "p99.9": null, "throughput_per_s": rate, "errors_ratio": 0.0,
        })
    };
    let found = serde_json::json!({
        "slo": "response.p99 < 250ms", "within": 0.05, "horizon_s": 30, "state": "found", "doing": null,
        "capacity_per_s": 783.0, "low_per_s": 766.0, "high_per_s": 800.0, "limit": "target", "why": null,
        "repeated": true, "flat": false, "knee": null, "usl": null,
        "levels": [level(800.0, "stopped", 286.0, 0.138), level(766.0, "holds", 10.8, 0.0)],
    });
    let mut view = failed("a search", "r");
    (view.verdict, view.reasons) = (Some(Verdict::Passed), Vec::new());
    view.thresholds.clear();
    view.capacity = Some(serde_json::from_value(found).unwrap());
    view.findings = vec![FindingView {
        kind: FindingKind::CapacityFound,
        level: FindingLevel::Note,
        driver: None,
        text: "holds 766/s, does not hold 800/s".to_owned(),
    }];
    let expected = "### Groundswell: PASSED

`a search`

- holds 766/s, does not hold 800/s

| rate | completed | p50 | p99 | bad | objective |
|---:|---:|---:|---:|---:|---|
| 766/s | 766/s | 10.0 ms | 10.8 ms | 0 % | ◀ knee |
| 800/s | 800/s | 10.0 ms | 286 ms | 13.8 % | stopped |

load:, test `0199-known`
";
    assert_eq!(markdown(&view), expected);
}

#[test]
fn what_names_and_reasons_hold_is_neither_markup_nor_mention_nor_link() {
    let text = markdown(&failed(
        "`x` <b> | @all\n# no",
        "see @all, #12, http://evil.test and www.evil.test <img> [a](b) *c* $.a$",
    ));
    assert!(text.contains("\n`` `x` <b> ¦ @all # no ``\n"), "{text}");
    let sentence = "- see @\u{200B}all, #\u{200B}12, http:/\u{200B}/evil.test and www\u{200B}.evil.test &lt;img\\> \\[a\\](b) \\*c\\* \\$.a\\$\n";
    assert!(text.contains(sentence), "{text}");
}

proptest! {
    /// Whatever a name holds, the lines and cells of the tables are the same, and the XML is read as it was meant.
    #[test]
    fn no_name_changes_the_shape(name in "\\PC{0,40}|[|`<&\\]>'\"\u{1}\u{FFFE}\n @#]{0,12}") {
        let plain = markdown(&failed("n", "r"));
        let text = markdown(&failed(&name, &name));
        let cells = |text: &str| text.lines().map(|line| line.matches('|').count()).collect::<Vec<_>>();
        prop_assert_eq!(cells(&text), cells(&plain), "{}", text);
        prop_assert!(!text.contains(&"<script".to_owned()));

        let xml = junit(&failed(&name, &name)).unwrap();
        let held = |c: char| c == '\n' || !(c.is_control() || ['\u{FFFE}', '\u{FFFF}'].contains(&c));
        prop_assert!(xml.chars().all(held));
        prop_assert_eq!(elements(&xml).len(), elements(&junit(&failed("n", "r")).unwrap()).len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever a name holds, the page's data are read as they were, and nothing of them ends their element.
    #[test]
    fn data_in_the_page_are_data(name in "(\\PC|[<>&'\"/!\u{2028}*-]|</script>|<!--|/\\*DATA\\*/){0,12}") {
        let view = test_view("0199-known", &name);
        let page = html(&HtmlData { report: &view, series: &[], span: None }).unwrap();
        let (_, rest) = page.split_once(r#"<script type="application/json" id="data">"#).unwrap();
        let (data, rest) = rest.split_once("</script>").unwrap();
        let data: serde_json::Value = serde_json::from_str(data).unwrap();
        prop_assert_eq!(&data["report"]["name"], &serde_json::json!(name));
        prop_assert!(rest.trim_start().starts_with("<script type=\"module\">"));
    }
}

#[test]
fn a_file_is_named_after_its_test() {
    assert_eq!(file_name("0199-known", Form::Junit), "groundswell-0199-known.junit.xml");
    assert_eq!(file_name("a/../\"b\r\n", Form::Csv), "groundswell-a_____b__.csv");
}
