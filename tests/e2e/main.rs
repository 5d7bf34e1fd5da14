//! The operator as it runs: a real API server, the sandbox over TLS, the real binary with its own
//! account's token.

// A test ends at the first surprise; clippy knows functions marked as tests only, not their helpers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::missing_panics_doc)]

mod approvals;
mod attempts;
mod by_hand;
mod chart;
mod cli;
mod crashes;
mod credentials;
mod cutover;
mod cutover_attempts;
mod cutover_crashes;
mod golden;
mod golden_midway;
mod interference;
mod journey;
mod manifests;
mod mapping;
mod migration;
mod mutants;
mod nonsense;
mod outlook;
mod provisioning;
mod provisioning_crashes;
mod quiet;
mod refusals;
mod resources;
mod retirement;
mod rights;
mod rollback_crashes;
mod running;
mod stage;
mod verification;
mod way_back;
