//! The target's HTTP: /ping, /metrics, /healthz, and where the shop is. Only this module and `shop::http` name actix-web.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use actix_web::dev::Server;
use actix_web::http::{StatusCode, header};
use actix_web::rt::net::TcpStream;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use common::plan::parse_duration;
use common::process;
use common::prometheus::CONTENT_TYPE;
use tokio::sync::Semaphore;

use crate::RunError;
use crate::behaviour::{Answer, Asked, treat};
use crate::counters::{Counters, Snapshot};
use crate::settings::TargetSettings;
use crate::shop::counts::{ByStatus, ShopCounts};
use crate::shop::{self, Shop};

/// Where a driver names itself.
const NODE_HEADER: &str = "x-groundswell-node";

/// Longest delay that a request may ask for.
const MAX_ASKED: Duration = Duration::from_secs(3_600);

/// A second handle of a connection's socket, to close it under the server's hands.
struct Socket(socket2::Socket);

/// What all workers share.
struct Shared {
    settings: TargetSettings,
    counters: Counters,
    first_request: OnceLock<Instant>,
    room: Option<Semaphore>,
}

/// Binds and returns the server, to be awaited, and the address that was bound.
///
/// # Errors
/// Where the address cannot be bound.
pub fn serve(settings: TargetSettings) -> Result<(Server, SocketAddr), RunError> {
    let listen = settings.http.listen;
    let workers = settings.http.workers;
    let room = settings.behaviour.max_concurrent.map(|most| Semaphore::new(most as usize));
    let shared =
        Arc::new(Shared { settings, counters: Counters::default(), first_request: OnceLock::new(), room });
    let shop = Arc::new(Shop::default());
    let server = HttpServer::new(move || {
        App::new()
            .app_data(web::Data::from(Arc::clone(&shared)))
            .app_data(web::Data::from(Arc::clone(&shop)))
            .service(
                web::resource("/ping")
                    .route(web::get().to(ping))
                    .route(web::post().to(ping))
                    .route(web::head().to(ping)),
            )
            .route("/metrics", web::get().to(metrics))
            .route("/healthz", web::get().to(HttpResponse::Ok))
            .service(web::resource(shop::http::PATH).to(shop::http::answer))
    })
    .on_connect(|connection, data| {
        if let Some(stream) = connection.downcast_ref::<TcpStream>()
            && let Ok(socket) = socket2::SockRef::from(stream).try_clone()
        {
            data.insert(Socket(socket));
        }
    })
    .workers(workers.map_or_else(
        || std::thread::available_parallelism().map_or(1, usize::from),
        |workers| workers as usize,
    ))
    .keep_alive(Duration::from_secs(75))
    .shutdown_timeout(1)
    .disable_signals()
    .bind(listen)
    .map_err(|cause| RunError::Bind { address: listen, cause })?;
    let bound = server.addrs().first().copied().unwrap_or(listen);
    Ok((server.run(), bound))
}

