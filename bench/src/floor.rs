//! The physical floor of one request per send and receive: no schedule, no poll, no parsing, no figures. What it
//! takes is the kernel's share, and no program that sends one request per system call can take less.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Args;

use crate::sink::ANSWER_BYTES;

/// `bench floor`
#[derive(Debug, Args)]
pub struct FloorArgs {
    /// The receiving end, which must be `bench sink`: the size of its answer is known
    #[arg(long, value_name = "ADDR")]
    to: SocketAddr,
    /// How many connections
    #[arg(long, value_name = "N", default_value_t = 64)]
    connections: usize,
    /// For how long
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration, default_value = "4s")]
    duration: Duration,
}

/// Sends and receives until the time is over.
///
/// # Errors
/// Where a connection fails.
pub fn run(arguments: &FloorArgs) -> anyhow::Result<()> {
    let request = format!("GET /ping HTTP/1.1\r\nhost: {}\r\n\r\n", arguments.to);
    let mut connections = (0..arguments.connections)
        .map(|_| {
            let stream = TcpStream::connect(arguments.to)?;
            stream.set_nodelay(true)?;
            Ok(stream)
        })
        .collect::<std::io::Result<Vec<_>>>()
        .with_context(|| format!("connecting to {}", arguments.to))?;
    let mut answer = [0; 4 * 1024];
    let until = Instant::now() + arguments.duration;
    while Instant::now() < until {
        for connection in &mut connections {
            connection.write_all(request.as_bytes())?;
        }
        for connection in &mut connections {
            let read = connection.read(&mut answer)?;
            ensure!(read == ANSWER_BYTES, "an answer of {read} bytes, not {ANSWER_BYTES}: not from a sink");
        }
    }
    Ok(())
}
