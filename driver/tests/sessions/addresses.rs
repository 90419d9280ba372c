//! Addresses and forms that answers give: each is resolved against the address that gave it.

use crate::support::{Reply, Seen, Server, ok, run_plan};

/// Pages with a form and with addresses, each relative to its own.
fn pages(seen: &Seen) -> Reply {
    match seen.line.as_str() {
        "GET /a/edit" => ok("<form method=post action='save'><input name=t value=7></form>"),
        "GET /b/list/1" => ok("{\"next\":\"2?x=y\"}"),
        "GET /c/token" => ok("{\"t\":\"1\"}"),
        "GET /d/broken" => Reply { status: 500, ..ok("{\"t\":\"1\"}") },
        "GET /e/half" => ok("{\"next\":\"other\"}"),
        _ => ok(""),
    }
}

/// The requests of these steps; `more` goes to what `next` holds by way of a `let`.
fn requests(steps: &[&str]) -> String {
    let next = "extract.next = { json = '$.next', default = '/none' }";
    let one = |step: &&str| {
        let keys = match *step {
            "edit" => "path = '/a/edit'\nextract.f = { form = 0 }",
            "list" => &format!("path = '/b/list/1'\n{next}"),
            "token" => "path = '/c/token'\nextract.t = { json = '$.t' }",
            "broken" => "path = '/d/broken'\nextract.t = { json = '$.t' }",
            "half" => &format!("path = '/e/half'\n{next}\nextract.second = {{ json = '$.second' }}"),
            "send" => "submit = 'f'",
            _ => "let.address = '{{next}}'\nurl = '{{address}}'",
        };
        format!("[requests.{step}]\n{keys}\n")
    };
    steps.iter().map(one).collect()
}

#[test]
fn each_is_resolved_against_the_answer_that_gave_it_whatever_is_extracted_between() {
    for (on_fail, steps, sent) in [
        ("end", &["edit", "list", "token", "send", "more"][..], &["POST /a/save", "GET /b/list/2?x=y"][..]),
        ("end", &["list", "edit", "more", "send"], &["GET /b/list/2?x=y", "POST /a/save"]),
        ("continue", &["list", "broken", "more"], &["GET /b/list/2?x=y"]),
        ("continue", &["list", "half", "more"], &["GET /e/other"]),
    ] {
        let server = Server::start(pages);
        let requests = requests(steps);
        let plan = format!(
            "{requests}[scenarios.s]\non_fail = '{on_fail}'\nsteps = {steps:?}\n[load]\nrate = 100\nsessions = 9\n"
        );
        run_plan(&server, &plan);
        for line in sent {
            assert_eq!(server.count(line), 9, "{steps:?}: {:?}", server.seen());
        }
    }
}
