//! Carts: all of a cart is in its cookie, so that a client that loses cookies has lost its cart.

use serde_json::json;

use super::catalogue::{number, price_cents};
use super::reply::{Call, Reply};

/// The cookie: `7x2.13x1` is two of product 7 and one of product 13.
const COOKIE: &str = "cart";

/// Most different products in a cart.
const MAX_LINES: usize = 50;

/// Most of one product.
const MAX_QUANTITY: u64 = 1_000;

/// A product and how many of it.
type Line = (u64, u64);

/// The cart of a request.
pub fn show(call: &Call<'_>) -> Result<Reply, Reply> {
    Ok(answer(&lines(call)?))
}

/// Adds a product.
pub fn add(call: &Call<'_>) -> Result<Reply, Reply> {
    let form = call.form()?;
    let id = form
        .get("product_id")
        .and_then(number)
        .ok_or_else(|| Reply::refused(400, "product_id is not a product"))?;
    let quantity = form.number("quantity", 1..=MAX_QUANTITY)?.unwrap_or(1);
    let mut lines = lines(call)?;
    let full = lines.len() >= MAX_LINES;
    match lines.iter_mut().find(|line| line.0 == id) {
        Some(line) => line.1 = (line.1 + quantity).min(MAX_QUANTITY),
        None if full => return Err(Reply::refused(400, "the cart is full: 50 products")),
        None => lines.push((id, quantity)),
    }
    let value: Vec<String> = lines.iter().map(|(id, quantity)| format!("{id}x{quantity}")).collect();
    Ok(answer(&lines).with("set-cookie", format!("{COOKIE}={}; Path=/shop", value.join("."))))
}

/// Empties it.
pub fn clear() -> Reply {
    answer(&[]).with("set-cookie", format!("{COOKIE}=; Path=/shop; Max-Age=0"))
}

fn answer(lines: &[Line]) -> Reply {
    let cents: u64 = lines.iter().map(|(id, quantity)| price_cents(*id) * quantity).sum();
    let items: Vec<_> =
        lines.iter().map(|(id, quantity)| json!({ "product_id": id, "quantity": quantity })).collect();
    Reply::json(200, &json!({ "items": items, "total": cents as f64 / 100.0 }))
}

fn lines(call: &Call<'_>) -> Result<Vec<Line>, Reply> {
    let Some(value) = call.cookie(COOKIE).filter(|value| !value.is_empty()) else { return Ok(Vec::new()) };
    let line = |text: &str| {
        let (id, quantity) = text.split_once('x')?;
        let quantity = quantity.parse().ok().filter(|quantity| (1..=MAX_QUANTITY).contains(quantity))?;
        Some((number(id)?, quantity))
    };
    let lines: Option<Vec<Line>> = value.split('.').take(MAX_LINES + 1).map(line).collect();
    lines
        .filter(|lines| lines.len() <= MAX_LINES)
        .ok_or_else(|| Reply::refused(400, "the cookie cart is not one of ours"))
}

#[cfg(test)]
mod tests {
    use super::super::read::Pairs;
    use super::*;

    fn with(cookies: &str, body: &str, act: impl Fn(&Call<'_>) -> Result<Reply, Reply>) -> Reply {
        let call = Call {
            method: "POST",
            path: "/shop/cart",
            query: &Pairs::default(),
            authorization: "",
            cookies,
            content_type: "application/x-www-form-urlencoded",
            body: body.as_bytes(),
        };
        act(&call).unwrap_or_else(|refused| refused)
    }

    #[test]
    fn what_is_added_stays_in_the_cookie() {
        let one = with("", "product_id=7&quantity=2", add);
        assert_eq!((one.status, one.field("set-cookie").unwrap()), (200, "cart=7x2; Path=/shop"));
        let more = with("cart=7x2", "product_id=13", add);
        assert_eq!(more.field("set-cookie").unwrap(), "cart=7x2.13x1; Path=/shop");
        let same = with("cart=7x2.13x1", "product_id=7&quantity=1", add);
        assert_eq!(same.field("set-cookie").unwrap(), "cart=7x3.13x1; Path=/shop");
        let shown = with("cart=7x3.13x1", "", show).value();
        assert_eq!(shown["items"][1], json!({ "product_id": 13, "quantity": 1 }));
        assert_eq!(with("", "", show).value()["items"], json!([]));
        assert!(clear().field("set-cookie").unwrap().contains("Max-Age=0"));
    }

    #[test]
    fn what_no_shop_sells_is_refused() {
        for body in ["", "product_id=1001", "product_id=7&quantity=0", "product_id=7&quantity=x"] {
            assert_eq!(with("", body, add).status, 400, "{body}");
        }
        for cookies in ["cart=x", "cart=7x0", "cart=7", "cart=1001x1", "cart=7x1."] {
            assert_eq!(with(cookies, "", show).status, 400, "{cookies}");
        }
        let full: Vec<String> = (1..=50).map(|id| format!("{id}x1")).collect();
        assert_eq!(with(&format!("cart={}", full.join(".")), "product_id=51", add).status, 400);
    }
}
