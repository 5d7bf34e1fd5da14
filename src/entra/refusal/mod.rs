//! What the two servers of Entra ID mean when they refuse: class, reason and advice.

mod graph;
mod token;

pub use graph::{MicrosoftGraph, is_bad_request};
pub use token::{Presented, TokenEndpoint};
