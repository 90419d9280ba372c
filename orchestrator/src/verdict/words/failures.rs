//! No request succeeded: one sentence for each kind of failure, with the remedy. Users see it when their first test
//! does not work, so it must name the setting to change, by its flag where there is one.

use std::time::Duration;

use common::counters::ErrorKind;
use common::tls_cause::TlsCause;

use crate::human::{count, counted, ms, names};
use crate::model::FindingKind;
use crate::verdict::failures::{Failure, Failures};

/// Most kinds of failure that one sentence lists.
const MAX_KINDS: usize = 3;

/// Why no request succeeded.
#[derive(Debug, Clone, PartialEq)]
pub enum AllFailed {
    /// The schedule had no request.
    NoneDue,
    /// Requests were due, none was sent.
    NoneSent {
        /// How many were due.
        due: u64,
        /// Drivers that do not report it.
        without: Vec<String>,
    },
    /// All that were sent failed, or their end is not known.
    Failed(Failed),
}

/// Requests that all failed.
#[derive(Debug, Clone, PartialEq)]
pub struct Failed {
    /// How many were sent.
    pub sent: u64,
    /// How many of these failed, as far as that is known.
    pub failed: u64,
    /// How they failed; other people's drivers do not report it.
    pub failures: Failures,
    /// Why TLS failed, the most frequent cause first; empty where the drivers do not report causes.
    pub tls_causes: Vec<(TlsCause, u64)>,
    /// `host:port` of the target.
    pub target: String,
    /// Whether the URL is https.
    pub tls: bool,
    /// The method of the requests.
    pub method: String,
    /// The timeout of a request.
    pub timeout: Duration,
    /// Drivers that are not included, because they do not report how their requests ended.
    pub without: Vec<String>,
}

impl AllFailed {
    pub fn kind(&self) -> FindingKind {
        let failed = match self {
            Self::NoneDue => return FindingKind::NoRequestDue,
            Self::NoneSent { .. } => return FindingKind::NoneSent,
            Self::Failed(failed) => failed,
        };
        match failed.only() {
            Some(Only::Statuses) => FindingKind::AllFailedStatus,
            Some(Only::Error(kind)) => match kind {
                ErrorKind::Resolve => FindingKind::AllFailedResolve,
                ErrorKind::Refused => FindingKind::AllFailedRefused,
                ErrorKind::Unreachable => FindingKind::AllFailedUnreachable,
                ErrorKind::ConnectTimeout => FindingKind::AllFailedConnectTimeout,
                ErrorKind::Tls => FindingKind::AllFailedTls,
                ErrorKind::Write => FindingKind::AllFailedWrite,
                ErrorKind::Reset => FindingKind::AllFailedReset,
                ErrorKind::Closed => FindingKind::AllFailedClosed,
                ErrorKind::Timeout => FindingKind::AllFailedTimeout,
                ErrorKind::Protocol => FindingKind::AllFailedProtocol,
                ErrorKind::TooLarge => FindingKind::AllFailedTooLarge,
                ErrorKind::Check => FindingKind::AllFailedCheck,
                ErrorKind::Extract => FindingKind::AllFailedExtract,
                ErrorKind::Template => FindingKind::AllFailedTemplate,
                ErrorKind::Target => FindingKind::AllFailedTarget,
                ErrorKind::LocalLimit => FindingKind::AllFailedLocalLimit,
                ErrorKind::Cancelled => FindingKind::AllCancelled,
            },
            None => FindingKind::AllFailedMixed,
        }
    }

    pub fn text(&self) -> String {
        match self {
            Self::NoneDue => "no request was due: the plan ends before its first request".to_owned(),
            Self::NoneSent { due, without } => {
                format!("none of the {} that were due was sent{}", counted(*due, "request"), unknown(without))
            }
            Self::Failed(failed) => {
                let what = match failed.only() {
                    Some(Only::Statuses) => failed.statuses(),
                    Some(Only::Error(ErrorKind::Cancelled)) => {
                        return format!("{}{}", cancelled(failed.sent), unknown(&failed.without));
                    }
                    Some(Only::Error(kind)) => failed.error(kind),
                    None => failed.mixed(),
                };
                format!("no request succeeded{}: {what}", unknown(&failed.without))
            }
        }
    }
}

/// As in ` (how requests of c ended is not known)`; nothing where all is known.
fn unknown(without: &[String]) -> String {
    match without {
        [] => String::new(),
        _ => format!(" (how requests of {} ended is not known)", names(without.iter().map(String::as_str))),
    }
}

/// All requests failed in one way.
enum Only {
    Statuses,
    Error(ErrorKind),
}

impl Failed {
    fn known(&self) -> u64 {
        self.failures.iter().map(|(_, n)| n).sum()
    }

