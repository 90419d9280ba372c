//! `up`: the whole system on this machine, each node its own process, until Ctrl-C. A driver or target that ends is
//! started again; without its orchestrator, and the Kafka inside it, nothing can go on.

use std::path::Path;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use crate::args::{ProgressArg, UpArgs, allow_secrets};
use crate::child::{Ended, Launcher, Node, Ready};
use crate::client::Client;
use crate::exit::{ExitCode, Stop};
use crate::family::{Family, stop_together};
use crate::join::joined;
use crate::logs::show_logs;
use crate::progress::ProgressView;
use crate::restarts::{MOST, Restarts};
use crate::say;
use crate::signals::Interrupts;
use crate::stack::{Stack, address_with_port, workers_each};

/// Default port of an orchestrator.
const ORCHESTRATOR_PORT: u16 = 8080;

/// Default port of the target.
const TARGET_PORT: u16 = 8081;

/// Any port that is free.
const ANY_PORT: &str = "127.0.0.1:0";

/// What the first node of a stack is in it.
const ORCHESTRATOR: usize = 0;

/// Between a node's end and its next start: its folder and its port are free again by then.
const PAUSE: Duration = Duration::from_millis(250);

/// Starts everything, says where it is, and waits for a signal or for the orchestrator to end.
///
/// # Errors
/// Where a node cannot be started, or the orchestrator ends.
pub async fn up(arguments: &UpArgs) -> Result<(), Stop> {
    let mut interrupted = Interrupts::listen()?;
    let family = Family::default();
    stop_together(family.clone(), || {})?;
    let (mut stack, log) = Stack::new(family, None)?;
    actix_rt::spawn(show_logs(log, ProgressView::new(true, ProgressArg::Line)));
    let outcome = tokio::select! {
        outcome = serve(arguments, &mut stack) => outcome,
        () = interrupted.next() => Ok(()),
    };
    // Ctrl-C now leaves at once: what has not ended is killed with the stack.
    tokio::select! {
        () = stack.stop() => {}
        () = interrupted.next() => {}
    }
    outcome
}

async fn serve(arguments: &UpArgs, stack: &mut Stack) -> Result<(), Stop> {
    let mut recipes = start(arguments, stack).await?;
    let launcher = stack.launcher().clone();
    let mut starting = FuturesUnordered::new();
    loop {
        let (place, failed) = tokio::select! {
            (place, ended) = stack.one_ended() => match place {
                ORCHESTRATOR => return Err(without_orchestrator(&arguments.kafka, &ended)),
                place => (place, ended.describe()),
            },
            Some((place, started)) = starting.next() => match started {
                Ok(node) => {
                    stack.put(place, node);
                    say::aside(format_args!("{} is back", stack.label(place)));
                    continue;
                }
                Err(error) => (place, error),
            },
        };
        let Some(recipe) = recipes.get_mut(place) else { continue };
        let label = stack.label(place).to_owned();
        if recipe.restarts.allow(Instant::now()) {
            let nth = recipe.restarts.count();
            say::aside(format_args!(
                "{label} ended ({failed}): it is started again ({nth} of {MOST} times a minute)"
            ));
            starting.push(again(&launcher, place, label, recipe.arguments.clone()));
        } else {
            say::aside(format_args!(
                "{label} ended ({failed}) {} times within a minute: it is not started again; the others go on",
                MOST + 1
            ));
        }
    }
}

fn without_orchestrator(kafka: &str, ended: &Ended) -> Stop {
    let kafka = if kafka == "embedded" { ", and its embedded Kafka with it" } else { "" };
    Stop::could_not(format!(
        "the orchestrator ended ({}){kafka}: start `groundswell up` again",
        ended.describe()
    ))
}

/// Starts a node in the place of one that ended; says which place, so that several may start at once.
async fn again(
    launcher: &Launcher,
    place: usize,
    label: String,
    arguments: Vec<String>,
) -> (usize, Result<Node, String>) {
    tokio::time::sleep(PAUSE).await;
    let started = launcher.launch(&label, &arguments).await;
    (place, started.map(|(node, _)| node).map_err(|stop| stop.message))
}

/// How to start the node of a place again: as the same node, at the same address.
struct Recipe {
    arguments: Vec<String>,
    restarts: Restarts,
}

impl Recipe {
    /// A node that was started so, and was ready so.
    fn of(mut arguments: Vec<String>, ready: &Ready) -> Self {
        if let Some(folder) = &ready.data_dir {
            set(&mut arguments, "--data-dir", &folder.display().to_string());
        }
        if let (true, Some(address)) = (ready.kind == "target", &ready.http) {
            set(&mut arguments, "--listen", address);
        }
        Self { arguments, restarts: Restarts::default() }
    }
}

/// Gives a flag this value, whether it had one or not.
fn set(arguments: &mut Vec<String>, flag: &str, value: &str) {
    match arguments.iter().position(|argument| argument == flag) {
        Some(at) if at + 1 < arguments.len() => value.clone_into(&mut arguments[at + 1]),
        _ => arguments.extend([flag.to_owned(), value.to_owned()]),
    }
}

