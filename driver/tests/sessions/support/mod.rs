//! What the tests share: a server that counts, a worker that runs a plan against it, and a shop.

mod running;
mod server;

pub use running::*;
pub use server::*;

pub const SHOP: &str = "
[requests.login]
method = 'POST'
path = '/login'
form = { user = 'u{{session}}' }
extract.token = { json = '$.token' }
[requests.cart]
path = '/cart/{{token}}'
check.body = 'cart of {{token}}'
[requests.home]
path = '/home'
";

pub fn shop(seen: &Seen) -> Reply {
    match seen.line.split_once(' ').unwrap().1 {
        "/login" => ok(&format!("{{\"token\":\"t-{}\"}}", seen.body.trim_start_matches("user="))),
        path if path.starts_with("/cart/") => ok(&format!("the cart of {}", &path[6..])),
        _ => ok("home"),
    }
}
