//! Tests of what this part of the language reads, over whole plans.

mod around;
mod bounds;
mod fixture;
mod load;
mod paths;
mod scenarios;
mod shared;