async fn ping(request: HttpRequest, shared: web::Data<Shared>, mut body: web::Payload) -> HttpResponse {
    let node = request.headers().get(NODE_HEADER).and_then(|value| value.to_str().ok());
    let n = shared.counters.received(node);
    let first_request = shared.first_request.get_or_init(Instant::now);
    // The body must be read, or it would be parsed as the next request; it is discarded.
    while let Some(chunk) = futures_util::StreamExt::next(&mut body).await {
        if chunk.is_err() {
            break;
        }
    }
    let asked = match asked(request.query_string()) {
        Ok(asked) => asked,
        Err(problem) => {
            shared.counters.sent(node);
            return HttpResponse::BadRequest().content_type("text/plain; charset=utf-8").body(problem);
        }
    };
    // The permit is held during the delay, so that delayed requests count towards the limit.
    let _permit = match &shared.room {
        Some(room) => room.acquire().await.ok(),
        None => None,
    };
    // Measured when the permit is acquired, so that a request that waited for it in a stall does not wait again.
    let treatment = treat(&shared.settings.behaviour, asked, n, first_request.elapsed());
    if !treatment.wait.is_zero() {
        // Not tokio's timer, which ends at the next whole millisecond: a delay of 10 ms would take 11 ms, and a schedule
        // of whole milliseconds would meet the timer's ticks in the same phase all through a test and in another one in
        // the next test, so that two equal tests differ.
        futures_timer::Delay::new(treatment.wait).await;
    }
    match treatment.answer {
        Answer::Status(200) => {
            shared.counters.sent(node);
            HttpResponse::Ok().content_type("text/plain").body("pong")
        }
        Answer::Status(status) => {
            shared.counters.sent(node);
            // 100 to 999 by the settings and by `asked`.
            HttpResponse::build(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
                .finish()
        }
        Answer::Drop => {
            shared.counters.dropped();
            if let Some(socket) = request.conn_data::<Socket>() {
                // An error means that it is closed already.
                let _ = socket.0.shutdown(std::net::Shutdown::Both);
            }
            HttpResponse::ServiceUnavailable().force_close().finish()
        }
    }
}

/// What `/metrics` says as JSON.
#[derive(serde::Serialize)]
struct Metrics {
    #[serde(flatten)]
    ping: Snapshot,
    /// Requests to the shop that were answered, by method and route and by status.
    shop: BTreeMap<String, ByStatus>,
    /// Those that carry a name, since the shop's counts were last reset.
    shop_by_name: BTreeMap<String, ByStatus>,
    /// Distinct sessions since then.
    shop_sessions: u64,
}

async fn metrics(request: HttpRequest, shared: web::Data<Shared>, shop: web::Data<Shop>) -> HttpResponse {
    let ping = shared.counters.snapshot();
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
    if accept.contains("text/plain") {
        let text = ping.prometheus() + &shop.counts.prometheus() + &process::prometheus();
        HttpResponse::Ok().content_type(CONTENT_TYPE).body(text)
    } else {
        let ShopCounts { by_name: shop_by_name, sessions: shop_sessions, .. } = shop.counts.now();
        HttpResponse::Ok().json(Metrics {
            ping,
            shop: shop.counts.since_start(),
            shop_by_name,
            shop_sessions,
        })
    }
}

/// What the query of a request asks for; the error names the key and the value.
fn asked(query: &str) -> Result<Asked, String> {
    let mut asked = Asked::default();
    if query.is_empty() {
        return Ok(asked);
    }
    let time = |key: &str, value: &str| {
        parse_duration(value)
            .map_err(|error| error.to_string())
            .and_then(|time| if time <= MAX_ASKED { Ok(time) } else { Err("is more than 1h".to_owned()) })
            .map_err(|reason| format!("{key} = {value}: {reason}"))
    };
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        match key {
            "delay" => asked.delay = Some(time(key, value)?),
            "jitter" => asked.jitter = Some(time(key, value)?),
            "status" => {
                let status = value.parse().ok().filter(|status| (200..=999).contains(status));
                asked.status =
                    Some(status.ok_or_else(|| format!("status = {value}: is not a status from 200 to 999"))?);
            }
            "drop" => {
                let drop = value.parse().map_err(|_| format!("drop = {value}: is neither true nor false"))?;
                asked.drop = Some(drop);
            }
            // A load test may add what it likes, to defeat a cache for one.
            _ => {}
        }
    }
    Ok(asked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_asks_by_name_and_a_wrong_value_is_named() {
        assert_eq!(asked("").unwrap(), Asked::default());
        let both = asked("delay=20ms&status=503&nonce=7").unwrap();
        assert_eq!((both.delay, both.status), (Some(Duration::from_millis(20)), Some(503)));
        assert!(asked("status=9").unwrap_err().contains("status = 9"));
        assert!(asked("delay=soon").unwrap_err().contains("delay = soon"));
    }
}
