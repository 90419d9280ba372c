//! What the shop sells: 1,000 products, each a function of its id.

use serde::Serialize;
use serde_json::json;

use super::read::Pairs;
use super::reply::Reply;

/// How many products there are; their ids begin at 1.
pub const PRODUCTS: u64 = 1_000;

/// Products on a page of the list, and most of an answer to a search.
const ON_A_PAGE: u64 = 25;

const COLOURS: [&str; 8] = ["red", "blue", "dark green", "white", "black", "yellow", "grey", "light blue"];
const THINGS: [&str; 9] =
    ["teapot", "lamp", "chair", "bicycle", "blanket", "kettle", "radio", "shelf", "umbrella"];
const TEXT: &str = "Made in small numbers, tested by hand, and packed in paper. It comes with a list of its spare parts \
                    and with a promise of ten years: what breaks is repaired or replaced.";

/// A product as lists show it.
#[derive(Debug, Serialize)]
struct Line {
    id: u64,
    name: String,
    price: f64,
    stock: u64,
}

/// A product in full, about 2 kB.
#[derive(Debug, Serialize)]
struct Product {
    #[serde(flatten)]
    line: Line,
    currency: &'static str,
    description: &'static str,
    maker: serde_json::Value,
    size: serde_json::Value,
    tags: Vec<String>,
    reviews: Vec<serde_json::Value>,
    related: Vec<u64>,
}

/// The home page.
pub fn home() -> Reply {
    let mut items = String::new();
    for id in 1..=10 {
        let line = line(id);
        items +=
            &format!("<li><a href=\"/shop/products/{id}\">{}</a> {:.2} EUR</li>\n", line.name, line.price);
    }
    Reply::html(format!(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>Shop</title></head>\n<body>\n\
         <h1>Shop</h1>\n<p>{TEXT}</p>\n\
         <form action=\"/shop/search\" method=\"get\"><input name=\"q\"><input type=\"submit\" value=\"Search\"></form>\n\
         <ul>\n{items}</ul>\n<p><a href=\"/shop/products\">All products</a> <a href=\"/shop/login\">Log in</a></p>\n\
         </body>\n</html>\n"
    ))
}

/// A page of the list.
pub fn list(query: &Pairs) -> Result<Reply, Reply> {
    let page = query.number("page", 1..=1_000_000)?.unwrap_or(1);
    let ids = ((page - 1) * ON_A_PAGE + 1)..=(page * ON_A_PAGE).min(PRODUCTS);
    let products: Vec<Line> = ids.map(line).collect();
    let pages = PRODUCTS.div_ceil(ON_A_PAGE);
    Ok(Reply::json(200, &json!({ "page": page, "pages": pages, "total": PRODUCTS, "products": products })))
}

/// The product of an id in a path.
pub fn product(id: &str) -> Reply {
    let Some(id) = number(id) else { return Reply::refused(404, "no such product") };
    let reviews = (0..9)
        .map(|n| {
            let stars = 1 + (id * 7 + n * 3) % 5;
            json!({ "by": format!("guest {}", (id * 13 + n * 101) % 997), "stars": stars,
                    "at": format!("2026-{:02}-{:02}T10:{:02}:00Z", 1 + (id + n) % 12, 1 + (id * 3 + n) % 28, n * 7),
                    "text": &TEXT[..60 + (id as usize + n as usize * 17) % 60] })
        })
        .collect();
    let product = Product {
        line: line(id),
        currency: "EUR",
        description: TEXT,
        maker: json!({ "name": format!("Works no. {}", id % 40), "country": "DE",
                       "address": { "street": format!("Canal Street {}", id % 90 + 1), "city": "Münster", "zip": format!("{:05}", 48_000 + id) } }),
        size: json!({ "width_mm": 100 + id % 300, "height_mm": 50 + id % 170, "weight_g": 200 + id * 3 }),
        tags: vec![colour(id).to_owned(), thing(id).to_owned(), format!("series {}", id / 100)],
        reviews,
        related: (1..=8).map(|n| (id + n * 37) % PRODUCTS + 1).collect(),
    };
    Reply::json(200, &product)
}

/// The products whose names contain `q`, from the `from`th on.
pub fn search(query: &Pairs) -> Result<Reply, Reply> {
    let Some(q) = query.get("q") else { return Err(Reply::refused(400, "q is missing")) };
    let from = query.number("from", 0..=1_000_000)?.unwrap_or(0);
    let wanted = q.to_lowercase();
    let found: Vec<u64> = (1..=PRODUCTS).filter(|id| name(*id).contains(&wanted)).collect();
    let shown = found.iter().skip(usize::try_from(from).unwrap_or(usize::MAX)).take(ON_A_PAGE as usize);
    let products: Vec<Line> = shown.map(|id| line(*id)).collect();
    Ok(Reply::json(200, &json!({ "q": q, "from": from, "total": found.len(), "products": products })))
}

/// An id in a path or form, where such a product exists: digits without a sign or zeros before.
pub fn number(id: &str) -> Option<u64> {
    let plain = id.bytes().all(|byte| byte.is_ascii_digit()) && !id.starts_with('0');
    id.parse().ok().filter(|id| plain && (1..=PRODUCTS).contains(id))
}

/// A price in cents.
pub fn price_cents(id: u64) -> u64 {
    199 + id * 7_919 % 20_000
}

fn line(id: u64) -> Line {
    Line { id, name: name(id), price: price_cents(id) as f64 / 100.0, stock: id * 31 % 250 }
}

fn name(id: u64) -> String {
    format!("{} {} {id}", colour(id), thing(id))
}

fn colour(id: u64) -> &'static str {
    COLOURS[id as usize % COLOURS.len()]
}

fn thing(id: u64) -> &'static str {
    THINGS[id as usize % THINGS.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_product_is_about_2_kb() {
        for id in 1..=PRODUCTS {
            let reply = product(&id.to_string());
            assert_eq!((reply.status, &reply.value()["id"]), (200, &json!(id)));
            assert!((1_500..2_500).contains(&reply.body.len()), "{id}: {} bytes", reply.body.len());
        }
        for id in ["0", "1001", "07", "+7", "x", "", "99999999999999999999"] {
            assert_eq!(product(id).status, 404, "{id}");
        }
    }

    #[test]
    fn the_list_has_pages_up_to_the_last() {
        let page = |query: &str| list(&Pairs::read(query)).map(|reply| reply.value());
        let first = page("").unwrap();
        assert_eq!((&first["pages"], &first["products"][0]["id"]), (&json!(40), &json!(1)));
        assert_eq!(page("page=40").unwrap()["products"][24]["id"], 1_000);
        assert_eq!(page("page=41").unwrap()["products"], json!([]));
        assert_eq!(page("page=0").unwrap_err().status, 400);
        let bytes = list(&Pairs::default()).unwrap().body.len();
        assert!((1_500..2_500).contains(&bytes), "{bytes} bytes");
    }

    #[test]
    fn a_search_finds_by_name() {
        let found = search(&Pairs::read("q=Dark%20green&from=003")).unwrap().value();
        assert_eq!((&found["total"], &found["from"]), (&json!(125), &json!(3)));
        assert!(found["products"][0]["name"].as_str().unwrap().starts_with("dark green"));
        assert_eq!(search(&Pairs::read("q=")).unwrap().value()["total"], 1_000);
        assert_eq!(search(&Pairs::default()).unwrap_err().status, 400);
    }
}
