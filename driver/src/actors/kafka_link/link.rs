//! Finds a Kafka and joins it. The brokers come from the settings or from the orchestrator. In the second case the
//! orchestrator is asked again when Kafka is gone: an embedded broker may come back at another address.

use std::time::Duration;

use actix::Recipient;
use common::kafka::{ConsumerChanged, StopConsumer, WarmUp};
use common::service::Needs;
use common::settings::{Brokers, KafkaSettings};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::{Ask, Connect, KafkaClients};
use crate::RunError;
use crate::actors::messages::kafka_link::LinkUpHandle;
use crate::bootstrap::{Bootstrap, source_address};
use crate::overflow::notify;

/// Between two requests to an orchestrator that does not answer.
pub(super) const RETRY: Duration = Duration::from_millis(500);
/// How long Kafka may be unreachable before the orchestrator is asked for its present address.
pub(super) const AWAY_BEFORE_ASKING: Duration = Duration::from_secs(3);
/// What a driver needs before it is ready.
const KAFKA: &str = "Kafka";

/// What the task is asked for.
pub(super) enum Asked {
    /// To begin: the address of its own actor, to which consumers report.
    Begin(Recipient<ConsumerChanged>),
    Changed(ConsumerChanged),
}

/// The Kafka in use, as the actor in front needs it.
#[derive(Clone)]
pub(super) struct InUse {
    /// Counts the Kafkas used so far.
    pub(super) generation: u64,
    pub(super) clients: Option<KafkaClients>,
    pub(super) settings: KafkaSettings,
    /// Whether a broker answers.
    pub(super) connected: bool,
}

/// What the task owns.
pub(super) struct Link {
    settings: KafkaSettings,
    connect: Connect,
    ask: Option<Ask>,
    ups: LinkUpHandle,
    fatal: mpsc::Sender<RunError>,
    needs: Needs,
    in_use: watch::Sender<InUse>,
    clients: Option<KafkaClients>,
    /// Why there are no addresses yet, as it was logged.
    waits_for: Option<String>,
    away_since: Option<Instant>,
    /// The consumer reads, and the producer is to be warmed up then.
    warm_up_at: Option<Instant>,
    /// Whether this Kafka has been joined since it was found.
    joined: bool,
}

impl Link {
    pub(super) fn new(
        settings: KafkaSettings,
        connect: Connect,
        ask: Option<Ask>,
        ups: LinkUpHandle,
        fatal: mpsc::Sender<RunError>,
        needs: Needs,
    ) -> Self {
        needs.wait_for(KAFKA, KAFKA);
        // Settings that name the brokers are used as they are.
        let ask = ask.filter(|_| !matches!(settings.brokers, Brokers::At(_)));
        let in_use = InUse { generation: 0, clients: None, settings: settings.clone(), connected: false };
        Self {
            settings,
            connect,
            ask,
            ups,
            fatal,
            needs,
            in_use: watch::Sender::new(in_use),
            clients: None,
            waits_for: None,
            away_since: Some(Instant::now()),
            warm_up_at: None,
            joined: false,
        }
    }

    /// The Kafka in use, from now on.
    pub(super) fn in_use(&self) -> watch::Receiver<InUse> {
        self.in_use.subscribe()
    }

