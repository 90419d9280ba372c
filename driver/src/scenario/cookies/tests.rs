//! What RFC 6265 says of clients.

use proptest::prelude::*;

use super::*;

const NOW: i64 = 1_700_000_000;

struct Session(CookieJar);

impl Session {
    fn new() -> Self {
        Self(CookieJar::new(4_096))
    }

    fn take(&mut self, set_cookie: &str) -> &mut Self {
        self.take_from(set_cookie, "shop.example.test", "/a/b")
    }

    fn take_from(&mut self, set_cookie: &str, host: &str, path: &str) -> &mut Self {
        self.0.take(set_cookie.as_bytes(), host, path, NOW).unwrap();
        self
    }

    #[track_caller]
    fn check(&mut self, host: &str, path: &str, expected: &str) -> &mut Self {
        assert_eq!(header(&self.0, host, path, false, NOW), expected, "{host}{path}");
        self
    }
}

fn header(jar: &CookieJar, host: &str, path: &str, secure: bool, unix_s: i64) -> String {
    let mut out = Vec::new();
    jar.header(host, path, secure, unix_s, &mut out);
    String::from_utf8(out).unwrap()
}

const HOST: &str = "shop.example.test";

#[test]
fn a_cookie_without_a_domain_goes_to_its_host_alone() {
    Session::new()
        .take("SID=31d4; HttpOnly; SameSite=Lax; Path=/")
        .check(HOST, "/", "SID=31d4")
        .check("SHOP.example.test", "/x?y", "SID=31d4")
        .check("www.shop.example.test", "/", "")
        .check("example.test", "/", "");
}

#[test]
fn a_cookie_of_a_domain_goes_to_its_hosts() {
    Session::new()
        .take("a=1; Domain=example.test; Path=/")
        .take("b=2; domain=.Shop.Example.test; path=/")
        .check(HOST, "/", "a=1; b=2")
        .check("www.example.test", "/", "a=1")
        .check("example.test", "/", "a=1")
        .check("notexample.test", "/", "")
        .check("x.shop.example.test", "/", "a=1; b=2");
}

#[test]
fn a_domain_that_is_not_the_hosts_or_everybodys_is_ignored() {
    Session::new()
        .take("a=1; Domain=other.test")
        .take("b=1; Domain=www.shop.example.test")
        .take("c=1; Domain=test")
        .take("d=1; Domain=ample.test")
        .take_from("e=1; Domain=0.0.1", "127.0.0.1", "/")
        .check(HOST, "/a", "")
        .check("127.0.0.1", "/", "")
        .take_from("f=1; Domain=127.0.0.1", "127.0.0.1", "/")
        .take_from("g=1; Domain=localhost", "localhost", "/")
        .take("h=1; Domain=; Path=/")
        .check("127.0.0.1", "/", "f=1")
        .check("localhost", "/", "g=1")
        .check(HOST, "/", "h=1");
}

#[test]
fn paths_match_whole_parts_and_the_longest_is_first() {
    Session::new()
        .take("root=1; Path=/")
        .take("own=2")
        .take("ab=3; Path=/a/b")
        .take("slash=4; Path=/a/")
        .take("odd=5; Path=nowhere")
        .check(HOST, "/", "root=1")
        .check(HOST, "/a", "own=2; odd=5; root=1")
        .check(HOST, "/a/b", "ab=3; slash=4; own=2; odd=5; root=1")
        .check(HOST, "/a/b/c?d=/x", "ab=3; slash=4; own=2; odd=5; root=1")
        .check(HOST, "/a/bc", "slash=4; own=2; odd=5; root=1")
        .check(HOST, "/ab", "root=1")
        .check(HOST, "", "root=1");
    Session::new().take_from("a=1", HOST, "/x?y=/z/").check(HOST, "/", "a=1");
}

#[test]
fn a_secure_cookie_goes_over_tls_only() {
    let mut session = Session::new();
    session.take("a=1; Path=/; Secure").take("b=2; Path=/").check(HOST, "/", "b=2");
    assert_eq!(header(&session.0, HOST, "/", true, NOW), "a=1; b=2");
}

#[test]
fn a_cookie_that_is_set_again_keeps_its_place() {
    Session::new()
        .take("a=1; Path=/")
        .take("b=2; Path=/")
        .take("a=a longer value; Path=/")
        .check(HOST, "/", "a=a longer value; b=2")
        .take("a=; Path=/")
        .check(HOST, "/", "a=; b=2")
        .take("a=other path; Path=/a")
        .check(HOST, "/a", "a=other path; a=; b=2");
}

