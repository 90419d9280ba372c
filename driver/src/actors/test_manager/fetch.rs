//! The data files of a plan, fetched from the orchestrator before the driver is ready. Rows go from the network into their
//! arena as they come: no file is held whole, and nothing is kept on disk. Each file is verified by its hash.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use common::plan::files::FileHash;
use common::plan::program::Program;
use futures_util::StreamExt;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::bootstrap::{AskError, OrchestratorClient};
use crate::scenario::files::{self, Files};

/// Pieces that were received and not read yet; the download waits for the reader there.
const PIECES: usize = 16;
/// Longest silence of the orchestrator while it sends a file.
const SILENCE: Duration = Duration::from_secs(10);

/// How many bytes of a plan's files were received. A clone counts the same ones.
#[derive(Debug, Clone, Default)]
pub(super) struct Fetched(Arc<Counted>);

#[derive(Debug, Default)]
struct Counted {
    bytes: AtomicU64,
    given_up: AtomicBool,
}

impl Fetched {
    pub(super) fn bytes(&self) -> u64 {
        self.0.bytes.load(Ordering::Relaxed)
    }

    /// The test was stopped or replaced: what is not fetched yet is not needed.
    pub(super) fn give_up(&self) {
        self.0.given_up.store(true, Ordering::Relaxed);
    }

    fn add(&self, n: usize) {
        self.0.bytes.fetch_add(n as u64, Ordering::Relaxed);
    }

    fn is_given_up(&self) -> bool {
        self.0.given_up.load(Ordering::Relaxed)
    }
}

/// Fetches all files of a program. `orchestrator`: `None` where the driver's settings name none.
///
/// # Errors
/// Where one cannot be fetched, or is another than the plan names; the reason names it.
pub(super) async fn fetch(
    program: &Arc<Program>,
    orchestrator: Option<&OrchestratorClient>,
    fetched: &Fetched,
) -> Result<Files, String> {
    let mut files = Files::default();
    if program.files().is_empty() {
        return Ok(files);
    }
    let Some(orchestrator) = orchestrator else {
        return Err(
            "the plan has data files, and this driver does not know where the orchestrator is that has them \
                    (--orchestrator)"
                .to_owned(),
        );
    };
    let seed = program.seed.unwrap_or(0);
    for (at, set) in program.data.iter().enumerate() {
        let Some(file) = &set.file else { continue };
        let reading = Arc::clone(program);
        let rows = read(orchestrator, file.hash, fetched, move |input| {
            reading.data.get(at).map_or_else(
                || Err("the data set is not there".to_owned()),
                |set| files::rows(set, input, seed),
            )
        });
        files.rows.insert(at, rows.await?);
    }
    for hash in program.body_files() {
        let body = read(orchestrator, hash, fetched, move |input| files::body(&hash, input));
        files.bodies.insert(hash, body.await?);
    }
    Ok(files)
}

/// Downloads a file while a thread of its own reads it.
async fn read<T: Send + 'static>(
    orchestrator: &OrchestratorClient,
    hash: FileHash,
    fetched: &Fetched,
    reader: impl FnOnce(Pieces) -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    let named = |why: String| format!("file {} was not fetched from the orchestrator: {why}", hash.in_plan());
    let mut body = match orchestrator.data_file(&hash).await {
        Ok(body) => body,
        Err(AskError::Status(404)) => return Err(named("it does not have the file any more".to_owned())),
        Err(error) => return Err(named(error.to_string())),
    };
    let (pieces, received) = mpsc::channel(PIECES);
    let reading = tokio::task::spawn_blocking(move || reader(Pieces { received, piece: Bytes::new() }));
    let downloaded = loop {
        match timeout(SILENCE, body.next()).await {
            Err(_) => break Err(named(format!("it sent nothing for {} s", SILENCE.as_secs()))),
            Ok(None) => break Ok(()),
            Ok(Some(Err(error))) => break Err(named(error)),
            Ok(Some(Ok(_))) if fetched.is_given_up() => break Err(named("the test was given up".to_owned())),
            Ok(Some(Ok(piece))) => {
                fetched.add(piece.len());
                // A reader that has ended says why.
                if pieces.send(piece).await.is_err() {
                    break Ok(());
                }
            }
        }
    };
    drop(pieces);
    let read = reading.await.map_err(|error| named(error.to_string()))?;
    // A file that broke off cannot be read either: the reason is the download's.
    downloaded.and(read)
}

