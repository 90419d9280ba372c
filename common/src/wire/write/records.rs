//! The records as they stand on the wire: the classic fields first, then ours, in the order of the files in
//! common/tests/golden.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use super::super::read::RATE;
use super::super::{
    ChangeRate, Heartbeat, HeartbeatOurs, PROTOCOL, Register, RegisterOurs, TestConfig, TestType, Trigger,
};
use super::WriteError;
use crate::clock::{UnixMicros, rfc3339};
use crate::ids::{Epoch, NodeId, TestId};
use crate::plan::Share;

pub(super) fn finite(field: &'static str, number: f64) -> Result<f64, WriteError> {
    if number.is_finite() { Ok(number) } else { Err(WriteError::NotFinite(field)) }
}

/// A share that only explains other figures: left out where it was not to be had.
pub(super) fn share(share: Option<f64>) -> Option<f64> {
    share.filter(|share| share.is_finite()).map(|share| share.clamp(0.0, 1.0))
}

fn yes(yes: bool) -> &'static str {
    if yes { "YES" } else { "NO" }
}

/// Whole numbers are written as integers: some read nothing else.
fn whole_if_whole<S: Serializer>(number: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    const EXACT: f64 = (1_u64 << 53) as f64;
    if number.fract() == 0.0 && (0.0..=EXACT).contains(number) {
        serializer.serialize_u64(*number as u64)
    } else {
        serializer.serialize_f64(*number)
    }
}

pub(super) fn is_false(flag: &bool) -> bool {
    !flag
}

#[derive(Serialize)]
pub(super) struct RegisterRecord<'a> {
    node_id: &'a NodeId,
    #[serde(rename = "node_IP")]
    node_ip: &'a str,
    message_type: &'static str,
    #[serde(flatten)]
    ours: Option<&'a RegisterOurs>,
}

impl<'a> RegisterRecord<'a> {
    pub(super) fn of(register: &'a Register) -> Result<Self, WriteError> {
        Ok(Self {
            node_id: &register.node_id,
            node_ip: register.address.as_deref().ok_or(WriteError::Missing("node_IP"))?,
            message_type: "DRIVER_NODE_REGISTER",
            ours: register.ours.as_ref(),
        })
    }
}

#[derive(Serialize)]
pub(super) struct TestConfigRecord<'a> {
    test_id: &'a TestId,
    test_type: TestType,
    #[serde(serialize_with = "whole_if_whole")]
    test_message_delay: f64,
    message_count_per_driver: u64,
    /// Under three names: classic drivers look for one of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    target_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_server_ip: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    test_server: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    num_drivers: Option<u32>,
    #[serde(flatten)]
    ours: Option<ConfigAdditions<'a>>,
}

#[derive(Serialize)]
struct ConfigAdditions<'a> {
    epoch: Epoch,
    protocol: u32,
    revision: u32,
    plan: serde_json::Value,
    assignments: &'a BTreeMap<NodeId, Share>,
}

impl<'a> TestConfigRecord<'a> {
    pub(super) fn of(config: &'a TestConfig) -> Result<Self, WriteError> {
        let target = config.classic.target_url.as_deref();
        Ok(Self {
            test_id: &config.test_id,
            test_type: config.classic.test_type,
            test_message_delay: finite("test_message_delay", config.classic.delay)?,
            message_count_per_driver: config.classic.message_count,
            target_url: target,
            target_server_ip: target,
            test_server: target,
            num_drivers: config.classic.num_drivers,
            ours: config.ours.as_ref().map(|ours| ConfigAdditions {
                epoch: ours.epoch,
                protocol: PROTOCOL,
                revision: ours.revision,
                plan: ours.plan.to_json(),
                assignments: &ours.assignments,
            }),
        })
    }
}

#[derive(Serialize)]
pub(super) struct TriggerRecord<'a> {
    test_id: &'a TestId,
    trigger: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<u32>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    setup: &'a BTreeMap<String, String>,
}

impl<'a> TriggerRecord<'a> {
    pub(super) fn of(trigger: &'a Trigger) -> Self {
        Self {
            test_id: &trigger.test_id,
            trigger: yes(trigger.start),
            start_at: trigger.start_at_ms,
            revision: trigger.revision,
            setup: &trigger.setup,
        }
    }
}

#[derive(Serialize)]
pub(super) struct ChangeRateRecord<'a> {
    test_id: &'a TestId,
    trigger: &'static str,
    revision: u32,
    change: u32,
    rate: f64,
    at: UnixMicros,
}

impl<'a> ChangeRateRecord<'a> {
    pub(super) fn of(order: &'a ChangeRate) -> Result<Self, WriteError> {
        let ChangeRate { test_id, revision, change } = order;
        let rate = finite("rate", change.rate_per_s)?;
        Ok(Self {
            test_id,
            trigger: RATE,
            revision: *revision,
            change: change.number,
            rate,
            at: change.at_us,
        })
    }
}

#[derive(Serialize)]
pub(super) struct HeartbeatRecord<'a> {
    node_id: &'a NodeId,
    heartbeat: &'static str,
    timestamp: String,
    #[serde(flatten)]
    ours: Option<&'a HeartbeatOurs>,
}

impl<'a> HeartbeatRecord<'a> {
    pub(super) fn of(beat: &'a Heartbeat) -> Result<Self, WriteError> {
        Ok(Self {
            node_id: &beat.node_id,
            heartbeat: yes(beat.alive),
            timestamp: rfc3339(beat.sent_at_us.ok_or(WriteError::Missing("timestamp"))?),
            ours: beat.ours.as_ref(),
        })
    }
}
