//! The shop's HTTP: reads a request, holds its answer back where asked, counts it.

use std::time::Instant;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::StreamExt as _;

use super::Shop;
use super::read::Pairs;
use super::reply::{Call, Reply};
use super::route::Route;

/// The path of every request to the shop.
pub(crate) const PATH: &str = "/shop/{below:.*}";

/// Where a request has its name.
const NAME_HEADER: &str = "x-name";

/// Where a request has its session.
const SESSION_HEADER: &str = "x-session";

/// What became of a body.
enum Body {
    Whole(Vec<u8>),
    TooLarge,
    /// Its connection broke.
    Broken,
}

/// Answers a request to the shop.
pub(crate) async fn answer(
    request: HttpRequest,
    shop: web::Data<Shop>,
    payload: web::Payload,
) -> HttpResponse {
    let text = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let (uri, method) = (request.uri(), request.method().as_str());
    let (route, _) = Route::of(uri.path());
    let (body, too_large) = match read(payload, route.body_limit()).await {
        Body::Whole(body) => (body, false),
        Body::TooLarge => (Vec::new(), true),
        Body::Broken => return HttpResponse::BadRequest().force_close().finish(),
    };
    if !route.is_aside() {
        shop.log.add(method, uri.path_and_query().map_or(uri.path(), |uri| uri.as_str()), &body, text);
        if let Some(session) = text(SESSION_HEADER) {
            shop.counts.session(session);
        }
    }
    let cookies = cookies(&request);
    let call = Call {
        method,
        path: uri.path(),
        query: &Pairs::read(uri.query().unwrap_or_default()),
        authorization: text(header::AUTHORIZATION.as_str()).unwrap_or_default(),
        cookies: &cookies,
        content_type: text(header::CONTENT_TYPE.as_str()).unwrap_or_default(),
        body: &body,
    };
    let (reply, delay) = if too_large {
        (Reply::refused(413, "the body is too large"), std::time::Duration::ZERO)
    } else {
        shop.answer(&call, Instant::now())
    };
    if !route.is_aside() {
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        // A stall may begin, end or grow while the answer waits.
        while let Some(until) = shop.stalled_until(Instant::now()) {
            tokio::time::sleep_until(until.into()).await;
        }
        shop.counts.answered(method, route, reply.status, text(NAME_HEADER));
    }
    response(reply)
}

fn response(reply: Reply) -> HttpResponse {
    // 200 to 999, by the shop.
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    response.content_type(reply.content_type);
    for field in reply.fields {
        response.append_header(field);
    }
    match status {
        // These have no body.
        StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::NOT_MODIFIED => response.finish(),
        _ => response.body(reply.body),
    }
}

/// All `cookie` headers as one.
fn cookies(request: &HttpRequest) -> String {
    let values: Vec<&str> =
        request.headers().get_all(header::COOKIE).filter_map(|value| value.to_str().ok()).collect();
    values.join("; ")
}

/// Reads a body to its end, though no more than `limit` of it is kept: an answer before the end of the request would
/// break its connection.
async fn read(mut payload: web::Payload, limit: usize) -> Body {
    let mut body = Vec::new();
    let mut too_large = false;
    while let Some(chunk) = payload.next().await {
        let Ok(chunk) = chunk else { return Body::Broken };
        too_large |= body.len() + chunk.len() > limit;
        if too_large {
            body = Vec::new();
        } else {
            body.extend_from_slice(&chunk);
        }
    }
    if too_large { Body::TooLarge } else { Body::Whole(body) }
}
