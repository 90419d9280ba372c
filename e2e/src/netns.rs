//! Hosts of our own: network namespaces with addresses that exist in them alone. A namespace is held by a process
//! that ends when ours does, however that ends; the kernel then takes away all that was in it.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::AsFd;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

pub struct Host {
    holder: Child,
    // The holder lives until this closes.
    _lifeline: ChildStdin,
    path: String,
    namespace: File,
}

impl Host {
    /// A host with nothing but loopback.
    ///
    /// # Errors
    /// Where the system does not let us make one, and why.
    pub fn new() -> Result<Self, String> {
        let mut holder = Command::new("unshare")
            .args(["--net", "cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("unshare: {error}"))?;
        let (mut stdin, stdout) = (holder.stdin.take().unwrap(), holder.stdout.take().unwrap());
        // When `cat` echoes a line, it runs inside the namespace.
        let mut said = String::new();
        let _ = stdin.write_all(b"there\n");
        BufReader::new(stdout).read_line(&mut said).map_err(|error| error.to_string())?;
        if said != "there\n" {
            let output = holder.wait_with_output().map_err(|error| error.to_string())?;
            return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned());
        }
        let path = format!("/proc/{}/ns/net", holder.id());
        let namespace = File::open(&path).map_err(|error| format!("{path}: {error}"))?;
        let host = Self { holder, _lifeline: stdin, path, namespace };
        host.ip(&["link", "set", "lo", "up"]);
        Ok(host)
    }

    /// Does something on this host: calls reach what it reaches, and processes started there stay there.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        std::thread::scope(|scope| {
            let moved = scope.spawn(|| {
                move_into_link_name_space(self.namespace.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
                work()
            });
            match moved.join() {
                Ok(done) => done,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
    }

    #[track_caller]
    fn ip(&self, arguments: &[&str]) {
        let output = self.run(|| Command::new("ip").args(arguments).output().unwrap());
        assert!(output.status.success(), "ip {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// A cable to another host, with an address (`10.0.0.1/30`) at each end.
    pub fn connect(&self, address: &str, other: &Self, other_address: &str) {
        static CABLES: AtomicU32 = AtomicU32::new(0);
        let n = CABLES.fetch_add(1, Ordering::Relaxed);
        let (near, far) = (format!("near{n}"), format!("far{n}"));
        self.ip(&["link", "add", &near, "type", "veth", "peer", "name", &far, "netns", &other.path]);
        for (host, name, address) in [(self, near, address), (other, far, other_address)] {
            host.ip(&["addr", "add", address, "dev", &name]);
            host.ip(&["link", "set", &name, "up"]);
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}
