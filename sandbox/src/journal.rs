//! Every request to one of the systems, in the order in which they took effect.

use jiff::Timestamp;
use serde::Serialize;

use crate::system::System;

/// One request. Never a body: a login's holds the secret.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// From 1, without gaps.
    pub seq: u64,
    pub time: Timestamp,
    pub system: System,
    /// `operator`, `person`, `scim`, another user's name, or nobody.
    pub identity: Option<String>,
    pub method: String,
    /// Without the query.
    pub path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// The status answered (or that would have been); 0 if the request was dropped before it took effect.
    pub status: u16,
    pub request_id: String,
    /// Whether it asks for a change of the tenant (a login does not).
    pub is_write: bool,
    /// The id of the fault that hit it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<u64>,
}

/// The journal.
#[derive(Debug, Default)]
pub struct Journal(Vec<Record>);

impl Journal {
    /// The number that the next record will have.
    pub fn next_seq(&self) -> u64 {
        self.0.len() as u64 + 1
    }

    /// Adds a record; its `seq` is given here.
    pub fn push(&mut self, record: Record) {
        let seq = self.next_seq();
        self.0.push(Record { seq, ..record });
    }

    /// What came after a number.
    pub fn after(&self, seq: u64) -> &[Record] {
        let start = usize::try_from(seq).unwrap_or(usize::MAX).min(self.0.len());
        &self.0[start..]
    }
}
