//! The highest rate that a driver's share of a plan can come to. Drivers compare it with their `safety.max_rate` before
//! they take a test, and the orchestrator does so before it asks them. Pure.

use super::expect::Expect;
use super::program::Program;
use super::{Load, Mode, Share};

impl Share {
    /// The highest rate, requests per second; `None` where nothing bounds it. With sessions: their highest rate, and as many
    /// requests as one of them sends at most.
    pub fn most_requests_per_s(&self, load: &Load, program: Option<&Program>) -> Option<f64> {
        let Some(program) = program else {
            return match load.mode {
                Mode::Tsunami { .. } => self.rate_per_s,
                Mode::Avalanche { .. } => self.target_throughput,
            };
        };
        Some(Expect::of(program).most_requests as f64 * self.most_sessions_per_s(load)?)
    }

    /// The highest rate of sessions; `None` where nothing bounds it, as with users without a pacing.
    pub fn most_sessions_per_s(&self, load: &Load) -> Option<f64> {
        match load.mode {
            Mode::Avalanche { connections } => {
                let users = self.connections.unwrap_or(connections);
                let pacing = load.pacing.filter(|pacing| !pacing.is_zero())?;
                Some(f64::from(users) / pacing.as_secs_f64())
            }
            // With stages the share has the highest rate.
            Mode::Tsunami { .. } => self.rate_per_s,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::ids::NodeId;
    use crate::plan::{PlanFormat, read, share_out};

    #[track_caller]
    fn check(load: &str, n: usize, sessions: Option<f64>, requests: Option<f64>) {
        let text = format!(
            "per = 'fleet'\ntarget.url = 'http://a.test/'\nrequests.a.path = '/'\nrequests.b = {{ path = '/', follow = 2 }}\n\
             scenarios.x.steps = ['a', {{ repeat = 3, steps = ['a'] }}, 'b']\n[load]\n{load}"
        );
        let plan = read(&text, PlanFormat::Toml).unwrap();
        let ids: Vec<NodeId> = (0..n).map(|i| NodeId::new(&format!("d{i}")).unwrap()).collect();
        for (_, share) in share_out(&plan, &ids).unwrap() {
            assert_eq!(share.most_sessions_per_s(&plan.load), sessions, "{load}");
            assert_eq!(share.most_requests_per_s(&plan.load, plan.program.as_deref()), requests, "{load}");
        }
    }

    #[test]
    fn sessions_send_as_many_requests_as_one_sends_at_most() {
        check("rate = 30\nduration = '1s'", 3, Some(10.0), Some(70.0));
        check(
            "stages = [{ rate = 30, hold = '1s' }, { rate = 60, ramp = '1s' }]",
            3,
            Some(20.0),
            Some(140.0),
        );
        let users = "mode = 'avalanche'\nusers = 30\nduration = '1s'";
        check(&format!("{users}\npacing = '5s'"), 3, Some(2.0), Some(14.0));
        check(users, 3, None, None);
    }
}