    /// The one way in which all failed; `None` for several ways, or where the end of some is not known.
    fn only(&self) -> Option<Only> {
        let statuses = self.failures.iter().all(|(failure, _)| matches!(failure, Failure::Status(_)));
        match self.failures.as_slice() {
            _ if self.known() < self.sent => None,
            [] => None,
            _ if statuses => Some(Only::Statuses),
            [(Failure::Error(kind), _)] => Some(Only::Error(*kind)),
            _ => None,
        }
    }

    /// As in `all 100 requests`, `the only request`.
    fn all(&self, one: &str) -> String {
        match self.sent {
            1 => format!("the only {one}"),
            n => format!("all {} {one}s", count(n)),
        }
    }

    /// As in `for all 100 requests`.
    fn for_all(&self) -> String {
        format!("for {}", self.all("request"))
    }

    fn statuses(&self) -> String {
        match self.failures.as_slice() {
            [(Failure::Status(status), _)] => {
                let what = if self.sent == 1 { "the only answer was" } else { "answers were" };
                let what =
                    if self.sent == 1 { what.to_owned() } else { format!("all {} {what}", count(self.sent)) };
                format!(
                    "{what} {status}. {}; if {status} is right, --expect-status {status}",
                    status_advice(*status, &self.method)
                )
            }
            failures => {
                let most = failures.first().map_or(0, |(failure, _)| match failure {
                    Failure::Status(status) => *status,
                    Failure::Error(_) => 0,
                });
                format!(
                    "all {} answers had an unexpected status ({}). {}; --expect-status says which ones count as success",
                    count(self.sent),
                    by_kind(&self.failures).unwrap_or_default(),
                    status_advice(most, &self.method)
                )
            }
        }
    }

    /// What happened and what to do where all failed in one way.
    fn error(&self, kind: ErrorKind) -> String {
        let (target, host) = (&self.target, host_of(&self.target));
        let what = match kind {
            ErrorKind::Resolve => format!("the name {host} could not be resolved {}", self.for_all()),
            ErrorKind::Refused => match self.sent {
                1 => format!("the only connection to {target} was refused"),
                n => format!("all {} connections to {target} were refused", count(n)),
            },
            ErrorKind::Unreachable => format!("there was no route to {target} {}", self.for_all()),
            ErrorKind::ConnectTimeout => {
                format!("no connection to {target} within {} {}", self.limit(), self.for_all())
            }
            ErrorKind::Tls => format!("the TLS handshake with {target} failed {}", self.for_all()),
            ErrorKind::Write => format!("sending the request to {target} failed {}", self.for_all()),
            ErrorKind::Reset => format!("{target} reset the connection {}", self.for_all()),
            ErrorKind::Closed => {
                format!("{target} closed the connection before its answer was complete, {}", self.for_all())
            }
            ErrorKind::Timeout => {
                format!("{target} sent no complete answer within {} {}", self.limit(), self.for_all())
            }
            ErrorKind::Protocol => format!("what {target} sent was not valid HTTP/1.1, {}", self.for_all()),
            ErrorKind::TooLarge => {
                format!("the answer of {target} was larger than a driver reads, {}", self.for_all())
            }
            ErrorKind::LocalLimit => format!(
                "the driver's machine had no source port, descriptor or buffer space {}",
                self.for_all()
            ),
            ErrorKind::Check => format!("the answers of {target} failed a check {}", self.for_all()),
            ErrorKind::Extract => {
                format!("the answers of {target} lacked a value to extract {}", self.for_all())
            }
            ErrorKind::Template => {
                format!(
                    "a value did not fit its place in the request, and nothing was sent, {}",
                    self.for_all()
                )
            }
            ErrorKind::Target => {
                format!(
                    "the address to send to is on no declared host, and nothing was sent, {}",
                    self.for_all()
                )
            }
            ErrorKind::Cancelled => return cancelled(self.sent),
        };
        let causes = if kind == ErrorKind::Tls { self.tls_causes() } else { String::new() };
        format!("{what}{causes}. {}", self.advice(kind))
    }

    /// As in ` (certificate expired)`.
    fn tls_causes(&self) -> String {
        match self.tls_causes.as_slice() {
            [] | [(TlsCause::Other, _)] => String::new(),
            [(cause, _)] => format!(" ({})", cause.words()),
            causes => {
                let shown: Vec<String> =
                    causes.iter().map(|(cause, n)| format!("{}: {}", cause.words(), count(*n))).collect();
                format!(" ({})", shown.join(", "))
            }
        }
    }

