//! Reading and writing Entra ID: our adapter against the sandbox's Microsoft Graph and token endpoint, over TLS. And what Devolutions
//! Cloud tells of its single sign-on and its provisioning.

#![allow(clippy::unwrap_used, reason = "the permission for tests in clippy.toml does not reach their helper functions")]

mod certificate;
mod provisioning;
mod reading;
mod refusals;
mod stage;
mod writing;
