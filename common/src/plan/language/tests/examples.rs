//! The four plans at the end of the design, as far as they can be read today.

use super::*;

/// The faults of a plan as `path: reason`.
fn faults(text: &str) -> Vec<String> {
    let faults = read(text, PlanFormat::Toml).err().unwrap_or_default();
    faults.iter().map(|fault| format!("{}: {}", fault.path, fault.reason)).collect()
}

const PAYMENTS: &str = r##"
name = "payments: create, then confirm"
target.url = "http://pay.example.test:8080"
secrets.admin = { env = "PAY_ADMIN_KEY" }
setup = { once = "driver", steps = ["new_merchant", "new_connector"] }
scenarios.pay.steps = ["create", "confirm"]
[requests]
new_merchant = { method = "POST", path = "/accounts", headers = { api-key = "{{secret.admin}}" }, json = { merchant_id = "load_{{test.id}}_{{driver}}", merchant_name = "Corner shop" }, extract = { merchant = { json = "$.merchant_id" }, key = { json = "$.api_key", secret = true } } }
new_connector = { method = "POST", path = "/account/{{merchant}}/connectors", headers = { api-key = "{{secret.admin}}" }, json = { connector_name = "dummy", test_mode = true } }
create = { method = "POST", path = "/payments", headers = { api-key = "{{setup.key}}" }, json = { amount = 6540, currency = "USD", confirm = false, customer_id = "{{alnum 16}}" }, extract.payment = { json = "$.payment_id" } }
confirm = { method = "POST", path = "/payments/{{payment}}/confirm", headers = { api-key = "{{setup.key}}" }, json = { payment_method = "card" }, check.json = { "$.status" = { is = ["succeeded", "processing"] } } }
[load]
stages = [{ rate = 25, ramp = "10s", hold = "10s" }, { rate = 0, ramp = "10s" }]
max_sessions = 500
[thresholds]
"create.response.p90" = "< 500ms"
"session.response.p95" = "< 1s"
"session.errors.ratio" = "< 1%"
"##;

const HOTELS: &str = r##"
name = "hotels: search, recommend, log in, book"
seed = 7
target.url = "http://hotels.example.test:5000"
[requests]
search = { share = 600, path = "/hotels", let = { from = "{{int 9 23}}", to = "{{int from+1 24}}" }, query = { inDate = "2026-04-{{from | pad 2}}", outDate = "2026-04-{{to | pad 2}}", lat = "{{float 37.783 38.264 4}}", lon = "{{float -122.252 -121.927 4}}" } }
recommend = { share = 390, path = "/recommendations", query = { require = "{{choice dis rate price}}", lat = "{{float 37.783 38.264 4}}" } }
login = { share = 5, method = "POST", path = "/user", let = { n = "{{int 0 500}}" }, query = { username = "guest_{{n}}", password = "{{n | times 10}}" } }
book = { share = 5, method = "POST", path = "/reservation", let = { n = "{{int 0 500}}" }, query = { hotelId = "{{int 1 80}}", customerName = "guest_{{n}}", username = "guest_{{n}}", password = "{{n | times 10}}", number = "1" } }
[load]
rate = 2000
arrival = "poisson"
duration = "60s"
[thresholds]
"search.response.p99" = "< 50ms"
"##;

const SITE: &str = r##"
name = "the site as its access log says it is used"
per = "fleet"
target.url = "https://road.example.test"
data.log = { file = "hits.json", order = "random", weight = "count" }    # [{ "url": "/api/cameras/?", "count": 13737 }, …]
requests.page = { path = "{{log.url | raw}}", split_by = "log.url", split_top = 40 }
scenarios.visitor.steps = ["page", { think = "1s..3s" }]
[load]
mode = "avalanche"                                    # closed: so many at a time, each begins anew when it is through
stages = [{ users = 500, ramp = "5m", hold = "20m" }, { users = 1500, ramp = "10s", hold = "5m" }]
[thresholds]
"response.p95" = "< 800ms"
"page/other.errors.ratio" = "< 2%"
"##;

