//! What the shop counted: its answers by route and status, by the name and the session that a request carries.

use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

use common::prometheus::Exposition;
use serde::Serialize;

use super::route::{Route, method_name};

/// Most names counted separately; answers of more are counted together under [`OTHERS`].
const MAX_NAMES: usize = 10_000;

/// Longest name counted separately, in bytes: a head may be many kilobytes long, and each name is kept.
const MAX_NAME: usize = 256;

/// The name of answers past [`MAX_NAMES`], and of longer names than [`MAX_NAME`].
const OTHERS: &str = "(others)";

/// Most sessions counted; the count stays there.
const MAX_SESSIONS: usize = 1_000_000;

/// Answers by status.
pub type ByStatus = BTreeMap<u16, u64>;

/// What `/shop/counts` says.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct ShopCounts {
    /// By the header `x-name`; requests without it are not here.
    pub by_name: BTreeMap<String, ByStatus>,
    /// By method and route, as in `GET /shop/products/{id}`.
    pub by_route: BTreeMap<String, ByStatus>,
    /// Distinct values of the header `x-session`, 1,000,000 at most.
    pub sessions: u64,
}

/// Answers by method, route and status.
#[derive(Debug, Clone, Default)]
struct ByRoute(BTreeMap<(&'static str, &'static str, u16), u64>);

/// Counts answers.
#[derive(Debug, Default)]
pub struct Counts {
    kept: Mutex<Inner>,
    hashes: RandomState,
}

#[derive(Debug, Default)]
struct Inner {
    by_name: BTreeMap<String, ByStatus>,
    by_route: ByRoute,
    /// Hashes of 64 bits in place of the values: the chance that two of a million are the same is 3 in 100 million.
    sessions: HashSet<u64>,
    /// By route since the start, which a reset leaves as they are.
    since_start: ByRoute,
}

impl Counts {
    /// Counts a request's session.
    pub fn session(&self, session: &str) {
        let hash = self.hashes.hash_one(session);
        let sessions = &mut self.lock().sessions;
        if sessions.len() < MAX_SESSIONS {
            sessions.insert(hash);
        }
    }

    /// Counts an answer.
    pub fn answered(&self, method: &str, route: Route, status: u16, name: Option<&str>) {
        let key = (method_name(method), route.pattern(), status);
        let mut kept = self.lock();
        *kept.by_route.0.entry(key).or_default() += 1;
        *kept.since_start.0.entry(key).or_default() += 1;
        let Some(name) = name else { return };
        let name = if name.len() > MAX_NAME { OTHERS } else { name };
        if let Some(of_name) = kept.by_name.get_mut(name) {
            *of_name.entry(status).or_default() += 1;
            return;
        }
        let name = if kept.by_name.len() < MAX_NAMES { name } else { OTHERS };
        *kept.by_name.entry(name.to_owned()).or_default().entry(status).or_default() += 1;
    }

    /// Counts from 0 again; what `/metrics` says goes on.
    pub fn reset(&self) {
        let mut kept = self.lock();
        let since_start = std::mem::take(&mut kept.since_start);
        *kept = Inner { since_start, ..Inner::default() };
    }

    /// The counts since the last reset.
    pub fn now(&self) -> ShopCounts {
        let kept = self.lock();
        ShopCounts {
            by_name: kept.by_name.clone(),
            by_route: kept.by_route.named(),
            sessions: kept.sessions.len() as u64,
        }
    }

    /// The answers by method and route since the start.
    pub fn since_start(&self) -> BTreeMap<String, ByStatus> {
        self.lock().since_start.named()
    }

    /// The same as Prometheus reads it.
    pub fn prometheus(&self) -> String {
        let since_start = self.lock().since_start.clone();
        let mut text = Exposition::new("groundswell_target_");
        let mut by_route = text.counter(
            "shop_requests_total",
            "Requests to the shop that were answered, by route, method and status.",
        );
        for ((method, route, status), n) in since_start.0 {
            by_route.labelled(&[("route", route), ("method", method), ("status", &status.to_string())], n);
        }
        text.into_text()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ByRoute {
    fn named(&self) -> BTreeMap<String, ByStatus> {
        let mut named = BTreeMap::<String, ByStatus>::new();
        for ((method, route, status), n) in &self.0 {
            named.entry(format!("{method} {route}")).or_default().insert(*status, *n);
        }
        named
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_count_by_name_by_route_and_by_status() {
        let counts = Counts::default();
        counts.answered("GET", Route::Product, 200, Some("product"));
        counts.answered("GET", Route::Product, 404, Some("product"));
        counts.answered("POST", Route::Cart, 200, None);
        for session in ["a", "b", "a"] {
            counts.session(session);
        }
        let expected = serde_json::json!({
            "by_name": { "product": { "200": 1, "404": 1 } },
            "by_route": { "GET /shop/products/{id}": { "200": 1, "404": 1 }, "POST /shop/cart": { "200": 1 } },
            "sessions": 2,
        });
        assert_eq!(serde_json::to_value(counts.now()).unwrap(), expected);
    }

    #[test]
    fn a_reset_leaves_what_metrics_say() {
        let counts = Counts::default();
        counts.answered("GET", Route::Home, 200, Some("home"));
        counts.session("a");
        counts.reset();
        assert_eq!(counts.now(), ShopCounts::default());
        counts.answered("GET", Route::Home, 200, None);
        assert_eq!(counts.since_start()["GET /shop/"][&200], 2);
        let line =
            "groundswell_target_shop_requests_total{route=\"/shop/\",method=\"GET\",status=\"200\"} 2\n";
        assert!(counts.prometheus().contains(line), "{}", counts.prometheus());
    }

    #[test]
    fn made_up_names_do_not_eat_memory() {
        let counts = Counts::default();
        for n in 0..MAX_NAMES + 5 {
            counts.answered("GET", Route::Home, 200, Some(&format!("name {n}")));
        }
        let now = counts.now();
        assert_eq!((now.by_name.len(), now.by_name[OTHERS][&200]), (MAX_NAMES + 1, 5));
    }

    #[test]
    fn long_names_count_together() {
        let counts = Counts::default();
        for (length, status) in [(MAX_NAME, 200), (MAX_NAME + 1, 201), (100_000, 201)] {
            counts.answered("GET", Route::Home, status, Some(&"x".repeat(length)));
        }
        let by_name = counts.now().by_name;
        assert_eq!(by_name.len(), 2, "{by_name:?}");
        assert_eq!((by_name[&"x".repeat(MAX_NAME)][&200], by_name[OTHERS][&201]), (1, 2), "{by_name:?}");
    }
}
