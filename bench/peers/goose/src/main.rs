//! The benchmark's session of five steps in Goose: log in by a form, read a list, one of its items, put it into the
//! cart, done. `bench/src/shop/` checks that each step carries the cookie and the values of the answers before it.
//!
//! Written as its users are advised to: bodies are read into types that have the wanted fields alone, and requests
//! have names, so that an id in a path makes no further metric. The cookie jar is that of the user's client; a log-in
//! replaces the cookie of the session before it, which costs less than a new client would. Every body is read whole:
//! reqwest may close a connection whose answer was not read, and then each step would open one.

use goose::prelude::*;
use serde::{Deserialize, Serialize};

/// The part of the list that the next step needs.
#[derive(Deserialize)]
struct List {
    items: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    id: String,
}

/// The part of an item that the next steps need.
#[derive(Deserialize)]
struct Item {
    token: String,
}

#[derive(Serialize)]
struct Add<'a> {
    id: &'a str,
    quantity: u32,
}

/// How many sessions a user has begun.
#[derive(Clone)]
struct Begun(u64);

/// Where the wanted item stands in the list.
const WANTED: usize = 3;

#[tokio::main]
async fn main() -> Result<(), GooseError> {
    GooseAttack::initialize()?
        .register_scenario(scenario!("shop").register_transaction(transaction!(session)))
        .execute()
        .await?;
    Ok(())
}

async fn session(user: &mut GooseUser) -> TransactionResult {
    let begun = user.get_session_data::<Begun>().map_or(1, |begun| begun.0 + 1);
    user.set_session_data(Begun(begun));

    let name = format!("guest{begun}");
    user.post_form("/login", &[("user", name.as_str()), ("password", "secret")])
        .await?
        .response?
        .bytes()
        .await?;

    let path = format!("/list?q={}", begun % 1_000 + 1);
    let list: List = user.get_named(&path, "/list").await?.response?.json().await?;
    let Some(Listed { id }) = list.items.get(WANTED) else {
        return Err("the list is too short".to_string().into());
    };

    let path = format!("/item/{id}");
    let item: Item = user.get_named(&path, "/item").await?.response?.json().await?;

    let add = user.get_request_builder(&GooseMethod::Post, "/cart")?;
    let add = add.header("x-token", &item.token).json(&Add { id, quantity: 1 });
    let add =
        GooseRequest::builder().method(GooseMethod::Post).path("/cart").set_request_builder(add).build();
    user.request(add).await?.response?.bytes().await?;

    let done = user.get_request_builder(&GooseMethod::Get, "/done")?.header("x-token", &item.token);
    let done = GooseRequest::builder().path("/done").set_request_builder(done).build();
    user.request(done).await?.response?.bytes().await?;
    Ok(())
}
