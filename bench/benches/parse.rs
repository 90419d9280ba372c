//! What it costs to find the end of one answer, as the wire engine does.
#![allow(missing_docs)] // criterion's macros write the functions

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use driver::engine::{AnswerReader, AnswerTo};

/// What `bench sink` answers.
const SMALL: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 4\r\n\r\npong";

/// What a service behind a proxy answers.
const USUAL: &[u8] = b"HTTP/1.1 200 OK\r\n\
    server: nginx\r\n\
    date: Tue, 24 Nov 2026 07:00:00 GMT\r\n\
    content-type: application/json; charset=utf-8\r\n\
    content-length: 12\r\n\
    connection: keep-alive\r\n\
    vary: accept-encoding\r\n\
    etag: W/\"1f-0123456789abcdef0123456789abcdef\"\r\n\
    cache-control: private, max-age=0, must-revalidate\r\n\
    x-request-id: 0198b0c4-7c1e-7b5d-9d3a-0f6d2b1c4e5f\r\n\
    strict-transport-security: max-age=31536000; includeSubDomains\r\n\r\n\
    {\"ok\": true}";

const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\npong\r\n0\r\n\r\n";

fn parse(c: &mut Criterion) {
    for (name, bytes) in [("small", SMALL), ("usual", USUAL), ("chunked", CHUNKED)] {
        let mut answer = AnswerReader::new(AnswerTo::default());
        c.bench_function(&format!("parse/{name}"), |b| {
            b.iter(|| {
                answer.reset(AnswerTo::default());
                answer.take(black_box(bytes))
            });
        });
    }
    // A head that comes in two reads is kept until it is whole.
    let (first, second) = USUAL.split_at(100);
    c.bench_function("parse/usual in two reads", |b| {
        b.iter_batched_ref(
            || AnswerReader::new(AnswerTo::default()),
            |answer| {
                let _ = answer.take(black_box(first));
                answer.take(black_box(second))
            },
            BatchSize::SmallInput,
        );
    });
}

criterion_group!(benches, parse);
criterion_main!(benches);
