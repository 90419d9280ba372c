//! In which order a target's addresses are tried (RFC 8305, "Happy Eyeballs"): the first that was resolved comes first,
//! the next one 250 ms later where that has not connected, and the first to connect is used. Both engines go by this.
//! It opens no socket.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a connection may take before the next address is tried beside it: the recommendation of RFC 8305.
pub const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// How long an address that lost is tried last: a network that lets nothing through seldom changes within a test, and
/// each look at it costs a request 250 ms. RFC 6555 has the same ten minutes.
const SET_ASIDE_FOR: Duration = Duration::from_secs(600);

/// The addresses in the order in which one connection tries them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    addresses: Arc<[SocketAddr]>,
    /// The one that comes first; the others follow as they were resolved.
    first: usize,
}

impl Order {
    /// The nth address that is tried, from 0.
    pub fn nth(&self, n: usize) -> Option<SocketAddr> {
        let index = match n {
            0 => self.first,
            // Those before the one that was moved to the front are one place further back.
            n if n <= self.first => n - 1,
            n => n,
        };
        self.addresses.get(index).copied()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.addresses.len()
    }
}

/// Which address a worker's connections begin with. That is the first, as it always was, unless the first did not
/// connect within [`ATTEMPT_DELAY`] and another did: then it is that other one for ten minutes, so that not each
/// connection pays the delay. It is forgotten when the name resolves to other addresses.
#[derive(Debug, Default)]
pub struct Favourite(Option<Known>);

#[derive(Debug)]
struct Known {
    of: Arc<[SocketAddr]>,
    address: SocketAddr,
    until: Instant,
}

impl Favourite {
    /// The order for a connection that begins now.
    pub fn order(&mut self, addresses: &Arc<[SocketAddr]>, now: impl FnOnce() -> Instant) -> Order {
        if let Some(known) = &self.0
            && (known.of != *addresses || now() >= known.until)
        {
            self.0 = None;
        }
        let known = self.0.as_ref().map(|known| known.address);
        let first = known.and_then(|known| addresses.iter().position(|address| *address == known));
        Order { addresses: Arc::clone(addresses), first: first.unwrap_or(0) }
    }

    /// An address connected where the one that was tried before it did not, in time.
    pub fn connected_instead(&mut self, order: &Order, address: SocketAddr, now: Instant) {
        self.0 = Some(Known { of: Arc::clone(&order.addresses), address, until: now + SET_ASIDE_FOR });
    }
}

/// The addresses with the families taking turns, beginning with that of the first (RFC 8305, 4): where one family leads
/// nowhere, the second address tried is of the other.
pub fn interleaved(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (ours, others): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == first_is_v6);
    let mut others = others.into_iter();
    let mut mixed = Vec::with_capacity(ours.len() + others.len());
    for address in ours {
        mixed.push(address);
        mixed.extend(others.next());
    }
    mixed.extend(others);
    mixed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(addresses: &[&str]) -> Vec<SocketAddr> {
        addresses.iter().map(|address| address.parse().unwrap()).collect()
    }

    fn all(order: &Order) -> Vec<SocketAddr> {
        (0..=order.len()).map_while(|n| order.nth(n)).collect()
    }

    #[test]
    fn families_take_turns_and_the_resolvers_order_stays_within_each() {
        let v4 = ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"];
        let v6 = ["[fd00::1]:80", "[fd00::2]:80"];
        assert_eq!(interleaved(parsed(&v4)), parsed(&v4));
        let resolved = parsed(&[v6[0], v6[1], v4[0], v4[1], v4[2]]);
        assert_eq!(interleaved(resolved), parsed(&[v6[0], v4[0], v6[1], v4[1], v4[2]]));
        let resolved = parsed(&[v4[0], v6[0], v6[1]]);
        assert_eq!(interleaved(resolved), parsed(&[v4[0], v6[0], v6[1]]));
        assert_eq!(interleaved(Vec::new()), Vec::new());
    }

    #[test]
    fn the_address_that_connected_comes_first_for_ten_minutes_and_while_the_addresses_are_the_same() {
        let addresses: Arc<[SocketAddr]> =
            parsed(&["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80", "10.0.0.4:80"]).into();
        let mut favourite = Favourite::default();
        let start = Instant::now();
        let order = favourite.order(&addresses, || start);
        assert_eq!(all(&order), addresses[..]);
        favourite.connected_instead(&order, addresses[2], start);
        let later = start + Duration::from_secs(599);
        let moved = [addresses[2], addresses[0], addresses[1], addresses[3]];
        assert_eq!(all(&favourite.order(&addresses, || later)), moved);
        let others: Arc<[SocketAddr]> = addresses[1..].into();
        let order = favourite.order(&others, || later);
        assert_eq!(all(&order), others[..], "another answer of the resolver");
        favourite.connected_instead(&order, others[1], later);
        let past = later + Duration::from_secs(600);
        assert_eq!(all(&favourite.order(&others, || past)), others[..]);
    }
}
