//! How the parts of a session end: an attempt, a poll, the pass of a group, the session itself.

use common::plan::program::OnFail;

use super::notes::{End, Notes, Over, Pass};
use super::{Desk, Next, Session};
use crate::scenario::script::{Op, Script, Step};
use crate::start_at::Nanos;

impl Session {
    /// The attempt is over. `status`: whether an answer came at all.
    pub fn answered(
        &mut self,
        script: &Script,
        at: Nanos,
        (status, failed): (bool, bool),
        desk: &mut Desk,
        notes: &mut impl Notes,
    ) {
        (self.cursor, self.from, self.last_end) = (at, at, at);
        self.renderings = self.renderings.saturating_add(1);
        self.answered |= status;
        match &self.track(script).ops[self.pc as usize] {
            Op::Request(step) if failed => self.step_failed(script, *step, notes),
            Op::Request(_) => self.pc += 1,
            Op::Poll { step, poll, until, every, at_most } => {
                let Some(under_way) = self.poll else { return };
                let pass = |response| Pass { at, warmup: under_way.warmup, response };
                if !failed && self.hold(script, until, desk) {
                    self.poll = None;
                    notes.polled(*poll, pass(Some(at - under_way.began)));
                    self.pc += 1;
                } else if failed || under_way.attempts >= *at_most {
                    self.poll = None;
                    notes.polled(*poll, pass(None));
                    self.step_failed(script, *step, notes);
                } else {
                    self.cursor = at.saturating_add(*every);
                    self.from = self.cursor;
                }
            }
            _ => {}
        }
    }

    fn step_failed(&mut self, script: &Script, step: Step, notes: &mut impl Notes) {
        self.failed = true;
        self.failed_at.get_or_insert(step.name);
        self.groups.iter_mut().for_each(|group| group.failed = true);
        let track = self.track(script);
        match track.on_fail {
            OnFail::Continue => self.pc += 1,
            OnFail::End => {
                while !self.groups.is_empty() {
                    self.group_ends(notes);
                }
                self.pc = u32::try_from(track.ops.len() - 1).unwrap_or(u32::MAX);
            }
        }
    }

    /// The innermost group's pass is over. One in which nothing was sent is not counted.
    pub(super) fn group_ends(&mut self, notes: &mut impl Notes) {
        let Some(pass) = self.groups.pop() else { return };
        if pass.attempts == self.attempts {
            return;
        }
        let response = (self.cursor - pass.from).saturating_sub(self.idle - pass.idle).max(0);
        let response = (!pass.failed).then_some(response);
        notes.grouped(pass.group, Pass { at: self.last_end, warmup: pass.warmup, response });
    }

    pub(super) fn over(&self) -> Over {
        let response = (self.cursor - self.start.due).saturating_sub(self.idle).max(0);
        let end = match self.failed_at {
            Some(step) if self.failed => End::Failed(step),
            _ => End::Completed(response),
        };
        Over { end, at: self.last_end, answered: self.answered }
    }

    /// Ends the session between two steps, or with its attempt: it is abandoned, unless nothing but thinking was left of
    /// it, or a step of it has failed: then it has failed, whatever it would have come to. Passes that are under way are not counted.
    pub fn abandon(&mut self, script: &Script, desk: &mut Desk, notes: &mut impl Notes) -> Over {
        // As if it had thought enough: what is left of it then is its next step, or nothing.
        if let Next::Over(over) = self.next(script, Nanos::MAX, desk, notes) {
            return over;
        }
        let step = match &self.track(script).ops[self.pc as usize] {
            Op::Request(step) | Op::Poll { step, .. } => step.name,
            _ => 0,
        };
        let end = self.failed_at.map_or(End::Abandoned(step), End::Failed);
        Over { end, at: self.last_end, answered: self.answered }
    }
}