    /// What to do about the most frequent cause of a TLS failure.
    fn tls_advice(&self) -> &'static str {
        let cause = self.tls_causes.first().map_or(TlsCause::Other, |(cause, _)| *cause);
        match (cause, cause.remedy()) {
            (_, Some(remedy)) => remedy,
            (TlsCause::ProtocolVersion, _) => "Update the server's TLS",
            (TlsCause::NoHttp1, _) => "Let the server offer HTTP/1.1: HTTP/2 alone is not supported",
            _ => {
                "Check that this port speaks TLS, and that its certificate is trusted; --ca FILE trusts it, --insecure \
                 skips the check"
            }
        }
    }

    fn limit(&self) -> String {
        format!("the timeout of {}", ms(self.timeout.as_secs_f64() * 1e3))
    }

    fn advice(&self, kind: ErrorKind) -> &'static str {
        match kind {
            ErrorKind::Resolve => "Check the name in the URL, and the name servers of the driver's machine",
            ErrorKind::Refused => "Start the server, or check the port in the URL",
            ErrorKind::Unreachable => "Check the address in the URL, and the network of the driver's machine",
            ErrorKind::ConnectTimeout => {
                "Check the address and the port in the URL, and firewalls; --timeout allows more time"
            }
            ErrorKind::Tls => self.tls_advice(),
            ErrorKind::Write => "Look at the server's log, and at the size of request that it accepts",
            ErrorKind::Reset => "Look at the server's log, and at its limit of connections",
            ErrorKind::Closed => "Look at the server's log",
            ErrorKind::Timeout => "Look at the server's log; --timeout allows more time",
            ErrorKind::Protocol if self.tls => "Check that this port speaks HTTP/1.1",
            ErrorKind::Protocol => {
                "Check that this port speaks HTTP/1.1 without TLS (for TLS the URL begins with https://)"
            }
            ErrorKind::TooLarge => "Test a path with a smaller answer",
            ErrorKind::LocalLimit => {
                "Raise the limits of that machine (LimitNOFILE, ip_local_port_range), or use more drivers"
            }
            ErrorKind::Check | ErrorKind::Extract => {
                "See what one session receives, and correct the plan's check or extract"
            }
            ErrorKind::Template => "See the values of one session, and correct the plan's templates or data",
            ErrorKind::Target => "Declare the host in [target.hosts], if it is to be sent to",
            ErrorKind::Cancelled => "Let the test run for longer",
        }
    }

    fn mixed(&self) -> String {
        let failed = self.failed.max(self.known());
        let open = self.sent.saturating_sub(failed);
        let unexplained = Some(failed - self.known()).filter(|n| *n > 0);
        let unexplained = unexplained.map(|n| format!("no reason reported: {}", count(n)));
        let kinds: Vec<String> = by_kind(&self.failures).into_iter().chain(unexplained).collect();
        let kinds = (!kinds.is_empty()).then(|| kinds.join(", "));
        let of = counted(self.sent, "request");
        let what = match (open, kinds) {
            (0, kinds) => format!("all {of} failed ({})", kinds.unwrap_or_default()),
            (open, None) if open == self.sent => format!("how {of} ended is not known"),
            (open, kinds) => format!(
                "of {of}, {} failed ({}) and how {} ended is not known",
                count(failed),
                kinds.unwrap_or_default(),
                count(open)
            ),
        };
        let advice = self.failures.first().map(|(failure, _)| match failure {
            Failure::Status(status) => status_advice(*status, &self.method).to_owned(),
            Failure::Error(kind) => self.advice(*kind).to_owned(),
        });
        advice.map_or(what.clone(), |advice| format!("{what}. {advice}"))
    }
}

fn cancelled(n: u64) -> String {
    match n {
        1 => "the 1 request in flight was cancelled by the stop; it had not been answered yet".to_owned(),
        n => format!(
            "the {} requests in flight were cancelled by the stop; none had been answered yet",
            count(n)
        ),
    }
}

/// What an unexpected status means, and what to look at.
fn status_advice(status: u16, method: &str) -> String {
    match status {
        401 | 403 | 407 => {
            "The server refuses access: check --user or the header with the credentials".to_owned()
        }
        404 | 410 => "The server answers, but not at this path".to_owned(),
        405 => format!("The server does not accept {method} at this path: check --method"),
        429 => "The server limits the rate: raise its limit, or lower the rate".to_owned(),
        300..=399 => "Redirects are not followed: test the address that they name".to_owned(),
        400..=499 => "The server does not accept the request: check --method, --header and --body".to_owned(),
        502..=504 => "The server, or a proxy before it, is not available: look at its log".to_owned(),
        500..=599 => "The server fails: look at its log".to_owned(),
        _ => "The server answers with a status that is not expected".to_owned(),
    }
}

/// The host of a `host:port`.
fn host_of(target: &str) -> &str {
    target.rsplit_once(':').map_or(target, |(host, _)| host)
}

/// How requests failed, the most frequent first, as in `404: 20, timeout: 3`; `None` where none did.
pub fn by_kind(failures: &Failures) -> Option<String> {
    let shown = failures.iter().take(MAX_KINDS).map(|(failure, n)| match failure {
        Failure::Status(status) => format!("{status}: {}", count(*n)),
        Failure::Error(kind) => format!("{}: {}", kind.as_str(), count(*n)),
    });
    let mut shown: Vec<String> = shown.collect();
    let more: u64 = failures.iter().skip(MAX_KINDS).map(|(_, n)| n).sum();
    if more > 0 {
        shown.push(format!("others: {}", count(more)));
    }
    (!shown.is_empty()).then(|| shown.join(", "))
}
