//! A stand-in for Devolutions Cloud and for the Entra tenant beside it, for the demo and the tests.
//!
//! It is the outside world's word against the operator's, so it shares no code with it. Start one with
//! [`Sandbox::start`].

mod access;
mod cloud;
mod control;
mod devolutions;
mod entra;
mod fault;
mod gate;
mod hold;
mod journal;
mod run;
mod scim;
mod serve;
mod system;
mod tls;
mod world;

pub use cloud::Credentials;
pub use entra::EntraAccess;
pub use run::{Addresses, Sandbox, ScimAccess, StartError};
pub use world::{Scenario, ScenarioError, Sizes, generate};
