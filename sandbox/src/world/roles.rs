//! The built-in vault and entry roles and what they grant.

use indexmap::IndexMap;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{FlagNames, Flags};

/// A built-in role.
#[derive(Debug, Clone)]
pub struct Role {
    pub name: &'static str,
    /// `{flag: true|false}` over all documented flags.
    pub permission: Map<String, Value>,
    pub flags: Flags,
}

/// The roles, least first. Source: <https://github.com/Devolutions/doc>,
/// `docs/content/en/hub/web-interface/administration/configuration-security/system-permissions/roles-permissions.md`.
const NAMES: [&str; 7] = [
    "Restricted",
    "Readers",
    "Privileged readers",
    "Operators",
    "Privileged operators",
    "Contributors",
    "Vault owners",
];

/// Which role holds which permission: the table of the same page. A bit a role, the first role in the highest bit.
///
/// `addEntries`, `editEntries`, `executeEntries` and `viewPassword` are names of the vendor's objects; the other names
/// are formed from the labels on that page in the same way.
const TABLE: [(&str, u8); 22] = [
    ("viewVault", 0b111_1111),
    ("viewEntries", 0b011_1111),
    ("manageVault", 0b000_0001),
    ("addEntries", 0b000_0011),
    ("editEntries", 0b000_0011),
    ("deleteEntries", 0b000_0011),
    ("executeEntries", 0b000_1111),
    ("viewPassword", 0b000_0111),
    ("viewSensitive", 0b001_1111),
    ("viewPasswordHistory", 0b000_0011),
    ("viewSensitiveHistory", 0b000_0011),
    ("manageAttachments", 0b000_0011),
    ("manageDocumentation", 0b000_0011),
    ("viewEntryLogs", 0b000_0011),
    ("viewEntryHistory", 0b000_0011),
    ("clearEntryHistory", 0b000_0001),
    ("export", 0b000_0001),
    ("viewActivityLog", 0b000_0001),
    ("viewDeletedEntry", 0b000_0001),
    ("restoreEntries", 0b000_0001),
    ("temporaryAccessAuthorizer", 0b000_0001),
    ("forceCheckin", 0b000_0001),
];

/// The roles of one level (`vault` or `entry`); their ids differ between levels and between worlds.
pub fn roles(level: &str, namespace: Uuid, names: &mut FlagNames) -> IndexMap<Uuid, Role> {
    let role = |(index, name): (usize, &'static str)| {
        let held = |mask: u8| mask & (1 << (NAMES.len() - 1 - index)) != 0;
        let permission = TABLE.iter().map(|(flag, mask)| ((*flag).to_owned(), Value::Bool(held(*mask)))).collect();
        let flags = TABLE.iter().filter(|(_, mask)| held(*mask)).filter_map(|(flag, _)| names.flag(flag));
        let flags = flags.fold(Flags::NONE, Flags::union);
        let id = Uuid::new_v5(&namespace, format!("{level}-role/{name}").as_bytes());
        (id, Role { name, permission, flags })
    };
    NAMES.into_iter().enumerate().map(role).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(role: &str) -> Vec<String> {
        let mut names = FlagNames::default();
        let roles = roles("vault", Uuid::nil(), &mut names);
        let role = roles.values().find(|it| it.name == role).unwrap();
        names.names(role.flags).into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn the_table_reads_as_documented() {
        assert_eq!(held("Restricted"), ["viewVault"]);
        assert_eq!(held("Readers"), ["viewEntries", "viewVault"]);
        assert_eq!(held("Privileged readers"), ["viewEntries", "viewSensitive", "viewVault"]);
        assert_eq!(held("Operators"), ["executeEntries", "viewEntries", "viewSensitive", "viewVault"]);
        assert_eq!(held("Contributors").len(), 14);
        assert_eq!(held("Vault owners").len(), 22);
    }
}
