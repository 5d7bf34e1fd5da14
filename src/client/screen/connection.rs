//! A connection on the screen.

use std::fmt::Write as _;

use super::Screen;
use crate::api::TenantConnection;
use crate::client::style::{BAD, GOOD, WAITS, paragraph, wrap};

pub(super) fn draw(screen: &Screen<'_>, connection: &TenantConnection) -> String {
    let status = connection.status.as_ref();
    let ready = status.and_then(|s| s.conditions.iter().find(|c| c.type_ == "Ready"));
    let (state, style) = match ready {
        None => ("NotSeenYet", WAITS),
        Some(ready) if ready.status == "True" => (ready.reason.as_str(), GOOD),
        Some(ready) => (ready.reason.as_str(), BAD),
    };
    let mut text = screen.title("TenantConnection", connection, state, style);
    let _ = writeln!(text, "{}", wrap("  ", &connection.spec.devolutions_cloud.url));
    if let Some(entra) = &connection.spec.entra {
        let _ = writeln!(text, "{}", wrap("  Entra tenant   ", &entra.tenant_id));
        let _ = writeln!(text, "{}", wrap("  as application ", &entra.client_id));
    }
    let said = ready.map_or("The operator has not looked at it. Is it running?", |ready| ready.message.as_str());
    let _ = writeln!(text, "{}", paragraph(said));
    text
}
