//! Merges the workers' windows.

use actix::{Actor, Context, Handler};
use common::ids::Epoch;

use super::messages::{
    AggregatorOutputs, DriverProgress, ExpectWindows, GetProgress, Progress, WorkerLost, WorkerWindow,
};

/// Merges the workers' windows.
pub struct StatsAggregatorActor {
    _epoch: Epoch,
    _outputs: AggregatorOutputs,
}

impl StatsAggregatorActor {
    /// An aggregator of the driver of that epoch.
    pub fn new(epoch: Epoch, outputs: AggregatorOutputs) -> Self {
        Self { _epoch: epoch, _outputs: outputs }
    }
}

impl Actor for StatsAggregatorActor {
    type Context = Context<Self>;
}

impl Handler<ExpectWindows> for StatsAggregatorActor {
    type Result = ();
    fn handle(&mut self, _: ExpectWindows, _: &mut Self::Context) {}
}

impl Handler<Progress> for StatsAggregatorActor {
    type Result = ();
    fn handle(&mut self, _: Progress, _: &mut Self::Context) {}
}

impl Handler<WorkerWindow> for StatsAggregatorActor {
    type Result = ();
    fn handle(&mut self, _: WorkerWindow, _: &mut Self::Context) {}
}

impl Handler<WorkerLost> for StatsAggregatorActor {
    type Result = ();
    fn handle(&mut self, _: WorkerLost, _: &mut Self::Context) {}
}

impl Handler<GetProgress> for StatsAggregatorActor {
    type Result = Option<DriverProgress>;
    fn handle(&mut self, _: GetProgress, _: &mut Self::Context) -> Self::Result {
        None
    }
}