const BOUTIQUE: &str = r##"
name = "boutique: shoppers"
target.url = "http://boutique.example.test"
data.product = { columns = ["id"], rows = [["0PUK6V"], ["1YMWWN"], ["2ZYFJ3"], ["66VCHS"]], order = "random" }
[requests]
home = { path = "/" }
product = { path = "/product/{{product.id}}" }
cart = { path = "/cart" }
add = { method = "POST", path = "/cart", form = { product_id = "{{product.id}}", quantity = "{{int 1 10}}" } }
pay = { method = "POST", path = "/cart/checkout", form = { email = "{{unique}}@example.com", zip_code = "{{int 10000 99999}}", credit_card_expiration_year = "{{now '%Y' +400d}}", credit_card_cvv = "{{int 100 999}}" } }
[flows]
look = { steps = [{ draw = "product" }, "product"] }
buy = { steps = [{ draw = "product" }, "product", "add"] }
checkout = { group = "checkout", steps = ["buy", "pay"] }
[scenarios.shopper]
cookies = true
steps = ["home", { repeat = 20, steps = [{ think = "1s..10s" }, { choose = { home = 1, look = 10, buy = 2, cart = 3, checkout = 1 } }] }]
[load]
mode = "avalanche"
users = 300
duration = "10m"
[thresholds]
"checkout.response.p95" = "< 1s"
"product.response.p99" = "< 300ms"
"##;

#[test]
fn payments_are_read_with_their_setup() {
    let plan = read(PAYMENTS, PlanFormat::Toml).unwrap();
    assert_eq!(read_value(&plan.to_json()).unwrap(), plan);
    let program = plan.program.unwrap();
    let setup = program.setup.as_ref().unwrap();
    assert_eq!((setup.once, setup.steps.len(), setup.timeout.as_secs()), (Once::Driver, 2, 60));
    assert_eq!(program.of_load().into_iter().collect::<Vec<_>>(), [2, 3], "create and confirm");
}

#[test]
fn hotels_are_read() {
    let plan = read(HOTELS, PlanFormat::Toml).unwrap();
    assert_eq!(plan.to_json()["seed"], 7);
    assert_eq!(read_value(&plan.to_json()).unwrap(), plan);
    let program = plan.program.unwrap();
    let names: Vec<&str> = program.request_names().map(|name| name.as_str()).collect();
    assert_eq!(names, ["search", "recommend", "login", "book"]);
    let shares: Vec<u32> = program.scenarios.iter().map(|scenario| scenario.share).collect();
    assert_eq!((shares, program.seed), (vec![600, 390, 5, 5], Some(7)));
    let search = &program.requests[0];
    assert_eq!(search.lets.len(), 2);
    let UrlPlan::Path { query, .. } = &search.url else { panic!() };
    assert_eq!(query[0].1.parts[0], Part::Text("2026-04-".to_owned()));
    let Part::Slot(slot) = &query[0].1.parts[1] else { panic!() };
    assert_eq!(slot.filters, [Filter::Pad(2)]);
}

#[test]
fn the_site_needs_a_file() {
    let faults = faults(SITE);
    assert!(faults[0].starts_with("data.log.file: only the command line reads files"), "{faults:#?}");
    assert_eq!(faults.len(), 1, "{faults:#?}");
}

#[test]
fn the_boutique_is_read() {
    let plan = read(BOUTIQUE, PlanFormat::Toml).unwrap();
    assert_eq!(read_value(&plan.to_json()).unwrap(), plan);
    let program = plan.program.unwrap();
    assert_eq!((program.data[0].rows.len(), program.data[0].order), (4, Order::Random));
    let BodyPlan::Form(pay) = &program.requests[4].body else { panic!() };
    let keys: Vec<&str> = pay.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["email", "zip_code", "credit_card_expiration_year", "credit_card_cvv"]);
}

#[test]
fn all_four_are_toml() {
    for text in [PAYMENTS, HOTELS, SITE, BOUTIQUE] {
        assert!(PlanTree::parse(text, PlanFormat::Toml).is_ok());
    }
}
