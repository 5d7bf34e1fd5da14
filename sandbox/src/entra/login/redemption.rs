//! What a code is worth: an ID token and an access token for the person who was signed in
//! (<https://learn.microsoft.com/en-us/entra/identity-platform/id-token-claims-reference>,
//! <https://learn.microsoft.com/en-us/entra/identity-platform/optional-claims-reference>).

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::authorize::Parameters;
use super::client::{Proof, missing};
use super::error::LoginError;
use crate::entra::Hosts;
use crate::world::Entra;
use crate::world::entra::{Application, Code, Person};

/// What is handed out for a code.
pub struct Desk<'a> {
    pub entra: &'a Entra,
    pub hosts: &'a Hosts,
    pub application: &'a Application,
    pub proof: Proof,
    /// How long both tokens last.
    pub seconds: u32,
}

fn grant(code: u32, message: &str) -> LoginError {
    LoginError::new("invalid_grant", code, message)
}

/// Takes a code of this client's, which it can do once.
pub fn take(codes: &mut HashMap<String, Code>, client: Uuid, form: &Parameters) -> Result<Code, LoginError> {
    let given = |name: &str| form.get(name).filter(|it| !it.is_empty()).ok_or_else(|| missing(name));
    let (value, redirect_uri) = (given("code")?, given("redirect_uri")?);
    let malformed = || grant(9_002_313, "Invalid request. Request is malformed or invalid.");
    let code = codes.get_mut(value).ok_or_else(malformed)?;
    if code.client != client {
        return Err(grant(70_000, "The provided authorization code was issued to another client."));
    }
    if code.redirect_uri != *redirect_uri {
        let text = format!(
            "The reply address '{redirect_uri}' does not match the reply address '{}' provided when requesting \
             Authorization code.",
            code.redirect_uri
        );
        return Err(LoginError::client(500_112, text));
    }
    if let Some(challenge) = &code.challenge {
        let verifier = given("code_verifier")?;
        if URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())) != *challenge {
            let text =
                "The code_verifier does not match the code_challenge supplied in the authorization request for PKCE.";
            return Err(grant(50_148, text));
        }
    }
    if code.is_redeemed {
        let text = "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an \
                    existing refresh token.";
        return Err(grant(54_005, text));
    }
    if code.expires_at <= Timestamp::now() {
        let text = "The provided authorization code or refresh token has expired due to inactivity. Send a new \
                    interactive authorization request for this user and resource.";
        return Err(grant(70_008, text));
    }
    code.is_redeemed = true;
    Ok(code.clone())
}

impl Desk<'_> {
    /// The answer of the token endpoint.
    pub fn tokens(&self, code: &Code) -> Result<Value, LoginError> {
        let gone = || grant(50_034, "The user account does not exist in the directory.");
        let person = self.entra.users.get(&code.user).ok_or_else(gone)?;
        if !person.is_enabled {
            return Err(grant(50_057, "The user account is disabled."));
        }
        let key = &self.hosts.key;
        let promised = self.seconds.saturating_sub(1);
        let mut answer = json!({
            "token_type": "Bearer", "scope": code.scopes.join(" "), "expires_in": promised, "ext_expires_in": promised,
            "access_token": key.sign(&self.access_claims(code, person)),
        });
        if code.scopes.iter().any(|it| it == "openid") {
            answer["id_token"] = key.sign(&self.identity_claims(code, person)).into();
        }
        Ok(answer)
    }

    /// Different for each application, so that two cannot compare notes.
    fn subject(&self, user: Uuid) -> String {
        let pair = format!("{}/{}/{user}", self.entra.tenant_id, self.application.app_id);
        URL_SAFE_NO_PAD.encode(Sha256::digest(pair.as_bytes()))
    }

    fn identity_claims(&self, code: &Code, person: &Person) -> Value {
        let now = Timestamp::now().as_second();
        let tenant = self.entra.tenant_id;
        let mut claims = json!({
            "aud": self.application.app_id,
            "iss": format!("{}/{tenant}/v2.0", self.hosts.authority_url),
            "iat": now,
            "nbf": now,
            "exp": now + i64::from(self.seconds),
            "sub": self.subject(code.user),
            "tid": tenant,
            "uti": Uuid::new_v4().simple().to_string(),
            "ver": "2.0",
        });
        if let Some(nonce) = &code.nonce {
            claims["nonce"] = json!(nonce);
        }
        if code.scopes.iter().any(|it| it == "profile") {
            claims["name"] = json!(person.display_name);
            claims["oid"] = json!(code.user);
            claims["preferred_username"] = json!(person.upn);
        }
        let configured = self.application.properties.get("optionalClaims").and_then(|it| it["idToken"].as_array());
        for name in configured.into_iter().flatten().filter_map(|it| it["name"].as_str()) {
            if let Some(value) = optional(name, code, person) {
                claims[name] = value;
            }
        }
        claims
    }

    /// Graph's own tokens are of version 1.
    fn access_claims(&self, code: &Code, person: &Person) -> Value {
        let now = Timestamp::now().as_second();
        let issuer = self.hosts.issuer(self.entra.tenant_id);
        json!({
            "aud": self.hosts.graph_url,
            "iss": issuer,
            "iat": now,
            "nbf": now,
            "exp": now + i64::from(self.seconds),
            "app_displayname": self.application.display_name,
            "appid": self.application.app_id,
            "appidacr": if self.proof == Proof::Secret { "1" } else { "2" },
            "idtyp": "user",
            "name": person.display_name,
            "oid": code.user,
            "scp": code.scopes.join(" "),
            "sub": self.subject(code.user),
            "tid": self.entra.tenant_id,
            "upn": person.upn,
            "uti": Uuid::new_v4().simple().to_string(),
            "ver": "1.0",
        })
    }
}

/// A claim that the application has asked for, as far as its permission has been consented to. That the e-mail claim
/// needs both, as the vendor's page has it, is the stricter reading: by Microsoft's page the permission alone may do.
fn optional(name: &str, code: &Code, person: &Person) -> Option<Value> {
    let has = |scope: &str| code.scopes.iter().any(|it| it == scope);
    let mut names = person.display_name.splitn(2, ' ');
    let (first, last) = (names.next(), names.next());
    match name {
        "email" if has("email") => person.mail.as_ref().map(|it| json!(it)),
        "upn" if has("profile") => Some(json!(person.upn)),
        "given_name" if has("profile") => first.map(|it| json!(it)),
        "family_name" if has("profile") => last.map(|it| json!(it)),
        // The tenant's language; a person's own, `xms_pl`, is set for nobody here.
        "xms_tpl" => Some(json!("en")),
        _ => None,
    }
}
