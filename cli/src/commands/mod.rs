//! One file a command; `baseline` is a part of `run`.

mod baseline;
pub mod calibrate;
pub mod capacity;
pub mod compare;
pub mod explain;
pub mod look;
pub mod node;
pub mod plan;
mod plan_from;
pub mod run;
pub mod up;
pub mod validate;
pub mod watch;
