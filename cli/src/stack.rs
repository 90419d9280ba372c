//! The nodes of a command, in the order they were started: watches them while they run, and ends them in order.

use std::net::TcpListener;
use std::path::PathBuf;

use futures_util::future::{join_all, select_all};
use tokio::sync::mpsc;

use crate::child::{Ended, Launcher, Logged, Node, Ready};
use crate::exit::Stop;
use crate::family::Family;

/// One node's place; empty while its node has ended and no other has taken it.
struct Place {
    label: String,
    node: Option<Node>,
}

/// The nodes of this process.
pub struct Stack {
    launcher: Launcher,
    places: Vec<Place>,
}

impl Stack {
    /// An empty one, and the lines that its nodes will log. `state` as in [`Launcher::new`].
    ///
    /// # Errors
    /// Where the path of this binary is not known.
    pub fn new(family: Family, state: Option<PathBuf>) -> Result<(Self, mpsc::Receiver<Logged>), Stop> {
        let (launcher, lines) = Launcher::new(family, state)?;
        Ok((Self { launcher, places: Vec::new() }, lines))
    }

    /// What starts nodes for it.
    pub fn launcher(&self) -> &Launcher {
        &self.launcher
    }

    /// Starts a node and waits until it is ready. The first is taken to be the orchestrator, which ends last.
    ///
    /// # Errors
    /// As [`Launcher::launch`].
    pub async fn start(&mut self, label: &str, arguments: &[String]) -> Result<Ready, Stop> {
        let (node, ready) = self.launcher.launch(label, arguments).await?;
        self.add(label, node);
        Ok(ready)
    }

    /// Gives a node that was started apart a place behind the others.
    pub fn add(&mut self, label: &str, node: Node) {
        self.places.push(Place { label: label.to_owned(), node: Some(node) });
    }

    /// What people call the node of a place, as in `driver 2`.
    pub fn label(&self, place: usize) -> &str {
        self.places.get(place).map_or("", |place| place.label.as_str())
    }

    /// Puts a node into a place whose node has ended.
    pub fn put(&mut self, place: usize, node: Node) {
        if let Some(place) = self.places.get_mut(place) {
            place.node = Some(node);
        }
    }

    /// Waits until one of the nodes ends: says which place it leaves, and how it ended.
    pub async fn one_ended(&mut self) -> (usize, Ended) {
        let running = self.places.iter_mut().enumerate().filter_map(|(index, place)| {
            let node = place.node.as_mut()?;
            Some(Box::pin(async move { (index, node.ended().await) }))
        });
        let running: Vec<_> = running.collect();
        if running.is_empty() {
            return std::future::pending().await;
        }
        let (index, ended) = select_all(running).await.0;
        if let Some(place) = self.places.get_mut(index) {
            place.node = None;
        }
        (index, ended)
    }

    /// Ends all nodes: drivers and target at once, then the orchestrator, so that it still receives the drivers' last
    /// records. If this future is dropped earlier, nodes that have not ended are killed with the stack.
    pub async fn stop(&mut self) {
        let mut nodes: Vec<Node> = self.places.iter_mut().filter_map(|place| place.node.take()).collect();
        let others = nodes.split_off(nodes.len().min(1));
        others.iter().for_each(Node::terminate);
        join_all(others.into_iter().map(Node::finish)).await;
        for orchestrator in nodes {
            orchestrator.terminate();
            orchestrator.finish().await;
        }
        self.places.clear();
    }
}

/// `127.0.0.1:<preferred>` if that port is free, else port 0: the kernel picks one.
pub fn address_with_port(preferred: u16) -> String {
    let free = TcpListener::bind(("127.0.0.1", preferred)).is_ok();
    format!("127.0.0.1:{}", if free { preferred } else { 0 })
}

/// Workers of each of `drivers` drivers on this machine: as many as asked for, else its cores shared out, at least one
/// each.
pub fn workers_each(drivers: u32, asked: Option<u32>) -> usize {
    if let Some(asked) = asked {
        return asked as usize;
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    (cores / drivers.max(1) as usize).max(1)
}
