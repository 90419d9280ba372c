//! The hosts that requests go to, and awc's pools of connections to them. awc gives any kept connection of a pool to any
//! request for the same host. So those that open their own connection have a pool to themselves, in which none is ever
//! kept, and so has each session or user that has connections of its own.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use ::awc::http::Uri;
use ::awc::{Client, Connector};
use actix_service::fn_service;
use actix_tls::connect::{ConnectError, ConnectInfo, Connection};
use common::plan::TargetUrl;
use tokio_rustls::TlsConnector;

use super::setting_up::{Target, connect};
use crate::driver_test::{DriverTest, HostOf};
use crate::engine::Opened;

/// Longer than any test: attempts are timed by the engine, and connections live as long as the target keeps them.
const NEVER: Duration = Duration::from_secs(30 * 24 * 3_600);

struct Host {
    url: TargetUrl,
    target: Rc<Target>,
    /// Whether servers that demand a client certificate get one.
    has_certificate: bool,
    /// For requests that are sent on kept connections.
    sharing: Client,
    /// For those that open their own.
    apart: Client,
}

pub struct Hosts {
    hosts: Box<[Host]>,
    /// As many as there are hosts, for each slot of a session or user with connections of its own.
    own: RefCell<Vec<Option<Client>>>,
    opened: Rc<Cell<Opened>>,
}

impl Hosts {
    /// The hosts of a test, without connections; `opened` counts those.
    ///
    /// # Errors
    /// As [`HostOf::tls_to`].
    pub fn new(test: &DriverTest, opened: &Rc<Cell<Opened>>) -> Result<Self, String> {
        let hosts = test.hosts.iter().map(|host| Host::new(host, opened)).collect::<Result<_, _>>()?;
        Ok(Self { hosts, own: RefCell::default(), opened: Rc::clone(opened) })
    }

    pub fn url(&self, host: usize) -> &TargetUrl {
        &self.hosts[host].url
    }

    /// Whether a host that demands a client certificate gets one.
    pub fn has_certificate(&self, host: usize) -> bool {
        self.hosts[host].has_certificate
    }

    /// The client whose pool a request to a host goes by.
    pub fn client(&self, host: usize, reuses: bool, own_connection: Option<u32>) -> Client {
        let of = &self.hosts[host];
        match own_connection {
            _ if !reuses => of.apart.clone(),
            None => of.sharing.clone(),
            Some(slot) => {
                let (mut own, index) = (self.own.borrow_mut(), slot as usize * self.hosts.len() + host);
                if own.len() <= index {
                    own.resize_with(index + 1, || None);
                }
                own[index].get_or_insert_with(|| client(&of.target, &self.opened)).clone()
            }
        }
    }

    /// Drops the pools of a slot, and closes what is idle in them.
    pub fn close_own(&self, slot: u32) {
        let n = self.hosts.len();
        // A pool that is dropped closes its connections: not while the list is borrowed.
        let closed: Vec<_> =
            self.own.borrow_mut().iter_mut().skip(slot as usize * n).take(n).map(Option::take).collect();
        drop(closed);
    }
}

impl Host {
    fn new(host: &HostOf, opened: &Rc<Cell<Opened>>) -> Result<Self, String> {
        let tls = host.tls_to()?.map(|(config, name)| (TlsConnector::from(config), name));
        let addresses = host.addresses.clone();
        let target = Rc::new(Target { addresses, favourite: RefCell::default(), tls });
        let (sharing, apart) = (client(&target, opened), client(&target, opened));
        Ok(Self { url: host.url.clone(), target, has_certificate: host.has_certificate(), sharing, apart })
    }
}

/// A client with a pool of connections of its own.
fn client(target: &Rc<Target>, opened: &Rc<Cell<Opened>>) -> Client {
    let (target, opened) = (Rc::clone(target), Rc::clone(opened));
    let connects = fn_service(move |info: ConnectInfo<Uri>| {
        let (target, opened) = (Rc::clone(&target), Rc::clone(&opened));
        async move {
            if target.addresses.now().is_empty() {
                return Err(ConnectError::NoRecords);
            }
            let stream = connect(&target, &opened).await.map_err(ConnectError::Io)?;
            Ok(Connection::new(info.request().clone(), stream))
        }
    });
    let connector = Connector::new()
        .connector(connects)
        .timeout(NEVER)
        .conn_keep_alive(NEVER)
        .conn_lifetime(NEVER)
        // The worker bounds the attempts in flight; a bound in awc would queue attempts where they cannot be counted.
        .limit(usize::MAX >> 4);
    let client = Client::builder().connector(connector);
    client.disable_redirects().disable_timeout().no_default_headers().finish()
}
