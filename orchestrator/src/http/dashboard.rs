//! The dashboard: one document for all of its addresses, and the files it loads. They hold no data, so no token is needed
//! for them; their script asks for data as any program does.

use std::io::Write;
use std::sync::OnceLock;

use actix_web::http::header::{self, HeaderMap};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse};
use flate2::Compression;
use flate2::write::GzEncoder;

use super::error_responses;
use super::problem::Problem;

/// Written by `npm run build` in dashboard/, which CI runs to compare: the document, and each file with its type.
#[rustfmt::skip]
#[path = "../../../dashboard/dist/bundle.rs"]
mod bundle;

/// What the document may load and do: its own files, and requests to where it came from.
pub const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                          img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A file's content never changes under its name, which has a hash of it.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// Files below this are sent as they are.
const MIN_COMPRESSED_BYTES: usize = 1_024;

/// The pages, beside those of the tests.
const PAGES: [&str; 4] = ["/", "/new", "/drivers", "/compare"];

/// Whether this is what a browser loads to show the dashboard, so that it needs no token.
pub fn is_part(method: &Method, path: &str) -> bool {
    let is_test = || path.strip_prefix("/tests/").is_some_and(|id| !id.is_empty() && !id.contains('/'));
    matches!(*method, Method::GET | Method::HEAD)
        && (PAGES.contains(&path) || is_test() || path.starts_with("/assets/"))
}

/// The dashboard: the same document at each of its addresses (`/`, `/new`, `/drivers`, `/compare`, `/tests/{id}`). Needs
/// no token: it holds no data.
#[utoipa::path(
    get,
    path = "/",
    operation_id = "get_dashboard",
    tag = "process",
    responses((status = 200, description = "the dashboard", body = String, content_type = "text/html"))
)]
pub async fn document() -> HttpResponse {
    page(StatusCode::OK)
}

/// The document at an address that no page has, which it then says.
pub fn missing() -> HttpResponse {
    page(StatusCode::NOT_FOUND)
}

/// Whether a person asks by a browser, rather than a program: then a page answers, and not JSON.
pub fn is_by_a_person(request: &HttpRequest) -> bool {
    let accept =
        request.headers().get(header::ACCEPT).and_then(|field| field.to_str().ok()).unwrap_or_default();
    matches!(*request.method(), Method::GET | Method::HEAD)
        && !request.path().starts_with("/api/")
        && accept.split(',').any(|kind| kind.trim().starts_with("text/html"))
}

fn page(status: StatusCode) -> HttpResponse {
    HttpResponse::build(status)
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .body(bundle::INDEX)
}

/// A file of the dashboard: script, style, picture. Needs no token.
#[utoipa::path(
    get,
    path = "/assets/{file}",
    operation_id = "get_asset",
    tag = "process",
    params(("file" = String, Path, description = "the file's name, which the document gives")),
    responses(
        (status = 200, description = "the file", body = String, content_type = "text/javascript"),
        (status = 404, response = error_responses::NotFound),
    )
)]
pub async fn asset(request: HttpRequest) -> HttpResponse {
    let name = request.match_info().get("file").unwrap_or_default();
    let Some(at) = bundle::FILES.iter().position(|(known, ..)| *known == name) else {
        let detail = "the dashboard has no such file; it may be one of another version: load the page again";
        return Problem::new(StatusCode::NOT_FOUND, detail).response();
    };
    let Some((_, kind, content)) = bundle::FILES.get(at) else {
        return Problem::new(StatusCode::NOT_FOUND, "not found").response();
    };
    let mut answer = HttpResponse::Ok();
    answer
        .insert_header((header::CONTENT_TYPE, *kind))
        .insert_header((header::CACHE_CONTROL, FOR_EVER))
        .insert_header((header::VARY, "accept-encoding"));
    match compressed().get(at).filter(|compressed| !compressed.is_empty() && takes_gzip(request.headers())) {
        Some(compressed) => {
            answer.insert_header((header::CONTENT_ENCODING, "gzip")).body(compressed.as_slice())
        }
        None => answer.body(*content),
    }
}

/// Each file compressed, once in a process; empty where that is not worth it.
fn compressed() -> &'static [Vec<u8>] {
    static FILES: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    FILES.get_or_init(|| {
        bundle::FILES.iter().map(|(_, _, content)| gzip(content).unwrap_or_default()).collect()
    })
}

fn gzip(content: &[u8]) -> Option<Vec<u8>> {
    if content.len() < MIN_COMPRESSED_BYTES {
        return None;
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content).ok()?;
    encoder.finish().ok().filter(|compressed| compressed.len() < content.len())
}

/// Whether a client takes gzip: it names it, and not with a weight of zero.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let fields = headers.get_all(header::ACCEPT_ENCODING).filter_map(|field| field.to_str().ok());
    let mut codings = fields.flat_map(|field| field.split(','));
    codings.any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let weight: String = weight.chars().filter(|c| !c.is_whitespace()).collect();
        name.trim().eq_ignore_ascii_case("gzip")
            && weight.strip_prefix("q=").is_none_or(|q| q.parse::<f32>().is_ok_and(|q| q > 0.0))
    })
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    #[test]
    fn pages_and_files_are_open_and_nothing_else_is() {
        for (path, expected) in [
            ("/", true),
            ("/new", true),
            ("/drivers", true),
            ("/compare", true),
            ("/tests/0199-a", true),
            ("/assets/index-abc.js", true),
            ("/tests/", false),
            ("/tests/a/b", false),
            ("/tests", false),
            ("/newer", false),
            ("/api/v1/tests", false),
            ("/metrics", false),
        ] {
            assert_eq!(is_part(&Method::GET, path), expected, "{path}");
            assert!(!is_part(&Method::POST, path));
        }
    }

    #[test]
    fn gzip_is_sent_to_those_who_take_it() {
        for (field, expected) in [
            ("gzip, deflate, br", true),
            ("br;q=1.0, gzip;q=0.8", true),
            ("GZIP; q=0.001", true),
            ("gzip;q=0", false),
            ("gzip; q=0.0", false),
            ("br", false),
            ("x-gzip2", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_str(field).unwrap());
            assert_eq!(takes_gzip(&headers), expected, "{field:?}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}
