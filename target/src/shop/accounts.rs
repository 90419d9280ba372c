//! Log-ins of both kinds: a form with a token and cookies, and bearer tokens that expire.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::json;

use super::kept::Kept;
use super::read::{basic, bearer};
use super::reply::{Call, Reply};

/// The cookie of a visitor who looked at the form.
const VISITOR: &str = "shop_session";

/// The cookie of a visitor who signed in.
const SIGNED_IN: &str = "shop_user";

/// How long a bearer token is good where `ttl` does not say it.
const TTL_MS: u64 = 3_600_000;

/// Longest `ttl`.
const MAX_TTL_MS: u64 = 24 * 3_600_000;

/// Longest name of a user that is kept, in bytes.
const MAX_USER: usize = 256;

/// Who is known.
#[derive(Debug)]
pub struct Accounts(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    /// Visitors who looked at the form: there is nothing to know of them.
    visitors: Kept<()>,
    /// The names of users who signed in.
    signed_in: Kept<Box<str>>,
    tokens: Kept<Token>,
}

#[derive(Debug)]
struct Token {
    user: Box<str>,
    until: Instant,
}

impl Accounts {
    /// Keeps the newest `limit` of each kind.
    pub fn new(limit: usize) -> Self {
        let (visitors, signed_in, tokens) = (Kept::new(limit), Kept::new(limit), Kept::new(limit));
        Self(Mutex::new(Inner { visitors, signed_in, tokens }))
    }

    /// The form, with a cookie that its token belongs to.
    pub fn form(&self) -> Reply {
        let ticket = self.lock().visitors.add(());
        let token = csrf(&ticket);
        let escaped =
            token.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;").replace('\'', "&#39;");
        let page = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>Log in</title></head>\n<body>\n\
             <form id=\"login\" action=\"/shop/login\" method=\"post\">\n\
             <input type=\"hidden\" name=\"csrf\" value=\"{escaped}\">\n\
             <label>User <input name=\"user\"></label>\n\
             <label>Password <input type=\"password\" name=\"password\"></label>\n\
             <button>Log in</button>\n</form>\n</body>\n</html>\n"
        );
        Reply::html(page).with("set-cookie", set_cookie(VISITOR, &ticket))
    }

    /// Signs in who sends the cookie and the token of a form, with any user and password.
    pub fn login(&self, call: &Call<'_>) -> Result<Reply, Reply> {
        let form = call.form()?;
        let cookie = call.cookie(VISITOR).ok_or_else(|| Reply::refused(403, "no cookie of a form"))?;
        let user = user(form.get("user"), form.get("password"))
            .ok_or_else(|| Reply::refused(403, "no user or password"))?;
        if form.get("csrf") != Some(csrf(cookie).as_str()) {
            return Err(Reply::refused(403, "csrf is not the token of this cookie"));
        }
        let mut known = self.lock();
        if known.visitors.get(cookie).is_none() {
            return Err(Reply::refused(403, "the cookie is not known, or no more"));
        }
        let ticket = known.signed_in.add(user.into());
        let to = format!("/shop/account?code={}", ticket.replace('-', ""));
        Ok(Reply::redirect(303, to).with("set-cookie", set_cookie(SIGNED_IN, &ticket)))
    }

    /// Whose account it is, for who signed in.
    pub fn account(&self, call: &Call<'_>) -> Reply {
        let known = self.lock();
        match call.cookie(SIGNED_IN).and_then(|ticket| known.signed_in.get(ticket)) {
            Some(user) => Reply::json(200, &json!({ "user": user })),
            None => Reply::refused(401, "not signed in"),
        }
    }

    /// A bearer token, for the user of the body or of basic authentication.
    pub fn token(&self, call: &Call<'_>, now: Instant) -> Result<Reply, Reply> {
        let ttl_ms = call.query.number("ttl", 0..=MAX_TTL_MS)?.unwrap_or(TTL_MS);
        let name = match basic(call.authorization) {
            Some((name, password)) => user(Some(&name), Some(&password)).map(str::to_owned),
            None if call.authorization.is_empty() => {
                let body = call.json()?;
                user(body["user"].as_str(), body["password"].as_str()).map(str::to_owned)
            }
            None => None,
        };
        let user = name.ok_or_else(|| Reply::refused(401, "no user and password"))?;
        let until = now + Duration::from_millis(ttl_ms);
        let token = self.lock().tokens.add(Token { user: user.into(), until });
        let expires_in =
            if ttl_ms % 1_000 == 0 { json!(ttl_ms / 1_000) } else { json!(ttl_ms as f64 / 1_000.0) };
        Ok(Reply::json(
            200,
            &json!({ "access_token": token, "token_type": "Bearer", "expires_in": expires_in }),
        ))
    }

    /// Whose token it is.
    pub fn me(&self, call: &Call<'_>, now: Instant) -> Reply {
        let known = self.lock();
        match bearer(call.authorization).and_then(|token| known.tokens.get(token)) {
            Some(token) if now < token.until => Reply::json(200, &json!({ "user": token.user })),
            Some(_) => unauthorized("the token has expired"),
            None => unauthorized("no token that is known"),
        }
    }

    /// Whether a request has a good token or the cookie of one who signed in.
    pub fn may_order(&self, call: &Call<'_>, now: Instant) -> bool {
        self.me(call, now).status == 200 || self.account(call).status == 200
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The token of a visitor's form: its characters mean something in HTML and in forms, to catch who mixes these up.
fn csrf(ticket: &str) -> String {
    format!("{ticket}&a=\"<+'%20>&amp;")
}

fn user<'a>(user: Option<&'a str>, password: Option<&str>) -> Option<&'a str> {
    let password = password.is_some_and(|password| !password.is_empty());
    user.filter(|user| password && !user.is_empty() && user.len() <= MAX_USER)
}

fn set_cookie(name: &str, value: &str) -> String {
    format!("{name}={value}; Path=/shop; HttpOnly; SameSite=Lax")
}

fn unauthorized(error: &str) -> Reply {
    Reply::refused(401, error).with("www-authenticate", "Bearer realm=\"shop\"".to_owned())
}