    /// Does one thing after the other. Each question, to the orchestrator or to Kafka, has an answer within some seconds.
    pub(super) async fn run(mut self, mut asked: mpsc::Receiver<Asked>) {
        let Some(Asked::Begin(changes)) = asked.recv().await else { return };
        if matches!(self.settings.brokers, Brokers::At(_)) {
            self.use_kafka(self.settings.clone(), &changes);
        }
        let mut look = interval(RETRY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                asked = asked.recv() => match asked {
                    Some(Asked::Changed(changed)) => self.changed(changed),
                    Some(Asked::Begin(_)) => {}
                    None => return,
                },
                _ = look.tick() => self.look(&changes).await,
                () = until(self.warm_up_at) => self.warm_up().await,
            }
        }
    }

    fn waits_for_kafka(&self) {
        let at = match &self.settings.brokers {
            Brokers::At(brokers) => format!("Kafka at {}", brokers.join(", ")),
            _ => KAFKA.to_owned(),
        };
        self.needs.wait_for(KAFKA, at);
    }

    fn set_away(&mut self, since: Option<Instant>) {
        self.away_since = since;
        self.in_use.send_modify(|in_use| in_use.connected = since.is_none());
    }

    fn use_kafka(&mut self, settings: KafkaSettings, changes: &Recipient<ConsumerChanged>) {
        match (self.connect)(&settings, changes.clone()) {
            Ok(clients) => {
                if let Some(old) = self.clients.replace(clients.clone()) {
                    notify(&old.stop, StopConsumer, "stop of the old consumer");
                }
                self.settings = settings.clone();
                self.in_use.send_modify(|in_use| {
                    in_use.generation += 1;
                    (in_use.clients, in_use.settings) = (Some(clients), settings);
                });
                self.set_away(Some(Instant::now()));
                (self.joined, self.warm_up_at) = (false, None);
                self.waits_for_kafka();
            }
            Err(error) => {
                log::error!(error:%; "kafka cannot be used");
                // A full channel holds an error already: one is enough to end the node.
                let _ = self.fatal.try_send(RunError::Kafka(error));
            }
        }
    }

    /// Asks the orchestrator for Kafka's addresses where there are none, or nothing answers there; connects to them if
    /// they are new.
    async fn look(&mut self, changes: &Recipient<ConsumerChanged>) {
        let away = self.away_since.is_some_and(|since| since.elapsed() >= AWAY_BEFORE_ASKING);
        if self.clients.is_some() && !away {
            return;
        }
        let Some(ask) = &self.ask else { return };
        let answer = ask().await;
        match answer {
            Ok(bootstrap) => self.found(bootstrap, changes),
            Err(error) => self.waits(error.to_string()),
        }
    }

    /// Logs and reports what the driver waits for, once for each reason.
    fn waits(&mut self, reason: String) {
        if self.waits_for.as_ref() != Some(&reason) {
            log::warn!(error:% = reason; "kafka's addresses not received, trying again");
            self.needs.wait_for(KAFKA, format!("Kafka's addresses: {reason}"));
            self.waits_for = Some(reason);
        }
    }

    fn found(&mut self, bootstrap: Bootstrap, changes: &Recipient<ConsumerChanged>) {
        self.waits_for = None;
        let addresses = bootstrap.brokers.join(",");
        let Bootstrap { brokers, topic_prefix, topics, .. } = bootstrap;
        let brokers = Brokers::At(brokers);
        let found = KafkaSettings { brokers, topic_prefix, topics, ..self.settings.clone() };
        if found == self.settings && self.clients.is_some() {
            return;
        }
        log::info!(brokers:% = addresses; "kafka found");
        self.use_kafka(found, changes);
    }

    fn changed(&mut self, changed: ConsumerChanged) {
        match changed {
            ConsumerChanged::Assigned { .. } => {
                self.set_away(None);
                self.warm_up_at = Some(Instant::now());
            }
            ConsumerChanged::Connected(true) => {
                if self.away_since.is_some() {
                    self.set_away(None);
                    log::info!("kafka reachable again");
                    if self.joined {
                        self.needs.met(KAFKA);
                    }
                }
            }
            ConsumerChanged::Connected(false) => {
                if self.away_since.is_none() {
                    log::warn!("kafka unreachable");
                    self.waits_for_kafka();
                    self.set_away(Some(Instant::now()));
                }
            }
            ConsumerChanged::OffsetOutOfRange { lost, resumed_at } => {
                log::warn!(
                    topic:% = self.settings.topic_name(lost.topic), partition = lost.partition, offset = lost.offset,
                    resumed_at;
                    "kafka lost records"
                );
            }
        }
    }

    /// The consumer reads: warms the producer up, in as many attempts as that takes, and then reports that the link is
    /// up.
    async fn warm_up(&mut self) {
        self.warm_up_at = None;
        let Some(clients) = &self.clients else { return };
        let warm = clients.warm_up.send(WarmUp).await;
        match warm {
            Ok(Ok(())) => self.join().await,
            Ok(Err(error)) => {
                log::debug!(error:%; "kafka producer is not warm yet");
                self.warm_up_at = Some(Instant::now() + RETRY / 5);
            }
            // It has stopped, and the node is ending.
            Err(_) => {}
        }
    }

    async fn join(&mut self) {
        let brokers = match &self.settings.brokers {
            Brokers::At(brokers) => brokers.as_slice(),
            _ => &[],
        };
        let address = source_address(brokers).await;
        log::info!(address:%; "kafka joined");
        self.joined = true;
        self.needs.met(KAFKA);
        let is_another = self.in_use.borrow().generation > 1;
        self.ups.link_up(address, is_another);
    }
}

/// That instant; without one, never.
async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}
