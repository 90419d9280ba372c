//! What a verdict found, one entry each: a kind for programs, a sentence for people.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One reason, warning or note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Finding)]
pub struct FindingView {
    /// What was found, as a word for programs.
    pub kind: FindingKind,
    /// Whether it decides the verdict.
    pub level: FindingLevel,
    /// The node id of the driver that it is about; null where it is about several, or about none.
    pub driver: Option<String>,
    /// The sentence, the same as in `reasons`, `warnings` or `notes`.
    pub text: String,
}

/// What a finding does to the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FindingLevel {
    /// Decides the verdict, or would if nothing worse were found.
    Reason,
    /// Changes no verdict, and should be known.
    Warning,
    /// Holds for every test of this kind.
    Note,
}

/// Defines the kinds and the list of them, so that the list leaves none out.
macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Every kind of finding. New kinds may be added; the sentence of a kind may change, its name does not.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum FindingKind {
            $($(#[$doc])* $name,)*
            /// A kind that this version does not know: the report is of a newer one.
            #[serde(other)]
            Unknown,
        }

        impl FindingKind {
            /// Every kind that this version writes.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];
        }
    };
}

kinds! {
    /// Someone stopped the test.
    Stopped,
    /// A condition of the plan's `[abort]` ended the test.
    AbortedByPlan,
    /// The orchestrator that led the test ended before the test did: its Kafka ended with it, or it was started again
    /// with another Kafka.
    Interrupted,
    /// The drivers were never triggered.
    NeverStarted,
    /// A step of setup failed, so that the load did not start.
    SetupFailed,
    /// A driver or the orchestrator ended while setup ran, so that the load did not start.
    SetupLost,
    /// A classic driver sent no report after the trigger.
    DriverDeaf,
    /// A driver sends heartbeats and no windows.
    DriverOverdue,
    /// A driver was lost.
    DriverLost,
    /// A driver left the test because its process received a signal to end.
    DriverLeft,
    /// A driver ended its load early and reported why.
    DriverCutShort,
    /// Windows of a driver did not arrive.
    WindowsMissing,
    /// Windows did not arrive in more places than are listed one by one.
    MoreWindowsMissing,
    /// A driver ran out of source ports, descriptors or buffer space.
    LocalLimit,
    /// Workers of an open loop had no idle time.
    NoIdleTime,
    /// Requests came too late to be sent.
    LateDrops,
    /// Requests began later than allowed.
    GeneratorLate,
    /// Answers were read later than allowed.
    SlowToRead,
    /// A driver did not run for a while: it was stopped, or its host was.
    DriverStopped,
    /// Nothing was due.
    NoRequestDue,
    /// Requests were due, and none was sent.
    NoneSent,
    /// Every answer had an unexpected status.
    AllFailedStatus,
    /// The name could not be resolved for any request.
    AllFailedResolve,
    /// Every connection was refused.
    AllFailedRefused,
    /// There was no route for any request.
    AllFailedUnreachable,
    /// No connection was established in time.
    AllFailedConnectTimeout,
    /// Every TLS handshake failed.
    AllFailedTls,
    /// Every request broke while it was written.
    AllFailedWrite,
    /// Every connection was reset.
    AllFailedReset,
    /// Every connection was closed before its answer was whole.
    AllFailedClosed,
    /// No answer arrived in time.
    AllFailedTimeout,
    /// No answer was HTTP.
    AllFailedProtocol,
    /// Every answer was too large.
    AllFailedTooLarge,
    /// Every answer failed a check.
    AllFailedCheck,
    /// Every answer lacked a value to extract.
    AllFailedExtract,
    /// No request could be rendered.
    AllFailedTemplate,
    /// Every address from an answer was on no declared host.
    AllFailedTarget,
    /// Every request found no source port, descriptor or buffer space.
    AllFailedLocalLimit,
    /// Every request was cancelled by a stop.
    AllCancelled,
    /// No request succeeded, for several reasons.
    AllFailedMixed,
    /// A threshold on a latency is not met.
    LatencyThreshold,
    /// The threshold on the share of failed requests is not met.
    ErrorsThreshold,
    /// The target did not keep up: requests were not sent because too many were in flight.
    DroppedThreshold,
    /// The threshold on the throughput is not met.
    ThroughputThreshold,
    /// A threshold cannot be decided.
    ThresholdUndecided,
    /// A driver took part in two lives.
    DriverRestarted,
    /// A classic driver registered after the trigger.
    DriverJoinedLate,
    /// A classic driver sends figures that contradict each other.
    DriverImplausible,
    /// A classic driver sends heartbeats and has sent no report yet.
    DriverSilent,
    /// A classic driver sent more requests than it was to send.
    DriverSentMore,
    /// A classic driver goes on after the end of its load.
    DriverRunsOn,
    /// A classic driver did not report its end.
    DriverFellSilent,
    /// A classic driver does not report the figures that would show whether it was the limit.
    DriverReportsNoLag,
    /// A classic driver does not report what it sent.
    DriverReportsNoCounts,
    /// A classic driver reports what it sent, and not how its requests ended.
    DriverReportsNoEnds,
    /// A classic driver reports what it sent since its last report: its counts were added up.
    DriverCountsAddedUp,
    /// A classic driver reports counts that are neither totals nor those of an interval.
    DriverCountsUnclear,
    /// A classic driver's latencies look as if they were in another unit.
    DriverLatencyUnit,
    /// Nodes reported that do not take part.
    ForeignReports,
    /// A driver gave up spinning before each request.
    GaveUpSpinning,
    /// The host of a driver gave its CPU time to others.
    HostTookCpu,
    /// A closed loop used up the CPU of its drivers.
    CpuUsedUp,
    /// Drivers alone were later than allowed, the fleet was not.
    DriverLate,
    /// Requests began later than allowed, at a percentile above p99 that no threshold names.
    LateAboveP99,
    /// Part of the response times is delay of the generator.
    LagInResponse,
    /// One driver dropped more requests as late than allowed, the fleet did not.
    DriverLateDrops,
    /// A closed loop did not reach its ceiling.
    CeilingNotReached,
    /// Answers were redirects, which are not followed.
    Redirects,
    /// Most failures are answers that failed a check or lacked a value to extract.
    AnswersUnmet,
    /// Values of `[shared]` could not be renewed, and sessions kept the old ones.
    SharedNotRenewed,
    /// Sessions were abandoned between two steps, so that figures of sessions are lower bounds.
    SessionsAbandoned,
    /// Requests completed after the end of the schedule: the throughput leaves them out.
    CompletedAfterEnd,
    /// Teardown failed, or was not done.
    TeardownFailed,
    /// A driver warned before the start.
    DriverWarned,
    /// A classic driver that is known does not take part: it showed nothing of its last test, or its heartbeats
    /// stopped.
    DriverLeftOut,
    /// A threshold whose outcome the plan decides before anything is sent: it cannot be met, or checks nothing.
    ThresholdForeseen,
    /// What the plan's keys say before anything is sent, that is seldom meant: GET with a body, a secret in a path, …
    PlanForeseen,
    /// Data that gives each row once had none left for the sessions of a driver's users.
    RowsUsedUp,
    /// More drivers warned before the start than are listed one by one.
    MoreDriversWarned,
    /// The report is kept in memory only, because the store could not save it.
    NotStored,
    /// Requests of an open loop waited for one of the plan's connections.
    HeldByConnections,
    /// The highest rate at which the objective of `[capacity]` holds.
    CapacityFound,
    /// The objective does not hold at any rate.
    CapacityNowhere,
    /// The target did not recover from a rate that was too high.
    CapacityNotRecovered,
    /// The generator was the limit of the search.
    CapacityGenerator,
    /// No rate was decided in the time of the search.
    CapacityUndecided,
    /// The rate that holds and the one that does not are further apart than was asked for.
    CapacityWide,
    /// Both rates were not measured a second time.
    CapacityNotRepeated,
    /// What a closed loop cannot see.
    ClosedLoop,
}
