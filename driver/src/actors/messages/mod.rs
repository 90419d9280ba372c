//! The messages of the driver's actors, a file for each actor that receives them. An actor depends on these and not on
//! other actors.

pub mod kafka_link;

pub mod manager;

pub mod clock;

pub mod worker;

pub mod aggregator;

pub mod publisher;

pub mod store;

pub mod heartbeat;