/// Starts all nodes; returns how to start each again, in the order of their places.
async fn start(arguments: &UpArgs, stack: &mut Stack) -> Result<Vec<Recipe>, Stop> {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let data = |kind: &str| data_dir(arguments.data_dir.as_deref(), kind);
    let mut recipes = Vec::new();

    // Before the orchestrator, which offers it on its page.
    let target = if arguments.target {
        let mut flags = words(&["target", "--listen", &address_with_port(TARGET_PORT)]);
        let (node, ready) = start_anywhere(stack.launcher(), "target", &mut flags).await?;
        let url = format!("http://{}/ping", ready.http.as_deref().unwrap_or_default());
        Some((node, url, Recipe::of(flags, &ready)))
    } else {
        None
    };

    let listen = arguments.listen.clone().unwrap_or_else(|| address_with_port(ORCHESTRATOR_PORT));
    let mut flags = words(&["orchestrator", "--listen", &listen, "--kafka", &arguments.kafka]);
    flags.extend(data("orchestrator"));
    if let Some((_, url, _)) = &target {
        flags.extend(words(&["--try-target", url]));
    }
    let (node, orchestrator) = match &arguments.listen {
        Some(asked) => stack.launcher().launch("orchestrator", &flags).await.map_err(|stop| Stop {
            message: format!("--listen {asked}: {}", stop.message),
            code: stop.code,
        })?,
        None => start_anywhere(stack.launcher(), "orchestrator", &mut flags).await?,
    };
    stack.add("orchestrator", node);
    let address = orchestrator.http.clone().unwrap_or_default();
    say::line(format_args!("dashboard  http://{address}/"));
    say::line(format_args!("kafka      {}", orchestrator.kafka.join(",")));
    recipes.push(Recipe::of(flags, &orchestrator));

    let workers = workers_each(arguments.drivers, arguments.workers).to_string();
    let mut ids = Vec::new();
    for n in 1..=arguments.drivers {
        let mut flags = words(&["driver", "--orchestrator", &address, "--workers", &workers]);
        if arguments.kafka != "embedded" {
            flags.extend(words(&["--kafka", &arguments.kafka]));
        }
        flags.extend(data(&format!("driver-{n}")));
        flags.extend(arguments.sending.words());
        flags.extend(allow_secrets(arguments.allow_secrets.iter().map(String::as_str)));
        let driver = stack.start(&format!("driver {n}"), &flags).await?;
        say::line(format_args!("driver     {}", driver.node_id.as_deref().unwrap_or("?")));
        ids.extend(driver.node_id.clone());
        recipes.push(Recipe::of(flags, &driver));
    }
    if let Some((node, url, recipe)) = target {
        stack.add("target", node);
        say::line(format_args!("target     {url}"));
        recipes.push(recipe);
    }
    joined(&Client::new(&address, None, None)?, &ids).await?;
    say::line("ready      stop with Ctrl-C");
    Ok(recipes)
}

/// Starts a node at the port that it has by default, or at any other: the default one may be taken between a look
/// at it and the node's own start.
async fn start_anywhere(
    launcher: &Launcher,
    label: &str,
    flags: &mut Vec<String>,
) -> Result<(Node, Ready), Stop> {
    let first = launcher.launch(label, flags).await;
    let settings_are_wrong = first.as_ref().is_err_and(|stop| stop.code == ExitCode::Usage);
    if first.is_ok() || settings_are_wrong || flags.iter().any(|flag| flag == ANY_PORT) {
        return first;
    }
    let mut elsewhere = flags.clone();
    set(&mut elsewhere, "--listen", ANY_PORT);
    match launcher.launch(label, &elsewhere).await {
        Ok(ready) => {
            *flags = elsewhere;
            Ok(ready)
        }
        // It was not the port.
        Err(_) => first,
    }
}

fn data_dir(base: Option<&Path>, kind: &str) -> Vec<String> {
    base.map_or_else(Vec::new, |base| vec!["--data-dir".to_owned(), base.join(kind).display().to_string()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_started_again_in_its_folder_and_at_its_address() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let driver =
            Ready { kind: "driver".to_owned(), data_dir: Some("/d/driver-3".into()), ..Ready::default() };
        let recipe = Recipe::of(words("driver --orchestrator 127.0.0.1:9"), &driver);
        assert_eq!(recipe.arguments, words("driver --orchestrator 127.0.0.1:9 --data-dir /d/driver-3"));
        let recipe = Recipe::of(words("driver --data-dir /d/driver-1 --workers 2"), &driver);
        assert_eq!(recipe.arguments, words("driver --data-dir /d/driver-3 --workers 2"));
        let address = Some("127.0.0.1:4711".to_owned());
        let target = Ready { kind: "target".to_owned(), http: address, ..Ready::default() };
        let recipe = Recipe::of(words("target --listen 127.0.0.1:0"), &target);
        assert_eq!(recipe.arguments, words("target --listen 127.0.0.1:4711"));
    }
}
