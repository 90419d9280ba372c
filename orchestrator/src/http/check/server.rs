//! A real server, where bytes on the wire matter.

use super::*;

#[actix::test]
async fn a_listener_that_comes_back_resumes() {
    let (state_of, parts) = state(None);
    let options = HttpOptions { listen: "127.0.0.1:0".parse().unwrap(), max_connections: 16 };
    let serving = serve(&options, state_of).unwrap();
    let url = format!("http://{}/api/v1/events", serving.address);
    let changed = |id: &str| parts.events.send(Changed::Driver(Box::new(driver_view(id))));
    changed("before").await.unwrap();
    let mut stream = awc::Client::new().get(&url).send().await.unwrap();
    assert_eq!(stream.headers().get("content-type").unwrap(), "text/event-stream");
    let snapshot = read_until(&mut stream, "id: 7-1\n\n").await;
    assert!(snapshot.contains("event: driver\ndata: {\"node_id\":\"before\""), "{snapshot}");
    changed("live").await.unwrap();
    read_until(&mut stream, "id: 7-2\nevent: driver\ndata: ").await;
    drop(stream);
    changed("missed").await.unwrap();
    let resumed = awc::Client::new().get(&url).insert_header(("last-event-id", "7-2")).send();
    let mut resumed = resumed.await.unwrap();
    let text = read_until(&mut resumed, "id: 7-3").await;
    assert!(!text.contains("before") && !text.contains("\"live\""), "only what was missed: {text}");
    serving.stop().await;
    let end = async { while resumed.next().await.is_some() {} };
    tokio::time::timeout(Duration::from_secs(5), end).await.expect("the stream ends with the server");
}

#[actix::test]
async fn a_taken_address_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap();
    let error = serve(&HttpOptions { listen, max_connections: 16 }, state(None).0).err().unwrap();
    assert!(error.to_string().contains(&listen.to_string()), "{error}");
}
