//! What the two servers of Entra ID mean when they refuse: class, reason and advice.

mod graph;
mod token;

pub use graph::MicrosoftGraph;
pub use token::{Presented, TokenEndpoint};
