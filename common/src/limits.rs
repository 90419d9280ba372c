//! The limits of this process: how many descriptors it may open, and for how many the kernel keeps room.

use std::os::fd::AsFd;

use rustix::io::fcntl_dupfd_cloexec;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// For so many descriptors the kernel has room from the start: 8 bytes each, of its own memory.
const ROOM: u64 = 65_536;

/// Raises the soft limit of open descriptors to the hard one, and answers the limit that holds now
/// (`u64::MAX` for none). A limit that cannot be raised stays as it was: whoever needs more says so.
///
/// It also has the kernel make room for the first 65,536. Its table of them begins with 64 and doubles where it is full,
/// and the thread of a process with several that meets this waits for a grace period of RCU (`expand_fdtable` in Linux's
/// fs/file.c): 8 ms were measured, in the midst of a load, at the 257th connection and at the 513th.
pub fn raise_descriptors() -> u64 {
    let before = getrlimit(Resource::Nofile);
    let wanted = Rlimit { current: before.maximum, maximum: before.maximum };
    if before.current != wanted.current
        && let Err(error) = setrlimit(Resource::Nofile, wanted)
    {
        log::warn!(soft:? = before.current, hard:? = before.maximum, error:%; "descriptor limit not raised");
    }
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    if let Err(error) = make_room(limit.min(ROOM)) {
        log::warn!(descriptors = limit.min(ROOM), error:%; "no room made for descriptors");
    }
    limit
}

/// Has the kernel make room for so many descriptors: it does for one with the highest number, and keeps it when that one
/// is closed.
fn make_room(descriptors: u64) -> std::io::Result<()> {
    let (any, _) = std::io::pipe()?;
    let highest = i32::try_from(descriptors.saturating_sub(1)).unwrap_or(i32::MAX);
    fcntl_dupfd_cloexec(any.as_fd(), highest)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_becomes_the_hard_one_and_there_is_room() {
        let hard = getrlimit(Resource::Nofile).maximum;
        let limit = raise_descriptors();
        assert_eq!(limit, hard.unwrap_or(u64::MAX));
        assert_eq!(getrlimit(Resource::Nofile).current, hard);
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let room = status.lines().find_map(|line| line.strip_prefix("FDSize:")).unwrap();
        assert!(room.trim().parse::<u64>().unwrap() >= limit.min(ROOM), "{room}");
    }
}
