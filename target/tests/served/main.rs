//! The target over real sockets.
#![allow(clippy::unwrap_used)] // a test: what fails, fails it

mod ping;
mod shop;

use target::TargetSettings;
use target::settings::BehaviourSettings;
use tokio::sync::oneshot;

/// Starts a target; returns its URL, and what it lives as long as.
async fn start(behaviour: BehaviourSettings) -> (String, oneshot::Sender<()>) {
    let mut settings = TargetSettings { behaviour, ..TargetSettings::default() };
    settings.http.listen = "127.0.0.1:0".parse().unwrap();
    settings.http.workers = Some(1);
    let (stop, stopped) = oneshot::channel::<()>();
    let (bound, address) = oneshot::channel();
    actix_rt::spawn(target::run(settings, async move { drop(stopped.await) }, |ready| {
        bound.send(ready.http).unwrap()
    }));
    (format!("http://{}", address.await.unwrap()), stop)
}
