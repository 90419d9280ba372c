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

const PAGES: &str = "
[requests.edit]
path = '/a/edit'
extract.f = { form = 0 }
[requests.list]
path = '/b/list/1'
extract.next = { json = '$.next', default = '/none' }
[requests.token]
path = '/c/token'
extract.t = { json = '$.t' }
[requests.broken]
path = '/d/broken'
extract.t = { json = '$.t' }
[requests.half]
path = '/e/half'
extract.next = { json = '$.next', default = '/none' }
extract.of_none = { json = '$.of_none' }
[requests.send]
submit = 'f'
[requests.more]
let.address = '{{next}}'
url = '{{address}}'
";

#[test]
fn each_is_resolved_against_the_answer_that_gave_it_whatever_is_extracted_between() {
    for (steps, sent) in [
        ("steps = ['edit', 'list', 'token', 'send', 'more']", &["POST /a/save", "GET /b/list/2?x=y"][..]),
        ("steps = ['list', 'edit', 'more', 'send']", &["GET /b/list/2?x=y", "POST /a/save"]),
        ("on_fail = 'continue'\nsteps = ['list', 'broken', 'more']", &["GET /b/list/2?x=y"]),
        ("on_fail = 'continue'\nsteps = ['list', 'half', 'more']", &["GET /e/other"]),
    ] {
        let server = Server::start(pages);
        run_plan(&server, &format!("{PAGES}[scenarios.s]\n{steps}\n[load]\nrate = 100\nsessions = 9\n"));
        for line in sent {
            assert_eq!(server.count(line), 9, "{steps}: {:?}", server.seen());
        }
    }
}
