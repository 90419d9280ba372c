//! The driver's own small server, where `http.listen` asks for one: /healthz and /metrics. It only reads.

mod metrics;

use std::net::SocketAddr;

use actix_web::dev::{Server, ServerHandle};
use actix_web::{App, HttpResponse, HttpServer, web};
use common::process;
use common::prometheus::CONTENT_TYPE;
use futures_util::future::join4;

use crate::RunError;
use crate::actors::messages::aggregator::{NamedHandle, ProgressHandle};
use crate::actors::messages::kafka_link::LinkHandle;
use crate::actors::messages::publisher::PublisherHandle;
use metrics::{Figures, prometheus};

/// Most connections at a time: a scraper or two.
const MAX_CONNECTIONS: usize = 64;

/// The actors that the server queries.
#[derive(Clone)]
pub struct Sources {
    pub progress: ProgressHandle,
    pub named: NamedHandle,
    pub publisher: PublisherHandle,
    /// The link to Kafka.
    pub link: LinkHandle,
}

/// A server that is bound, and serves while [`Serving::ended`] is polled.
pub struct Serving {
    server: Server,
    address: SocketAddr,
}

impl Serving {
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn stopper(&self) -> Stopper {
        Stopper(self.server.handle())
    }

    /// Why it ended, once it has.
    pub async fn ended(self) -> std::io::Error {
        self.server.await.err().unwrap_or_else(|| std::io::Error::other("without an error"))
    }
}

pub struct Stopper(ServerHandle);

impl Stopper {
    /// Stops it once the requests that it answers are done, after 1 s at most.
    pub async fn stop(self) {
        self.0.stop(true).await;
    }
}

/// Binds the server.
///
/// # Errors
/// Where the address cannot be bound.
pub fn serve(listen: SocketAddr, sources: Sources) -> Result<Serving, RunError> {
    let bind = |cause| RunError::Bind { address: listen, cause };
    let server = HttpServer::new(move || {
        App::new()
            .app_data(web::Data::new(sources.clone()))
            .route("/healthz", web::get().to(healthz))
            .route("/metrics", web::get().to(scrape))
    })
    .workers(1)
    .max_connections(MAX_CONNECTIONS)
    .shutdown_timeout(1)
    .disable_signals()
    .bind(listen)
    .map_err(bind)?;
    let address = server.addrs().first().copied().unwrap_or(listen);
    Ok(Serving { server: server.run(), address })
}

async fn healthz() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok\n")
}

async fn scrape(sources: web::Data<Sources>) -> HttpResponse {
    let Sources { progress, named, publisher, link } = sources.get_ref();
    let asked = join4(progress.get(), named.get(), publisher.stats(), link.stats());
    let (Ok(progress), Ok(named), Ok(publisher), Ok(link)) = asked.await else {
        return HttpResponse::ServiceUnavailable().finish();
    };
    let figures = Figures { progress, named, publisher, link, mailbox_overflows: crate::overflow::count() };
    let text = prometheus(&figures) + &process::prometheus();
    HttpResponse::Ok().content_type(CONTENT_TYPE).body(text)
}
