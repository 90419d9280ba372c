//! The limits of this process: how many descriptors it may open, and for how many the kernel keeps room.

use std::os::fd::AsFd;

use rustix::io::fcntl_dupfd_cloexec;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The size to which the kernel's descriptor table is grown at the start: 8 bytes of kernel memory each.
const ROOM: u64 = 65_536;

/// Raises the soft limit of open descriptors to the hard one, and returns the limit in force now
/// (`u64::MAX` for none). A limit that cannot be raised stays as it was: the caller reports it if it needs more.
///
/// It also grows the kernel's descriptor table to 65,536 entries. The table begins with 64 and doubles when it is full.
/// In a process with several threads, the thread that triggers the growth waits for an RCU grace period
/// (`expand_fdtable` in Linux's fs/file.c): 8 ms were measured in the middle of a load, at the 257th connection and at
/// the 513th.
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
        log::warn!(descriptors = limit.min(ROOM), error:%; "descriptor table not grown");
    }
    limit
}

/// Grows the kernel's descriptor table to that many entries: it grows for a descriptor with the highest number, and
/// stays that large when that descriptor is closed.
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
