//! A shop that checks its customers: five steps, of which each must carry what the answers before it gave. It decides
//! whether two tools did the same work: a run with one wrong request is void.
//!
//! A session is `POST /login` (a form), `GET /list?q=…`, `GET /item/ID`, `POST /cart` (JSON, with the id) and
//! `GET /done`. The log-in's answer sets the cookie `sid`, and all later steps must send it. ID is `items[3].id` of
//! the list, and the item's `token` is the header `x-token` of the last two steps. Cookie, id and token are different in
//! every session, so that neither a constant nor the value of another session passes. All answers are JSON of 2 kB.
//!
//! Pure: it knows no socket and no clock.

mod request;
mod talk;

use serde::Deserialize;

use crate::arrivals::Late;
use crate::seen::Sessions;
use request::Request;
pub use talk::{Came, Talk};

/// How many steps a session has.
pub const STEPS: u8 = 5;
/// The item of the list whose id the session goes on with.
const WANTED: u32 = 3;
/// Items of the list: as many as make 2 kB.
const ITEMS: u32 = 26;
/// Answer to a wrong request, so that the tool counts it, too.
const REFUSAL: &[u8] = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";

/// A session, from its log-in.
#[derive(Debug, Clone, Copy)]
struct Session {
    /// The step that must come next; [`STEPS`] after the last.
    next: u8,
    /// When the answer to the step before was written whole.
    answered_ns: Option<u64>,
}

/// What a step may hold that is checked.
#[derive(Deserialize)]
struct Cart<'a> {
    id: &'a str,
    quantity: u32,
}

/// The three values of a session, each another function of its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Values {
    /// The number in eight digits, and eight that prove that it was given out.
    sid: [u8; 16],
    id: [u8; 16],
    token: [u8; 16],
}

impl Values {
    fn of(number: u32) -> Self {
        let mut sid = hex(mixed(number, 1));
        sid[..8].copy_from_slice(&hex(u64::from(number) << 32)[..8]);
        Self { sid, id: hex(mixed(number, 2)), token: hex(mixed(number, 3)) }
    }
}

/// An answer with places for the values.
#[derive(Debug)]
struct Template {
    text: Vec<u8>,
    sid: Option<usize>,
    id: usize,
    token: usize,
}

impl Template {
    /// `with_cookie`: the answer to a log-in.
    fn new(with_cookie: bool) -> Self {
        const SID: &str = "SSSSSSSSSSSSSSSS";
        const ID: &str = "IIIIIIIIIIIIIIII";
        const TOKEN: &str = "TTTTTTTTTTTTTTTT";
        let item = |i: u32| {
            let id = if i == WANTED { ID.to_owned() } else { format!("{:016x}", u64::from(i) * 31) };
            format!(r#"{{"id":"{id}","name":"thing number {i}","price":{i}.50,"tags":["a","b"]}}"#)
        };
        let items: Vec<String> = (0..ITEMS).map(item).collect();
        let body = format!(r#"{{"items":[{}],"page":1,"token":"{TOKEN}"}}"#, items.join(","));
        let cookie = if with_cookie { format!("set-cookie: sid={SID}; Path=/\r\n") } else { String::new() };
        let text = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{cookie}content-length: {}\r\n\r\n{body}",
            body.len()
        );
        let at = |place: &str| text.find(place);
        let (sid, id, token) = (at(SID), at(ID).unwrap_or(0), at(TOKEN).unwrap_or(0));
        Self { text: text.into_bytes(), sid, id, token }
    }

    fn write(&self, values: &Values, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&self.text);
        let mut put = |at: usize, value: &[u8; 16]| {
            if let Some(place) = out.get_mut(start + at..start + at + value.len()) {
                place.copy_from_slice(value);
            }
        };
        put(self.id, &values.id);
        put(self.token, &values.token);
        if let Some(at) = self.sid {
            put(at, &values.sid);
        }
    }
}

/// All sessions of a run.
#[derive(Debug)]
pub struct Shop {
    login: Template,
    page: Template,
    sessions: Vec<Session>,
    seen: Sessions,
    gaps_ns: Vec<u64>,
}

impl Shop {
    /// With room for so many gaps between two steps; more are not noted.
    pub fn new(note: usize) -> Self {
        // Written once, so that no arrival meets a page that the kernel has yet to bring.
        let mut gaps_ns = vec![1; note];
        gaps_ns.clear();
        Self {
            login: Template::new(true),
            page: Template::new(false),
            sessions: Vec::new(),
            seen: Sessions::default(),
            gaps_ns,
        }
    }

