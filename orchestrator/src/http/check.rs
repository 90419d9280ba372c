//! Tests of the routes, against stub actors.
