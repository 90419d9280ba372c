//! `up`: the whole system on this machine, each node its own process, until Ctrl-C.

use std::path::Path;

use tokio::sync::mpsc;

use crate::args::UpArgs;
use crate::client::Client;
use crate::exit::Stop;
use crate::join::joined;
use crate::say;
use crate::stack::{Stack, address_with_port};

/// Default port of an orchestrator.
const ORCHESTRATOR_PORT: u16 = 8080;

/// Default port of the target.
const TARGET_PORT: u16 = 8081;

/// Workers of each of `drivers` drivers on this machine: its cores shared out, at least one each.
pub fn workers_each(drivers: u32) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    (cores / drivers.max(1) as usize).max(1)
}

/// Starts everything, says where it is, and waits for a signal or for a node to end.
///
/// # Errors
/// Where a node cannot be started, or ends by itself.
pub async fn up(arguments: &UpArgs) -> Result<(), Stop> {
    let (mut stack, log) = Stack::new()?;
    actix_rt::spawn(show(log));
    let mut interrupted = crate::signals::Interrupts::listen()?;
    let outcome = tokio::select! {
        outcome = serve(arguments, &mut stack) => outcome,
        () = interrupted.next() => Ok(()),
    };
    stack.stop().await;
    outcome
}

async fn serve(arguments: &UpArgs, stack: &mut Stack) -> Result<(), Stop> {
    start(arguments, stack).await?;
    let ended = stack.one_ended().await;
    Err(Stop::could_not(ended))
}

async fn start(arguments: &UpArgs, stack: &mut Stack) -> Result<(), Stop> {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let data = |kind: &str| data_dir(arguments.data_dir.as_deref(), kind);
    let listen = arguments.listen.clone().unwrap_or_else(|| address_with_port(ORCHESTRATOR_PORT));
    let mut flags = words(&["orchestrator", "--listen", &listen, "--kafka", &arguments.kafka]);
    flags.extend(data("orchestrator"));
    let orchestrator = stack.start("orchestrator", &flags).await.map_err(|stop| match &arguments.listen {
        Some(asked) => Stop { message: format!("--listen {asked}: {}", stop.message), code: stop.code },
        None => stop,
    })?;
    let address = orchestrator.http.unwrap_or_default();
    say::line(format_args!("dashboard  http://{address}/"));
    say::line(format_args!("kafka      {}", orchestrator.kafka.join(",")));
    let workers = workers_each(arguments.drivers).to_string();
    let mut ids = Vec::new();
    for n in 1..=arguments.drivers {
        let mut flags = words(&["driver", "--orchestrator", &address, "--workers", &workers]);
        if arguments.kafka != "embedded" {
            flags.extend(words(&["--kafka", &arguments.kafka]));
        }
        flags.extend(data(&format!("driver-{n}")));
        flags.extend(arguments.sending.words());
        let driver = stack.start(&format!("driver {n}"), &flags).await?;
        say::line(format_args!("driver     {}", driver.node_id.as_deref().unwrap_or("?")));
        ids.extend(driver.node_id);
    }
    if arguments.target {
        let flags = words(&["target", "--listen", &address_with_port(TARGET_PORT)]);
        let target = stack.start("target", &flags).await?;
        say::line(format_args!("target     http://{}/ping", target.http.unwrap_or_default()));
    }
    joined(&Client::new(&address, None, None)?, &ids).await?;
    say::line("ready      stop with Ctrl-C");
    Ok(())
}

fn data_dir(base: Option<&Path>, kind: &str) -> Vec<String> {
    base.map_or_else(Vec::new, |base| vec!["--data-dir".to_owned(), base.join(kind).display().to_string()])
}

/// Passes on what the nodes log.
async fn show(mut log: mpsc::Receiver<String>) {
    while let Some(line) = log.recv().await {
        say::aside(line);
    }
}