    /// Answers a request that arrived at `at_ns`; returns the session and whether this was its first step, or nothing
    /// where the request was wrong.
    fn answer(&mut self, request: &Request<'_>, at_ns: u64, out: &mut Vec<u8>) -> Option<(u32, bool)> {
        match self.checked(request, at_ns) {
            Ok((number, step)) => {
                let template = if step == 0 { &self.login } else { &self.page };
                template.write(&Values::of(number), out);
                Some((number, step == 0))
            }
            Err(what) => {
                self.wrong(&format!("{} {}: {what}", lossy(request.method), lossy(request.path)));
                out.extend_from_slice(REFUSAL);
                None
            }
        }
    }

    fn wrong(&mut self, what: &str) {
        self.seen.wrong += 1;
        self.seen.first_wrong.get_or_insert_with(|| what.to_owned());
    }

    /// Notes that the answer to a session's step is written.
    fn answered(&mut self, number: u32, at_ns: u64) {
        if let Some(session) = self.sessions.get_mut(number as usize) {
            session.answered_ns = Some(at_ns);
        }
    }

    /// The session and the step of a request, if it is what that session has to send now.
    fn checked(&mut self, request: &Request<'_>, at_ns: u64) -> Result<(u32, u8), &'static str> {
        let step = match (request.method, request.path) {
            (b"POST", b"/login") => return self.log_in(request).map(|number| (number, 0)),
            (b"GET", path) if path.starts_with(b"/list?q=") => 1,
            (b"GET", path) if path.starts_with(b"/item/") => 2,
            (b"POST", b"/cart") => 3,
            (b"GET", b"/done") => 4,
            _ => return Err("not a step of a session"),
        };
        let sid = request.sid.ok_or("the cookie of the log-in is missing, or there are two")?;
        let number = sid.get(..8).and_then(|digits| std::str::from_utf8(digits).ok());
        let number =
            number.and_then(|digits| u32::from_str_radix(digits, 16).ok()).ok_or("a strange cookie")?;
        let values = Values::of(number);
        let session = self.sessions.get_mut(number as usize).filter(|_| *sid == values.sid);
        let session = session.ok_or("a cookie that was not given out")?;
        if session.next != step {
            return Err("not the step that comes next in this session");
        }
        let token_is_right = request.token == Some(&values.token[..]);
        match step {
            2 if request.path.get(b"/item/".len()..) != Some(&values.id[..]) => {
                return Err("not the id of the list's answer");
            }
            3 | 4 if !token_is_right => return Err("x-token is not the token of the item's answer"),
            3 => {
                let cart = serde_json::from_slice::<Cart<'_>>(request.body);
                let cart = cart.map_err(|_| "the body is not JSON with an id and a quantity")?;
                if cart.id.as_bytes() != values.id || cart.quantity != 1 {
                    return Err("the body has not the id of the list's answer");
                }
            }
            _ => {}
        }
        session.next += 1;
        if session.next == STEPS {
            self.seen.done += 1;
        }
        if let Some(answered) = session.answered_ns.take()
            && self.gaps_ns.len() < self.gaps_ns.capacity()
        {
            self.gaps_ns.push(at_ns.saturating_sub(answered));
        }
        Ok((number, step))
    }

    /// The number of a new session. A cookie that comes along is of the client's session before, and is replaced.
    fn log_in(&mut self, request: &Request<'_>) -> Result<u32, &'static str> {
        let mut fields = request.body.split(|byte| *byte == b'&');
        let user = fields.next().is_some_and(|field| field.starts_with(b"user=guest"));
        if !user || fields.next() != Some(b"password=secret") || fields.next().is_some() {
            return Err("not the form of a log-in");
        }
        let number = u32::try_from(self.sessions.len()).map_err(|_| "too many sessions")?;
        self.sessions.push(Session { next: 1, answered_ns: None });
        self.seen.started += 1;
        Ok(number)
    }

    /// What it saw.
    pub fn seen(&self) -> Sessions {
        let gaps = Late::of(self.gaps_ns.iter().map(|ns| *ns as f64 / 1e3));
        Sessions { gaps, ..self.seen.clone() }
    }
}

/// A number of which each bit depends on all of `number` and `salt` (the finalizer of splitmix64).
fn mixed(number: u32, salt: u64) -> u64 {
    let mut z = (u64::from(number) + (salt << 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn hex(value: u64) -> [u8; 16] {
    let mut shift = 64;
    [0; 16].map(|_: u8| {
        shift -= 4;
        b"0123456789abcdef"[(value >> shift & 15) as usize]
    })
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(80)]).into_owned()
}

#[cfg(test)]
mod tests;