#[test]
fn cookies_expire_by_their_age_before_their_date() {
    let mut session = Session::new();
    session
        .take("age=1; Path=/; Max-Age=10; Expires=Thu, 01 Jan 1970 00:00:00 GMT")
        .take("date=2; Path=/; Expires=Tue, 14-Nov-2023 22:13:40 GMT")
        .take("odd=3; Path=/; Max-Age=1h; Expires=soon")
        .take("long=4; Path=/; Max-Age=99999999999999999999")
        .check(HOST, "/", "age=1; date=2; odd=3; long=4");
    assert_eq!(header(&session.0, HOST, "/", false, NOW + 9), "age=1; date=2; odd=3; long=4");
    assert_eq!(header(&session.0, HOST, "/", false, NOW + 10), "date=2; odd=3; long=4");
    assert_eq!(header(&session.0, HOST, "/", false, NOW + 20), "odd=3; long=4");
    session
        .take("odd=; Path=/; Max-Age=0")
        .take("long=x; Path=/; Max-Age=-5")
        .take("date=; Path=/; Expires=Thu, 01-Jan-1970 00:00:00 GMT")
        .check(HOST, "/", "age=1")
        .take("age=; Path=/other; Max-Age=0")
        .check(HOST, "/", "age=1");
}

#[test]
fn what_is_no_cookie_is_ignored() {
    let mut session = Session::new();
    for text in ["", ";", "a", "=b", " =b; Path=/", "a\u{1}=b; Path=/", "a=b\u{7f}; Path=/", "a; b=c"] {
        session.take(text);
    }
    session.check(HOST, "/a/b", "");
    session.take(" a = b c ;Path=/").take("q=\"x=y\"; Path=/; Path=/a").check(HOST, "/a", "q=\"x=y\"; a=b c");
    assert_eq!(name_and_value(b" a = b ; c"), Some((&b"a"[..], &b"b"[..])));
}

#[test]
fn a_jar_holds_so_many_bytes() {
    let mut jar = CookieJar::new(100);
    let mut take = |text: &str, unix_s| jar.take(text.as_bytes(), "h", "/", unix_s);
    assert_eq!(take("a=0123456789; Max-Age=5", NOW), Ok(()));
    assert_eq!(take("b=0123456789", NOW), Ok(()));
    assert_eq!(take("c=0123456789", NOW), Ok(()));
    assert_eq!(take("d=0123456789", NOW), Err(TooLarge));
    assert_eq!(take("d=0123456789", NOW + 5), Ok(()), "a has expired");
    assert_eq!(take(&format!("e={}", "x".repeat(70_000)), NOW), Err(TooLarge));
    assert_eq!(header(&jar, "h", "/", false, NOW), "b=0123456789; c=0123456789; d=0123456789");
    let mut large = CookieJar::new(100_000);
    assert_eq!(large.take(format!("e={}", "x".repeat(70_000)).as_bytes(), "h", "/", NOW), Err(TooLarge));
    assert!(large.is_empty());
}

proptest! {
    #[test]
    fn a_jar_says_what_was_set_last(
        sets in prop::collection::vec(("[abc]", "[a-z]{0,9}", prop::sample::select(vec!["/", "/x", "/x/y"]), any::<bool>()), 0..40),
    ) {
        let mut session = Session::new();
        let mut expected: Vec<(String, &str, String)> = Vec::new();
        for (name, value, path, deletes) in sets {
            let age = if deletes { "; Max-Age=0" } else { "" };
            session.take(&format!("{name}={value}; Path={path}{age}"));
            let at = expected.iter().position(|(n, p, _)| *n == name && *p == path);
            match (at, deletes) {
                (Some(at), true) => drop(expected.remove(at)),
                (Some(at), false) => expected[at].2 = value,
                (None, true) => {}
                (None, false) => expected.push((name, path, value)),
            }
        }
        expected.sort_by_key(|(_, path, _)| std::cmp::Reverse(path.len()));
        let pairs: Vec<_> = expected.iter().map(|(name, _, value)| format!("{name}={value}")).collect();
        session.check(HOST, "/x/y/z", &pairs.join("; "));
    }

    #[test]
    fn no_bytes_make_the_jar_panic(
        fields in prop::collection::vec(
            prop_oneof![
                prop::collection::vec(any::<u8>(), 0..80),
                "[a-c]=[a-z]{0,30}(; ?(path|domain|expires|max-age|secure)=?[a-z0-9./:, -]{0,9}){0,3}".prop_map(String::into_bytes),
            ],
            0..20,
        ),
        host in "[a-z.]{0,12}",
        path in "[/a?]{0,9}",
        bytes in 0..400_usize,
    ) {
        let mut jar = CookieJar::new(bytes);
        for field in fields {
            let _ = jar.take(&field, &host, &path, NOW);
            jar.header(&host, &path, true, NOW, &mut Vec::new());
        }
    }
}
