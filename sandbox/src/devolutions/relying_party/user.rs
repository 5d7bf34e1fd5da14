//! Who is meant by an ID token.

use serde_json::Value;

use super::{Failure, Stage};
use crate::world::{Invitation, MatchUsersBy, UserType, World};

/// The user of Devolutions Cloud whom the claims are about, if they may come in, by e-mail.
///
/// Where the vendor says nothing the sandbox has decided: an invitation that is pending is not accepted by signing in,
/// for it has a key of its own (*Invite users*); who is not there at all would be asked for (an approval request to the
/// administrators), which is not to be let in.
pub fn find(world: &World, claims: &Value) -> Result<String, Failure> {
    let failed = |code, text: String| Failure::new(Stage::Match, code, text);
    let claim = match world.switches.match_users_by {
        MatchUsersBy::Email => "email",
        MatchUsersBy::Upn => "upn",
    };
    let email = claims[claim].as_str().filter(|it| !it.is_empty());
    let email = email.ok_or_else(|| failed("NoClaim", format!("The ID token has no claim {claim}.")))?;
    let domain = email.rsplit('@').next().unwrap_or_default();
    if !world.sso.as_ref().is_some_and(|it| it.has_verified(email)) {
        return Err(failed("DomainNotVerified", format!("The domain {domain} is not verified.")));
    }
    let mut users = world.users.values().filter(|it| it.kind == UserType::User);
    let user = users.find(|it| it.email.eq_ignore_ascii_case(email));
    let user = user.ok_or_else(|| failed("UnknownUser", format!("There is no user {email}.")))?;
    if user.invitation == Invitation::Pending {
        return Err(failed("InvitationPending", format!("{email} has not accepted the invitation yet.")));
    }
    if !user.is_enabled {
        return Err(failed("UserDisabled", format!("The user {email} is disabled.")));
    }
    Ok(user.email.clone())
}
