//! The limits of this process: how many descriptors it may open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the soft limit of open descriptors to the hard one, and answers the limit that holds now
/// (`u64::MAX` for none). A limit that cannot be raised stays as it was: whoever needs more says so.
pub fn raise_descriptors() -> u64 {
    let before = getrlimit(Resource::Nofile);
    let wanted = Rlimit { current: before.maximum, maximum: before.maximum };
    if before.current != wanted.current
        && let Err(error) = setrlimit(Resource::Nofile, wanted)
    {
        log::warn!(soft:? = before.current, hard:? = before.maximum, error:%; "descriptor limit not raised");
    }
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_becomes_the_hard_one() {
        let hard = getrlimit(Resource::Nofile).maximum;
        assert_eq!(raise_descriptors(), hard.unwrap_or(u64::MAX));
        assert_eq!(getrlimit(Resource::Nofile).current, hard);
    }
}
