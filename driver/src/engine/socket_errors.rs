//! What an error of a socket is counted as.

use std::io;

use common::counters::ErrorKind;
use rustix::io::Errno;

/// Errors that mean this machine had no room: no memory, no descriptor, no source port, no buffer space.
const LOCAL_LIMITS: [Errno; 5] =
    [Errno::NOMEM, Errno::NFILE, Errno::MFILE, Errno::ADDRNOTAVAIL, Errno::NOBUFS];

fn is_local_limit(error: &io::Error) -> bool {
    Errno::from_io_error(error).is_some_and(|errno| LOCAL_LIMITS.contains(&errno))
}

/// What a failed connect is counted as.
pub fn connect_error(error: &io::Error) -> ErrorKind {
    if is_local_limit(error) {
        return ErrorKind::LocalLimit;
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused => ErrorKind::Refused,
        io::ErrorKind::TimedOut => ErrorKind::ConnectTimeout,
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => ErrorKind::Reset,
        _ => ErrorKind::Unreachable,
    }
}

/// What a failed TLS handshake is counted as.
pub fn handshake_error(error: &io::Error) -> ErrorKind {
    match connect_error(error) {
        ErrorKind::LocalLimit => ErrorKind::LocalLimit,
        _ => ErrorKind::Tls,
    }
}

/// What a failed read is counted as.
pub fn read_error(error: &io::Error) -> ErrorKind {
    match error.kind() {
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => ErrorKind::Reset,
        _ if is_local_limit(error) => ErrorKind::LocalLimit,
        // rustls: the bytes are not a valid record of this session.
        io::ErrorKind::InvalidData => ErrorKind::Tls,
        _ => ErrorKind::Closed,
    }
}

/// What a failed write is counted as.
pub fn write_error(error: &io::Error) -> ErrorKind {
    match error.kind() {
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => ErrorKind::Reset,
        _ if is_local_limit(error) => ErrorKind::LocalLimit,
        _ => ErrorKind::Write,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_kernel_have_a_kind_each() {
        for (errno, kind) in [
            (Errno::CONNREFUSED, ErrorKind::Refused),
            (Errno::HOSTUNREACH, ErrorKind::Unreachable),
            (Errno::NETUNREACH, ErrorKind::Unreachable),
            (Errno::TIMEDOUT, ErrorKind::ConnectTimeout),
            (Errno::MFILE, ErrorKind::LocalLimit),
            (Errno::ADDRNOTAVAIL, ErrorKind::LocalLimit),
        ] {
            assert_eq!(connect_error(&errno.into()), kind, "{errno}");
        }
        assert_eq!(read_error(&Errno::CONNRESET.into()), ErrorKind::Reset);
        assert_eq!(write_error(&Errno::PIPE.into()), ErrorKind::Write);
        assert_eq!(write_error(&Errno::CONNRESET.into()), ErrorKind::Reset);
    }
}
