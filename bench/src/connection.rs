//! One connection to the receiving end: how many requests came over it, and what of their answers is not written. It
//! counts the ends of heads and parses nothing, for all answers are equal; a shop has a [`Talk`] instead.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{ServerConfig, ServerConnection};

use crate::shop::Talk;

const END_OF_HEAD: &[u8; 4] = b"\r\n\r\n";

/// One connection to the receiving end.
pub struct Connection {
    pub stream: TcpStream,
    tls: Option<ServerConnection>,
    /// How many bytes of [`END_OF_HEAD`] the last read ended with.
    matched: usize,
    /// Answers that were not written whole yet, and how much of the first of them was.
    pub unanswered: usize,
    written: usize,
    /// The socket had no room for all of them: it is watched for that as well.
    pub full: bool,
    /// With a shop alone, which has other answers than those counted here.
    pub talk: Talk,
}

impl Connection {
    /// One that was just accepted.
    pub fn new(stream: TcpStream, tls: Option<ServerConnection>) -> Self {
        let talk = Talk::default();
        Self { stream, tls, matched: 0, unanswered: 0, written: 0, full: false, talk }
    }

    /// Reads what came; returns how many requests ended in it.
    pub fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let Some(tls) = &mut self.tls else {
            return match self.stream.read(buffer)? {
                0 => Err(ErrorKind::UnexpectedEof.into()),
                n => Ok(heads(&buffer[..n], &mut self.matched)),
            };
        };
        if tls.read_tls(&mut self.stream)? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        tls.process_new_packets().map_err(std::io::Error::other)?;
        let mut n_heads = 0;
        while let Ok(n @ 1..) = tls.reader().read(buffer) {
            n_heads += heads(&buffer[..n], &mut self.matched);
        }
        Ok(n_heads)
    }

    /// Writes answers until all are written or the socket is full; whether all were.
    pub fn write(&mut self, answer: &[u8]) -> std::io::Result<bool> {
        if let Some(tls) = &mut self.tls {
            for _ in 0..std::mem::take(&mut self.unanswered) {
                tls.writer().write_all(answer)?;
            }
            while tls.wants_write() {
                match tls.write_tls(&mut self.stream) {
                    Ok(_) => {}
                    Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                    Err(error) => return Err(error),
                }
            }
            return Ok(true);
        }
        while self.unanswered > 0 {
            match self.stream.write(&answer[self.written..]) {
                Ok(n) => self.written += n,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
            if self.written == answer.len() {
                (self.written, self.unanswered) = (0, self.unanswered - 1);
            }
        }
        Ok(true)
    }
}

/// The settings of a TLS server with a new self-signed certificate.
pub fn tls_config() -> anyhow::Result<Arc<ServerConfig>> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()])?;
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)?;
    Ok(Arc::new(config))
}

/// How many heads end in `bytes`, where `matched` bytes of an end had come before.
fn heads(bytes: &[u8], matched: &mut usize) -> usize {
    let mut n = 0;
    for byte in bytes {
        if *byte == END_OF_HEAD[*matched] {
            *matched += 1;
            if *matched == END_OF_HEAD.len() {
                *matched = 0;
                n += 1;
            }
        } else {
            *matched = usize::from(*byte == b'\r');
        }
    }
    n
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_counted_wherever_a_read_cuts_them() {
        let three = b"GET / HTTP/1.1\r\nhost: a\r\n\r\nGET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nx: \r\r\n\r\n";
        for cut in 0..=three.len() {
            let mut matched = 0;
            let (before, after) = three.split_at(cut);
            let n = heads(before, &mut matched) + heads(after, &mut matched);
            assert_eq!((n, matched), (3, 0), "cut at {cut}");
        }
    }
}