/// The pieces of a download, as the thread reads them that makes rows of them.
struct Pieces {
    received: mpsc::Receiver<Bytes>,
    piece: Bytes,
}

impl Read for Pieces {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.received.blocking_recv() {
                Some(piece) => self.piece = piece,
                None => return Ok(0),
            }
        }
        let n = into.len().min(self.piece.len());
        into[..n].copy_from_slice(&self.piece.split_to(n));
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use actix_web::{App, HttpResponse, HttpServer, web};
    use common::plan::files::put_facts;
    use common::plan::read_value;
    use serde_json::json;

    use super::*;

    fn users() -> Vec<u8> {
        let rows: String = (0..50_000).map(|i| format!("user{i}\n")).collect();
        format!("id\n{rows}").into_bytes()
    }

    fn program(users: &[u8]) -> Arc<Program> {
        let mut plan = json!({
            "target": { "url": "http://a.test/" },
            "data": { "user": { "file": FileHash::of(users).in_plan(), "order": "once" } },
            "requests": { "get": { "path": "/{{user.id}}" } },
            "load": { "rate": 1, "duration": "10s" },
        });
        let open: &dyn Fn(&FileHash) -> _ = &|_| Ok(Some((users, users.len() as u64)));
        assert_eq!(put_facts(&mut plan, open), []);
        read_value(&plan).unwrap().program.unwrap()
    }

    /// Fetches from a server that answers like this.
    async fn fetch_from(
        answer: fn() -> HttpResponse,
        program: &Arc<Program>,
    ) -> (Result<Files, String>, u64) {
        let server = HttpServer::new(move || {
            App::new().route("/api/v1/data/{hash}", web::get().to(move || async move { answer() }))
        });
        let server = server.workers(1).bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}", server.addrs()[0]).parse().unwrap();
        let running = actix_rt::spawn(server.run());
        let fetched = Fetched::default();
        let files = fetch(program, Some(&OrchestratorClient::new(url, None, None)), &fetched).await;
        running.abort();
        (files, fetched.bytes())
    }

    #[actix_rt::test]
    async fn rows_are_fetched_and_progress_is_counted() {
        let users = users();
        let (files, bytes) = fetch_from(|| HttpResponse::Ok().body(self::users()), &program(&users)).await;
        let files = files.unwrap();
        assert_eq!((files.rows[&0].len(), files.rows[&0].cell(49_999, 0)), (50_000, "user49999"));
        assert_eq!(bytes, users.len() as u64);
    }

    #[actix_rt::test]
    async fn what_cannot_be_fetched_is_refused_with_the_reason() {
        let program = program(&users());
        type Answer = fn() -> HttpResponse;
        let cases: [(Answer, &str); 4] = [
            (|| HttpResponse::NotFound().finish(), "does not have the file any more"),
            (|| HttpResponse::Unauthorized().finish(), "refuses this driver's token"),
            (|| HttpResponse::Ok().body("id\nother\n"), "data.user: the file is sha256:"),
            (|| HttpResponse::Ok().body(users()[..100_000].to_vec()), "data.user: the file is sha256:"),
        ];
        for (answer, expected) in cases {
            let refused = fetch_from(answer, &program).await.0.unwrap_err();
            assert!(refused.contains(expected), "{refused}: {expected}");
        }
        let refused = fetch(&program, None, &Fetched::default()).await.unwrap_err();
        assert!(refused.contains("(--orchestrator)"), "{refused}");
    }
}
