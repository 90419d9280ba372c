//! How the attempts of a worker's sessions wait for one of its connections, where `[load] connections` says how many there
//! are. An attempt has one from before it begins to its end; a redirect that follows it waits for another.

use super::super::lines::PlaceLines;
use super::Crew;
use crate::engine::Place;
use crate::scenario::session::Attempt;
use crate::start_at::Nanos;

/// The attempt, where it has a connection: held as long as it waited for that. `None`: it waits.
#[inline]
pub(super) fn admitted(lines: &mut Option<PlaceLines>, place: Place, attempt: Attempt) -> Option<Attempt> {
    let Some(lines) = lines else { return Some(attempt) };
    let waited = lines.admit(place, attempt.due + attempt.held)?;
    Some(Attempt { held: attempt.held + waited, ..attempt })
}

impl<U> Crew<U> {
    /// The attempt at a place ended at that instant, or was not sent (`None`): its connection goes to the first that waits.
    #[inline]
    pub(super) fn releases(&mut self, place: Place, ended: Option<Nanos>) {
        let next = self.lines.as_mut().and_then(|lines| lines.release(place, ended));
        self.ready.extend(next);
    }
}
