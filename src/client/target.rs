//! A resource on the command line, named as `kubectl` names it.

use std::str::FromStr;

use crate::api::GROUP;

/// A resource on the command line, such as `grpr/sysadmins`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Target {
    /// What it is.
    pub kind: Kind,
    /// Its name.
    pub name: String,
}

/// The kinds that can be named.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// One custom group's replacement; also where only a name is given.
    GroupReplacement,
    /// A move to a new enterprise application.
    SsoMigration,
}

/// How a resource is named.
const USAGE: &str = "write grpr/NAME or ssom/NAME";

impl FromStr for Kind {
    type Err = ();

    /// Short, in the singular or in the plural, in small letters or not, with the API group or without.
    fn from_str(text: &str) -> Result<Self, ()> {
        let text = text.to_ascii_lowercase();
        match text.strip_suffix(&format!(".{GROUP}")).unwrap_or(&text) {
            "grpr" | "groupreplacement" | "groupreplacements" => Ok(Self::GroupReplacement),
            "ssom" | "ssomigration" | "ssomigrations" => Ok(Self::SsoMigration),
            _ => Err(()),
        }
    }
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, name) = match text.split_once('/') {
            None if text.parse::<Kind>().is_ok() => {
                return Err(format!("\"{text}\" is a kind, and the name is missing; {USAGE}"));
            }
            None => (Kind::GroupReplacement, text),
            Some((kind, name)) => {
                (kind.parse().map_err(|()| format!("\"{kind}\" is no kind that can be named here; {USAGE}"))?, name)
            }
        };
        if name.is_empty() || name.contains('/') {
            return Err(USAGE.to_owned());
        }
        Ok(Self { kind, name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_named_as_kubectl_names_it() {
        let target = |kind| Ok(Target { kind, name: "x".to_owned() });
        for text in [
            "grpr/x",
            "x",
            "groupreplacement/x",
            "GroupReplacements.migration.devolutions.net/x",
            // As `kubectl get -o name` prints it.
            "groupreplacement.migration.devolutions.net/x",
        ] {
            assert_eq!(text.parse(), target(Kind::GroupReplacement), "{text}");
        }
        for text in ["ssom/x", "SsoMigration/x", "ssomigrations/x", "ssomigration.migration.devolutions.net/x"] {
            assert_eq!(text.parse(), target(Kind::SsoMigration), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_named_is_told_both_kinds() {
        for text in [
            "",
            "grpr/",
            "ssom",
            "GroupReplacement",
            "ssom/",
            "tconn/x",
            "grpr/x/y",
            "ssom/x/y",
            "pod/x",
            "ssom.apps/x",
            "/x",
        ] {
            let refused = text.parse::<Target>().unwrap_err();
            assert!(refused.contains("grpr/NAME") && refused.contains("ssom/NAME"), "{text}: {refused}");
        }
    }
}
