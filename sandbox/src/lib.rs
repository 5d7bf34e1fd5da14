//! A stand-in for Devolutions Cloud, for the demo and the tests.
//!
//! It is the outside world's word against the operator's, so it shares no code with it. Start one with
//! [`Sandbox::start`].

mod access;
mod cloud;
mod control;
mod devolutions;
mod fault;
mod hold;
mod journal;
mod run;
mod serve;
mod tls;
mod world;

pub use cloud::Credentials;
pub use run::{Sandbox, StartError};
pub use world::{Scenario, ScenarioError, Sizes, generate};
