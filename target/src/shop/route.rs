//! The addresses of the shop, and which of them a path is.

/// An address, whatever the method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Route {
    /// `/shop/`
    Home,
    /// `/shop/products`
    Products,
    /// `/shop/products/{id}`
    Product,
    /// `/shop/search`
    Search,
    /// `/shop/login`
    Login,
    /// `/shop/account`
    Account,
    /// `/shop/token`
    Token,
    /// `/shop/me`
    Me,
    /// `/shop/cart`
    Cart,
    /// `/shop/orders`
    Orders,
    /// `/shop/orders/{id}`
    Order,
    /// `/shop/orders/{id}/confirm`
    Confirm,
    /// `/shop/jobs`
    Jobs,
    /// `/shop/jobs/{id}`
    Job,
    /// `/shop/upload`
    Upload,
    /// `/shop/old/{n}`
    Old,
    /// `/shop/redirect`
    Redirect,
    /// `/shop/counts`
    Counts,
    /// `/shop/counts/reset`
    Reset,
    /// `/shop/log`
    Log,
    /// `/shop/log/start`
    LogStart,
    /// `/shop/stall`
    Stall,
    /// Everything else below `/shop/`.
    Unknown,
}

impl Route {
    /// The route of a path, and what stands in the place of `{id}` or `{n}` (else empty).
    pub fn of(path: &str) -> (Self, &str) {
        let below = path.strip_prefix("/shop/").unwrap_or("?");
        let mut parts = below.split('/');
        let route = match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some("products"), Some(id), None, None) => return (Self::Product, id),
            (Some("orders"), Some(id), None, None) => return (Self::Order, id),
            (Some("orders"), Some(id), Some("confirm"), None) => return (Self::Confirm, id),
            (Some("jobs"), Some(id), None, None) => return (Self::Job, id),
            (Some("old"), Some(n), None, None) => return (Self::Old, n),
            (Some("counts"), Some("reset"), None, None) => Self::Reset,
            (Some("log"), Some("start"), None, None) => Self::LogStart,
            (Some(name), None, None, None) => match name {
                "" => Self::Home,
                "products" => Self::Products,
                "search" => Self::Search,
                "login" => Self::Login,
                "account" => Self::Account,
                "token" => Self::Token,
                "me" => Self::Me,
                "cart" => Self::Cart,
                "orders" => Self::Orders,
                "jobs" => Self::Jobs,
                "upload" => Self::Upload,
                "redirect" => Self::Redirect,
                "counts" => Self::Counts,
                "log" => Self::Log,
                "stall" => Self::Stall,
                _ => Self::Unknown,
            },
            _ => Self::Unknown,
        };
        (route, "")
    }

    /// As counts name it.
    pub fn pattern(self) -> &'static str {
        match self {
            Self::Home => "/shop/",
            Self::Products => "/shop/products",
            Self::Product => "/shop/products/{id}",
            Self::Search => "/shop/search",
            Self::Login => "/shop/login",
            Self::Account => "/shop/account",
            Self::Token => "/shop/token",
            Self::Me => "/shop/me",
            Self::Cart => "/shop/cart",
            Self::Orders => "/shop/orders",
            Self::Order => "/shop/orders/{id}",
            Self::Confirm => "/shop/orders/{id}/confirm",
            Self::Jobs => "/shop/jobs",
            Self::Job => "/shop/jobs/{id}",
            Self::Upload => "/shop/upload",
            Self::Old => "/shop/old/{n}",
            Self::Redirect => "/shop/redirect",
            Self::Counts => "/shop/counts",
            Self::Reset => "/shop/counts/reset",
            Self::Log => "/shop/log",
            Self::LogStart => "/shop/log/start",
            Self::Stall => "/shop/stall",
            Self::Unknown => "(unknown)",
        }
    }

    /// Whether it is there for tests to look or to set something up: such requests are not counted, not logged, not
    /// held back.
    pub fn is_aside(self) -> bool {
        matches!(self, Self::Counts | Self::Reset | Self::Log | Self::LogStart | Self::Stall)
    }

    /// Most bytes of a body that it reads.
    pub fn body_limit(self) -> usize {
        match self {
            // A plan's files may have 16 MiB.
            Self::Upload => 20 << 20,
            _ => 1 << 20,
        }
    }
}

/// A method as counts name it: made-up ones share a name, so that they do not eat memory.
pub fn method_name(method: &str) -> &'static str {
    ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
        .into_iter()
        .find(|known| *known == method)
        .unwrap_or("(other)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pattern_is_found_again() {
        for path in
            ["/shop/", "/shop/cart", "/shop/counts/reset", "/shop/log", "/shop/log/start", "/shop/stall"]
        {
            assert_eq!((Route::of(path).0.pattern(), Route::of(path).1), (path, ""));
        }
        assert_eq!(Route::of("/shop/products/7"), (Route::Product, "7"));
        assert_eq!(Route::of("/shop/orders/a-b/confirm"), (Route::Confirm, "a-b"));
        assert_eq!(Route::of("/shop/orders/a-b"), (Route::Order, "a-b"));
        assert_eq!(Route::of("/shop/jobs/x"), (Route::Job, "x"));
        assert_eq!(Route::of("/shop/old/0"), (Route::Old, "0"));
        for path in ["/shop", "/ping", "/shop/carts", "/shop/cart/1", "/shop/orders/1/confirm/2", "/shop//"] {
            assert_eq!(Route::of(path).0, Route::Unknown, "{path}");
        }
    }

    #[test]
    fn made_up_methods_share_a_name() {
        assert_eq!((method_name("GET"), method_name("BREW")), ("GET", "(other)"));
    }
}
