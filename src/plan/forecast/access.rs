//! Who may sign in to an application, and whom its provisioning covers.

use std::collections::BTreeSet;

use uuid::Uuid;

use crate::entra::Member;

/// A user or a group that is assigned to an application, with what is in the group.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Assigned {
    /// A user.
    User(Uuid),
    /// A group.
    Group {
        /// Its direct members.
        members: Vec<Member>,
        /// All users in it and in groups within it; empty where it has none within.
        within: Vec<Uuid>,
    },
}

/// Who may sign in to an application, and whom its provisioning covers.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Access {
    /// Whether anybody can sign in to it at all.
    pub is_enabled: bool,
    /// Whether only those who are assigned can.
    pub is_assignment_required: bool,
    /// Users who are assigned, in person or as a direct member of a group. Provisioning covers these and nobody else
    /// (<https://learn.microsoft.com/entra/identity/app-provisioning/how-provisioning-works>).
    pub entitled: BTreeSet<Uuid>,
    /// Users who are only in a group within an assigned group, which counts for nothing
    /// (<https://learn.microsoft.com/entra/identity/enterprise-apps/assign-user-or-group-access-portal>).
    pub nested: BTreeSet<Uuid>,
}

impl Access {
    /// What these assignments give.
    #[must_use]
    pub fn by<'a>(is_required: bool, assigned: impl IntoIterator<Item = &'a Assigned>) -> Self {
        let mut access = Self { is_enabled: true, is_assignment_required: is_required, ..Self::default() };
        for one in assigned {
            match one {
                Assigned::User(user) => {
                    access.entitled.insert(*user);
                }
                Assigned::Group { members, within } => {
                    access.entitled.extend(members.iter().filter_map(|member| match member {
                        Member::User(user) => Some(*user),
                        Member::Group(_) | Member::Other(_) => None,
                    }));
                    access.nested.extend(within);
                }
            }
        }
        access.nested = access.nested.difference(&access.entitled).copied().collect();
        access
    }
}
