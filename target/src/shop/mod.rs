//! A small shop for tests of sessions, under `/shop/`: log-ins with cookies and tokens, carts, orders, jobs, uploads,
//! redirects. It counts what it answers and logs what it was asked, so that a test can compare. Only `http` here knows
//! actix; all else takes a [`reply::Call`] and the time.

pub mod accounts;
pub mod cart;
pub mod catalogue;
pub mod counts;
pub(crate) mod http;
pub mod kept;
pub mod log;
pub mod multipart;
pub mod orders;
pub mod read;
pub mod reply;
pub mod route;
#[cfg(test)]
mod tests;

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::json;

use reply::{Call, Reply};
use route::Route;

/// Most visitors, users, tokens, orders and jobs each that are kept: at 10,000 a second those of the last 20 s.
const LIMIT: usize = 200_000;

/// Longest stall.
const MAX_STALL_MS: u64 = 10_000;

/// Longest delay of an answer.
const MAX_DELAY_MS: u64 = 3_600_000;

/// Longest chain of redirects.
const MAX_OLD: u64 = 1_000;

/// How many requests a log keeps where `max` does not say it.
const LOG_MAX: u64 = 10_000;

/// What the shop knows. No lock is held while it waits.
#[derive(Debug)]
pub struct Shop {
    /// What it counted.
    pub counts: counts::Counts,
    /// What it logged.
    pub log: log::Log,
    accounts: accounts::Accounts,
    orders: orders::Orders,
    /// Until when every answer is held back.
    stalled_until: Mutex<Option<Instant>>,
}

impl Default for Shop {
    fn default() -> Self {
        Self::keeping(LIMIT)
    }
}

impl Shop {
    /// A shop that keeps the newest `limit` visitors, users, tokens, orders and jobs each.
    pub fn keeping(limit: usize) -> Self {
        Self {
            counts: counts::Counts::default(),
            log: log::Log::default(),
            accounts: accounts::Accounts::new(limit),
            orders: orders::Orders::new(limit),
            stalled_until: Mutex::new(None),
        }
    }

    /// Answers a request, and says how long it asked to have its answer delayed.
    pub fn answer(&self, call: &Call<'_>, now: Instant) -> (Reply, Duration) {
        let (route, part) = Route::of(call.path);
        if route.is_aside() {
            return (self.aside(route, call, now).unwrap_or_else(|refused| refused), Duration::ZERO);
        }
        let delay = match call.query.number("delay_ms", 0..=MAX_DELAY_MS) {
            Ok(ms) => Duration::from_millis(ms.unwrap_or(0)),
            Err(problem) => return (problem.into(), Duration::ZERO),
        };
        let reply = match call.query.number("fail", 200..=999) {
            // The range is that of a status.
            Ok(Some(status)) => Reply::refused(u16::try_from(status).unwrap_or(500), "asked to fail"),
            Ok(None) => self.serve(route, part, call, now).unwrap_or_else(|refused| refused),
            Err(problem) => problem.into(),
        };
        (reply, delay)
    }

    fn serve(&self, route: Route, part: &str, call: &Call<'_>, now: Instant) -> Result<Reply, Reply> {
        // The body of an answer to HEAD is left out by the server.
        let method = if call.method == "HEAD" { "GET" } else { call.method };
        Ok(match (method, route) {
            ("GET", Route::Home) => catalogue::home(),
            ("GET", Route::Products) => catalogue::list(call.query)?,
            ("GET", Route::Product) => catalogue::product(part),
            ("GET", Route::Search) => catalogue::search(call.query)?,
            ("GET", Route::Login) => self.accounts.form(),
            ("POST", Route::Login) => self.accounts.login(call)?,
            ("GET", Route::Account) => self.accounts.account(call),
            ("POST", Route::Token) => self.accounts.token(call, now)?,
            ("GET", Route::Me) => self.accounts.me(call, now),
            ("GET", Route::Cart) => cart::show(call)?,
            ("POST", Route::Cart) => cart::add(call)?,
            ("DELETE", Route::Cart) => cart::clear(),
            ("POST", Route::Orders) => {
                if call.query.get("anonymous") != Some("1") && !self.accounts.may_order(call, now) {
                    return Err(Reply::refused(401, "neither a token nor a cookie of a log-in"));
                }
                self.orders.create(call)?
            }
            ("GET", Route::Order) => self.orders.show(part),
            ("POST", Route::Confirm) => self.orders.confirm(part),
            ("POST", Route::Jobs) => self.orders.start(call, now)?,
            ("GET", Route::Job) => self.orders.job(part, now),
            ("POST", Route::Upload) => match multipart::read(call.content_type, call.body) {
                Ok(parts) => Reply::json(200, &json!({ "parts": parts })),
                Err(malformed) => Reply::refused(400, &malformed.to_string()),
            },
            ("GET", Route::Old) => old(part),
            ("POST", Route::Redirect) => redirect(call)?,
            _ => wrong(route),
        })
    }

    fn aside(&self, route: Route, call: &Call<'_>, now: Instant) -> Result<Reply, Reply> {
        Ok(match (call.method, route) {
            ("GET", Route::Counts) => Reply::json(200, &self.counts.now()),
            ("POST", Route::Reset) => {
                self.counts.reset();
                Reply::json(200, &json!({}))
            }
            ("GET", Route::Log) => {
                let (requests, n_left_out) = self.log.read();
                Reply::json(200, &requests).with("x-left-out", n_left_out.to_string())
            }
            ("POST", Route::LogStart) => {
                let max = call.query.number("max", 0..=log::MAX_REQUESTS)?.unwrap_or(LOG_MAX);
                self.log.start(max, call.query.get("headers").unwrap_or_default());
                Reply::json(200, &json!({ "max": max }))
            }
            ("POST", Route::Stall) => {
                let ms = call.query.number("ms", 0..=u64::MAX)?.unwrap_or(0).min(MAX_STALL_MS);
                *self.stalled_until.lock().unwrap_or_else(PoisonError::into_inner) =
                    Some(now + Duration::from_millis(ms));
                Reply::json(200, &json!({ "ms": ms }))
            }
            _ => wrong(route),
        })
    }

    /// Until when answers are held back, where they are at `now`.
    pub fn stalled_until(&self, now: Instant) -> Option<Instant> {
        self.stalled_until.lock().unwrap_or_else(PoisonError::into_inner).filter(|until| now < *until)
    }
}

fn wrong(route: Route) -> Reply {
    match route {
        Route::Unknown => Reply::refused(404, "no such page"),
        _ => Reply::refused(405, "no such method here"),
    }
}

/// A chain of redirects that ends at the home page.
fn old(n: &str) -> Reply {
    match n.parse::<u64>() {
        Ok(0) => Reply::redirect(302, "/shop/".to_owned()),
        Ok(n) if n <= MAX_OLD => Reply::redirect(302, format!("/shop/old/{}", n - 1)),
        _ => Reply::refused(404, "no such page"),
    }
}

fn redirect(call: &Call<'_>) -> Result<Reply, Reply> {
    let status = call.query.number("status", 301..=308)?.unwrap_or(303);
    let to = call.query.get("to").unwrap_or_default();
    if !matches!(status, 301 | 302 | 303 | 307 | 308) {
        return Err(Reply::refused(400, &format!("status = {status}: must be 301, 302, 303, 307 or 308")));
    }
    if to.is_empty() || !to.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Reply::refused(400, "to: must be an address of printable ASCII without blanks"));
    }
    Ok(Reply::redirect(u16::try_from(status).unwrap_or(303), to.to_owned()))
}
