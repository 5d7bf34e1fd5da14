//! The Devolutions migration operator.
//!
//! Guard → observe → plan → act → report:
//!
//! - [`api`]: the custom resources
//! - [`plan`]: what is to be done, as data; pure
//! - [`devolutions`]: Devolutions Cloud, as a trait and over HTTP
//! - [`entra`]: Entra ID, likewise
//! - [`controller`]: the drivers, one for each kind; only they have effects
//! - [`store`]: what must survive a crash
//! - [`http`]: the one way out; [`error`]: what can go wrong
//! - [`probes`], [`metrics`], [`telemetry`]: what others see of it
//! - [`operator`]: the wiring; [`cli`], [`crds`] and [`client`]: the command line

pub mod api;
pub mod cli;
pub mod client;
pub mod controller;
pub mod crds;
pub mod devolutions;
pub mod entra;
pub mod error;
pub mod http;
pub mod metrics;
pub mod operator;
pub mod plan;
pub mod probes;
pub mod store;
pub mod telemetry;
