//! Waiting that counts only the time in which this process ran. A process that is stopped (Ctrl-Z, or a laptop that
//! sleeps) sees its clock jump when it goes on; a deadline by the clock would then expire although the other
//! side had no chance to answer.

use std::future::Future;
use std::time::Duration;

/// The steps in which it waits. A step counts as what it was meant to take, however long it took, so a pause of
/// any length costs one step at most. On a busy machine steps take a little longer, and so does the whole wait.
const STEP: Duration = Duration::from_millis(250);

/// Waits for so much time in which this process ran.
pub async fn patience(total: Duration) {
    let mut left = total;
    while !left.is_zero() {
        let step = left.min(STEP);
        tokio::time::sleep(step).await;
        left -= step;
    }
}

/// What a future brings, or `None` where it takes longer than so much running time.
pub async fn within<T>(total: Duration, future: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased; // what is there already counts, also where the patience ended during a pause
        output = future => Some(output),
        () = patience(total) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_rt::test]
    async fn what_comes_in_time_is_taken_and_what_does_not_is_given_up() {
        let slow = |ms| async move {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            ms
        };
        assert_eq!(within(Duration::from_secs(20), slow(1)).await, Some(1));
        assert_eq!(within(Duration::from_millis(20), slow(60_000)).await, None);
    }

    #[actix_rt::test]
    async fn a_pause_counts_as_one_step_at_most() {
        let began = std::time::Instant::now();
        let pause = async {
            tokio::time::sleep(Duration::from_millis(10)).await;
            // The whole process does nothing for longer than the patience: as a stop does.
            std::thread::sleep(STEP * 4);
            began.elapsed()
        };
        let (waited, paused) = tokio::join!(
            async {
                patience(STEP * 3).await;
                began.elapsed()
            },
            pause
        );
        assert!(paused >= STEP * 4);
        assert!(
            waited >= paused + STEP,
            "after the pause some patience is left: {waited:?} after {paused:?}"
        );
    }
}
