//! Data files over REST: put by who submits a plan, fetched by each driver. Both ways a file is streamed, so that it takes
//! the memory of a piece, whatever its size.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::{Method, StatusCode, header};
use actix_web::web::{self, Bytes, Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use common::plan::files::FileHash;
use futures_util::{StreamExt, stream};
use serde::Serialize;
use utoipa::ToSchema;

use super::error_responses;
use super::problem::Problem;
use super::query::Query;
use super::state::AppState;
use crate::data_files::{DataError, DataFiles, Put, Upload};

/// Longest silence of a client that puts a file.
const SILENCE: Duration = Duration::from_secs(30);

/// Bytes that are written or read at once.
const PIECE_BYTES: usize = 256 * 1024;

/// A data file that is here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DataFile {
    /// The hash of its content, 64 hex digits; a plan names it as `sha256:` and these.
    pub sha256: String,
    /// Its length, bytes.
    pub bytes: u64,
}

/// The hash in the path. It becomes a file's name, so it is read strictly.
fn hash(request: &HttpRequest) -> Option<FileHash> {
    FileHash::parse(request.match_info().get("sha256").unwrap_or_default())
}

/// Puts a data file under the SHA-256 of its content, for plans that name it as `sha256:…`. It is kept for as long as a
/// test names it, or for an hour (`[data] keep_unnamed`) after it was put or asked for with HEAD.
#[utoipa::path(
    put,
    path = "/api/v1/data/{sha256}",
    operation_id = "put_data_file",
    tag = "tests",
    params(("sha256" = String, Path, description = "the SHA-256 of the content, 64 lower-case hex digits", pattern = "^[0-9a-f]{64}$")),
    request_body(description = "the content, as it is", content = String, content_type = "application/octet-stream"),
    responses(
        (status = 201, description = "it is here now", body = DataFile, content_type = "application/json"),
        (status = 200, description = "it was here already", body = DataFile, content_type = "application/json"),
        error_responses::Stored,
        (status = 403, response = error_responses::Forbidden),
        (status = 408, response = error_responses::RequestTimeout),
        (status = 413, response = error_responses::PayloadTooLarge),
        (status = 415, response = error_responses::UnsupportedMediaType),
        (status = 507, response = error_responses::InsufficientStorage),
    )
)]
pub async fn put(
    request: HttpRequest,
    payload: Payload,
    state: Data<AppState>,
) -> Result<HttpResponse, Problem> {
    Query::none(request.query_string())?;
    let named = hash(&request).ok_or_else(|| {
        Problem::bad_request(
            "the path names no file: it ends with the SHA-256 of the content, 64 digits of 0-9 and a-f",
        )
    })?;
    if request.headers().get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        let detail = "a data file is sent without content-encoding";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
            .with_header("accept-encoding", "identity"));
    }
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    let announced = announced.and_then(|length| length.parse().ok());
    let files = Arc::clone(&state.data);
    let upload = blocking(move || files.put(announced)).await?;
    let upload = receive(upload, payload).await?;
    let bytes = upload.bytes();
    let put = {
        let _kept = state.data.in_use().await;
        blocking(move || upload.finish(&named)).await?
    };
    let status = match put {
        Put::Created => StatusCode::CREATED,
        Put::Present => StatusCode::OK,
    };
    Ok(HttpResponse::build(status).json(DataFile { sha256: named.to_string(), bytes }))
}

/// Writes a body as it arrives.
async fn receive(mut upload: Upload, mut payload: Payload) -> Result<Upload, Problem> {
    let mut piece = Vec::with_capacity(PIECE_BYTES);
    loop {
        let next = tokio::time::timeout(SILENCE, payload.next()).await.map_err(|_| {
            let detail = format!("nothing of the file arrived for {} s", SILENCE.as_secs());
            Problem::new(StatusCode::REQUEST_TIMEOUT, detail)
        })?;
        let is_last = next.is_none();
        if let Some(chunk) = next {
            let chunk =
                chunk.map_err(|error| Problem::bad_request(format!("the body broke off: {error}")))?;
            piece.extend_from_slice(&chunk);
        }
        if piece.len() >= PIECE_BYTES || (is_last && !piece.is_empty()) {
            (upload, piece) = blocking(move || {
                upload.write(&piece)?;
                piece.clear();
                Ok((upload, piece))
            })
            .await?;
        }
        if is_last {
            return Ok(upload);
        }
    }
}

/// Work with the disk, on a thread for it.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, DataError> + Send + 'static,
) -> Result<T, Problem> {
    Ok(web::block(work).await.map_err(|error| Problem::stopped(&error))??)
}

/// A data file, as it was put.
#[utoipa::path(
    get,
    path = "/api/v1/data/{sha256}",
    operation_id = "get_data_file",
    tag = "tests",
    params(("sha256" = String, Path, description = "the SHA-256 of the content, 64 lower-case hex digits", pattern = "^[0-9a-f]{64}$")),
    responses(
        (status = 200, description = "the content", body = String, content_type = "application/octet-stream"),
        error_responses::OfATest,
    )
)]
pub async fn get(request: HttpRequest, state: Data<AppState>) -> Result<HttpResponse, Problem> {
    Query::none(request.query_string())?;
    let unknown = || Problem::not_found("a data file of that hash does not exist");
    let hash = hash(&request).ok_or_else(unknown)?;
    // Who asks whether a file is here is about to name it.
    let is_asked = *request.method() == Method::HEAD;
    let files = Arc::clone(&state.data);
    let found = blocking(move || {
        if is_asked {
            files.keep(&hash)?;
        }
        Ok(files.find(&hash)?)
    });
    let (file, bytes) = found.await?.ok_or_else(unknown)?;
    let mut response = HttpResponse::Ok();
    response.content_type("application/octet-stream").no_chunking(bytes);
    if is_asked {
        return Ok(response.streaming(stream::empty::<Result<Bytes, io::Error>>()));
    }
    let pieces = stream::try_unfold(file, |mut file| async move {
        let read = web::block(move || {
            let mut piece = vec![0; PIECE_BYTES];
            let n = file.read(&mut piece)?;
            piece.truncate(n);
            Ok::<_, io::Error>((piece, file))
        });
        let (piece, file) = read.await.map_err(io::Error::other)??;
        Ok::<_, io::Error>((!piece.is_empty()).then(|| (Bytes::from(piece), file)))
    });
    Ok(response.streaming(pieces))
}

/// Deletes the files of a test that was deleted, where no other test names them. A failure is logged: they go later, as
/// files that no test names.
pub async fn forget(state: &AppState, hashes: BTreeSet<FileHash>) {
    if hashes.is_empty() {
        return;
    }
    let _alone = state.data.alone().await;
    let named = match state.history.named_files().await {
        Ok(named) => named,
        Err(error) => return log::warn!(error:%; "data files of a deleted test not looked at"),
    };
    let files: Arc<DataFiles> = Arc::clone(&state.data);
    match web::block(move || files.forget(&hashes, &named)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => log::warn!(error:%; "data file not deleted"),
        Err(error) => log::warn!(error:%; "data file not deleted"),
    }
}
