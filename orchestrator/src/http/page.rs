//! The page at `/`: one embedded file. It holds no data; its script asks for them as any program does.

use actix_web::dev::ServiceRequest;
use actix_web::http::{Method, StatusCode, header};
use actix_web::{HttpMessage, HttpRequest, HttpResponse};

use super::{accept, error_responses};

const PAGE: &str = include_str!("page.html");

/// What the page's own script and style are marked with, new for each answer.
pub struct PageNonce(String);

impl PageNonce {
    /// The answer's content-security-policy: nothing but what bears the mark runs.
    pub fn policy(&self) -> String {
        let nonce = &self.0;
        format!(
            "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; \
             img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
    }
}

/// The dashboard.
#[utoipa::path(
    get,
    path = "/",
    operation_id = "get_dashboard",
    tag = "process",
    responses(
        (status = 200, description = "the dashboard", body = String, content_type = "text/html"),
        (status = 401, response = error_responses::Unauthorized),
    )
)]
pub async fn index(request: HttpRequest) -> HttpResponse {
    answer(&request, StatusCode::OK)
}

/// Whether a request without a token is a browser's for the page.
pub fn is_wanted(request: &ServiceRequest) -> bool {
    request.path() == "/"
        && request.method() == Method::GET
        && accept::choose(request.headers(), &[("application", "problem+json"), ("text", "html")]) == Some(1)
}

/// The page for one who has no token yet: it asks for it.
pub fn login(request: &HttpRequest) -> HttpResponse {
    answer(request, StatusCode::UNAUTHORIZED)
}

fn answer(request: &HttpRequest, status: StatusCode) -> HttpResponse {
    let nonce = uuid::Uuid::new_v4().simple().to_string();
    let page = PAGE.replace("{{nonce}}", &nonce);
    request.extensions_mut().insert(PageNonce(nonce));
    let mut response = HttpResponse::build(status);
    if status == StatusCode::UNAUTHORIZED {
        response.insert_header((header::WWW_AUTHENTICATE, "Bearer realm=\"groundswell\""));
    }
    response.content_type("text/html; charset=utf-8").body(page)
}
