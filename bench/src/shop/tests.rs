//! The shop's checks: one session that is right, and each way to be wrong.

use super::*;

/// A client that sends what a session has to send, unless a test changes it.
struct Client {
    shop: Shop,
    talk: Talk,
    sid: String,
    id: String,
    token: String,
}

impl Client {
    fn new() -> Self {
        let (sid, id, token) = (String::new(), String::new(), String::new());
        Self { shop: Shop::new(100), talk: Talk::default(), sid, id, token }
    }

    fn send(&mut self, text: &str, at_ns: u64) -> String {
        self.talk.take(text.as_bytes(), &mut self.shop, at_ns).unwrap();
        let mut answer = Vec::new();
        assert!(self.talk.write(&mut answer, &mut self.shop, || at_ns + 100).unwrap());
        String::from_utf8(answer).unwrap()
    }

    fn log_in(&mut self) {
        let body = "user=guest1&password=secret";
        let answer = self
            .send(&format!("POST /login HTTP/1.1\r\ncontent-length: {}\r\n\r\n{body}", body.len()), 1_000);
        let (_, rest) = answer.split_once("set-cookie: sid=").unwrap();
        self.sid = rest[..16].to_owned();
    }

    fn get(&mut self, path: &str, at_ns: u64) -> serde_json::Value {
        let (sid, token) = (&self.sid, &self.token);
        let text = format!("GET {path} HTTP/1.1\r\ncookie: sid={sid}\r\nx-token: {token}\r\n\r\n");
        let answer = self.send(&text, at_ns);
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        serde_json::from_str(body).unwrap_or_default()
    }

    fn puts_in_cart(&mut self) {
        let body = format!(r#"{{"id": "{}", "quantity": 1}}"#, self.id);
        let (sid, token, length) = (&self.sid, &self.token, body.len());
        let head = format!(
            "POST /cart HTTP/1.1\r\ncookie: sid={sid}\r\nx-token: {token}\r\ncontent-length: {length}"
        );
        self.send(&format!("{head}\r\n\r\n{body}"), 4_000);
    }

    /// All five, each with what the answers before it gave; `change` is called before each.
    fn session(&mut self, mut change: impl FnMut(&mut Self, u8)) {
        change(self, 0);
        self.log_in();
        change(self, 1);
        self.id = self.get("/list?q=7", 2_000)["items"][3]["id"].as_str().unwrap_or_default().to_owned();
        change(self, 2);
        let path = format!("/item/{}", self.id);
        self.token = self.get(&path, 3_000)["token"].as_str().unwrap_or_default().to_owned();
        change(self, 3);
        self.puts_in_cart();
        change(self, 4);
        self.get("/done", 5_000);
    }
}

#[test]
fn a_session_that_carries_what_it_was_given_is_done() {
    let mut client = Client::new();
    client.session(|_, _| {});
    // The second sends the cookie of the first with its log-in: nothing is wrong with that.
    client.session(|_, _| {});
    let seen = client.shop.seen();
    assert_eq!((seen.started, seen.done, seen.wrong, seen.first_wrong), (2, 2, 0, None));
    let gaps = seen.gaps.unwrap();
    assert_eq!((gaps.p50_us, gaps.max_us), (0.9, 0.9), "1,000 ns between arrivals, less 100 to answer");
}

#[track_caller]
fn check(expected: &str, change: impl FnMut(&mut Client, u8)) {
    let mut client = Client::new();
    client.session(|_, _| {});
    client.session(change);
    let seen = client.shop.seen();
    assert_eq!((seen.done, seen.wrong > 0), (1, true), "{expected}");
    let first = seen.first_wrong.unwrap();
    assert!(first.contains(expected), "{expected}: {first}");
}

#[test]
fn a_value_of_another_session_is_wrong() {
    let other = Values::of(0);
    let text = |value: [u8; 16]| String::from_utf8(value.to_vec()).unwrap();
    check("/list?q=7: not the step", |client, step| {
        if step == 1 {
            client.sid = text(other.sid);
        }
    });
    check("not the id", |client, step| {
        if step == 2 {
            client.id = text(other.id);
        }
    });
    check("x-token is not", |client, step| {
        if step == 3 {
            client.token = text(other.token);
        }
    });
    check("the body has not the id", |client, step| {
        if step == 3 {
            client.id = text(other.id);
        }
    });
    check("/done: x-token is not", |client, step| {
        if step == 4 {
            client.token = text(other.token);
        }
    });
}

#[test]
fn a_cookie_that_was_not_given_out_is_wrong() {
    check("not given out", |client, step| {
        if step == 1 {
            client.sid = "ffffffff00000000".to_owned();
        }
    });
    check("a strange cookie", |client, step| {
        if step == 4 {
            client.sid = "nonsense".to_owned();
        }
    });
}

#[test]
fn a_step_that_is_sent_twice_is_wrong() {
    let mut client = Client::new();
    client.session(|client, step| {
        if step == 2 {
            client.get("/list?q=8", 2_500);
        }
    });
    let seen = client.shop.seen();
    assert_eq!((seen.done, seen.wrong), (1, 1), "the session goes on, and the run is void");
    assert!(seen.first_wrong.unwrap().contains("not the step that comes next"));
}

#[test]
fn an_answer_is_about_two_kilobytes_of_json() {
    let mut out = Vec::new();
    Template::new(true).write(&Values::of(7), &mut out);
    let text = String::from_utf8(out).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(&format!("content-length: {}", body.len())), "{head}");
    assert!((1_900..2_200).contains(&body.len()), "{}", body.len());
    assert!(serde_json::from_str::<serde_json::Value>(body).is_ok(), "{body}");
}
