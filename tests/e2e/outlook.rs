//! What a forecast promises comes true: people migrate by hand, in the vendor's order, and the sandbox lets everybody
//! really try to sign in. That shares nothing with the forecast.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};
use testbed::sandbox::Sandbox;

use crate::cli::Person;
use crate::migration::migration;
use crate::stage::{ALICE, Stage, contoso, run};

/// The role `User` that every application made from the template has
/// (<https://learn.microsoft.com/graph/api/applicationtemplate-instantiate>).
const USER_ROLE: &str = "18d14569-c3bd-439b-9a66-3a2aee01d14f";
/// The template of applications that are in no gallery, by the same page.
const TEMPLATE: &str = "8adf8e6e-67b2-4cf2-a259-e3dc5476c621";
/// Microsoft Graph itself (<https://learn.microsoft.com/graph/permissions-reference>).
const GRAPH: &str = "00000003-0000-0000-c000-000000000000";
/// What it takes to do by hand what a migration does.
const PERMISSIONS: [&str; 5] = [
    "Application.Read.All",
    "Application.ReadWrite.All",
    "AppRoleAssignment.ReadWrite.All",
    "DelegatedPermissionGrant.ReadWrite.All",
    "User.Read.All",
];

/// An administrator of Entra ID at work.
pub struct Administrator<'a> {
    sandbox: &'a Sandbox,
    client: reqwest::Client,
    token: String,
}

impl<'a> Administrator<'a> {
    async fn new(sandbox: &'a Sandbox) -> Self {
        sandbox.control_post("/entra/permissions", &json!({"permissions": PERMISSIONS})).await.unwrap();
        Self::with_the_operators_rights(sandbox).await
    }

    pub async fn with_the_operators_rights(sandbox: &'a Sandbox) -> Self {
        let authority = reqwest::Certificate::from_pem(&std::fs::read(sandbox.authority()).unwrap()).unwrap();
        let client = reqwest::Client::builder().tls_certs_only([authority]).build().unwrap();
        let export = |name: &str| sandbox.export(name).unwrap();
        let url = format!("{}/{}/oauth2/v2.0/token", export("AUTHORITY_URL"), export("TENANT_ID"));
        let scope = format!("{}/.default", export("GRAPH_URL"));
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", export("CLIENT_ID")),
            ("client_secret", export("CLIENT_SECRET")),
            ("scope", &scope),
        ];
        let form: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = client.post(url).header("content-type", "application/x-www-form-urlencoded").body(form);
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        let token = answer["access_token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
        Self { sandbox, client, token }
    }

    pub async fn graph(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let url = format!("{}/v1.0{path}", self.sandbox.export("GRAPH_URL").unwrap());
        let mut request = self.client.request(method.clone(), url).bearer_auth(&self.token);
        if let Some(body) = &body {
            request = request.json(body);
        }
        let answer = request.send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{method} {path} {body:?}: {status} {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Makes the application, assigns these, and has Devolutions Cloud sign people in by it.
    async fn migrate(&self, assigned: &[Value]) {
        let name = json!({"displayName": "Devolutions Cloud"});
        let path = format!("/applicationTemplates/{TEMPLATE}/instantiate");
        let made = self.graph(Method::POST, &path, Some(name)).await;
        let (application, principal) = (made["application"].clone(), made["servicePrincipal"]["id"].clone());
        let id = application["id"].as_str().unwrap();

        let person = self.sandbox.as_person().await.unwrap();
        let current = person.call(Method::GET, "/api/v1/authentication/sso", None).await.unwrap();
        let claim = |name| json!({"name": name, "essential": false, "additionalProperties": []});
        let claims = ["email", "family_name", "given_name", "upn", "xms_pl", "xms_tpl"].map(claim);
        let set_up = json!({"web": {"redirectUris": [current["callbackUrl"]]}, "optionalClaims": {"idToken": claims}});
        self.graph(Method::PATCH, &format!("/applications/{id}"), Some(set_up)).await;
        let resource = self.graph(Method::GET, &format!("/servicePrincipals(appId='{GRAPH}')"), None).await;
        let consent = json!({
            "clientId": principal, "consentType": "AllPrincipals", "resourceId": resource["id"],
            "scope": "openid profile email User.Read",
        });
        self.graph(Method::POST, "/oauth2PermissionGrants", Some(consent)).await;
        for one in assigned {
            let assignment = json!({"principalId": one["id"], "resourceId": principal, "appRoleId": USER_ROLE});
            let path = format!("/servicePrincipals/{}/appRoleAssignedTo", principal.as_str().unwrap());
            self.graph(Method::POST, &path, Some(assignment)).await;
        }
        // Shorter than any policy asks for.
        let until = Timestamp::now().checked_add(SignedDuration::from_hours(24)).unwrap();
        let secret = json!({"passwordCredential": {"displayName": "by hand", "endDateTime": until.to_string()}});
        let secret = self.graph(Method::POST, &format!("/applications/{id}/addPassword"), Some(secret)).await;
        let save = json!({
            "name": "Microsoft", "clientId": application["appId"], "clientSecret": secret["secretText"],
            "discoveryUrl": current["discoveryUrl"],
        });
        person.call(Method::PUT, "/api/v1/authentication/sso", Some(&save)).await.unwrap();
    }
}

/// Who really gets in now.
async fn able(sandbox: &Sandbox) -> BTreeSet<String> {
    let told = sandbox.who_can_sign_in().await.unwrap();
    told["users"].as_array().unwrap().iter().map(|user| user.as_str().unwrap().to_lowercase()).collect()
}

/// Forecasts, migrates, and compares.
async fn comes_true(name: &str, world: &[&str], groups: Value) {
    let stage = Stage::in_world(name, world).await;
    let alice = Person::new(&stage, ALICE).await;
    stage.apply(&migration(json!({"assignments": {"groups": groups}}))).await.unwrap();
    stage.kubectl(&["wait", "ssom/contoso", "--for=jsonpath={.status.report.secretName}", "--timeout=60s"]).await;
    let printed = alice.operator(&["plan", "ssom/contoso", "-o", "json"]).await;
    assert_eq!(printed.code, 0, "{printed:?}");
    let report: Value = serde_json::from_str(&printed.stdout).unwrap();
    let report = &report["report"];
    let before = able(&stage.sandbox).await;
    stage.operator.kill().await.unwrap();
    Administrator::new(&stage.sandbox).await.migrate(report["assignments"].as_array().unwrap()).await;
    let after = able(&stage.sandbox).await;

    let forecast: BTreeMap<&str, &Value> =
        report["users"].as_array().unwrap().iter().map(|user| (user["label"].as_str().unwrap(), user)).collect();
    let (mut gets_in, mut stays_out) = (0, 0);
    for (label, user) in forecast {
        let was_able = before.contains(&label.to_lowercase());
        let is_able = after.contains(&label.to_lowercase());
        // In doubt today's answer is yes and tomorrow's is no: whoever gets in today is never overlooked.
        assert!(!was_able || user["today"].is_string(), "gets in today, unforeseen: {user}");
        match &user["after"] {
            answer if answer == "Yes" => assert!(is_able, "was promised to get in: {user}"),
            answer if answer == "DependsOnMatching" => {}
            _ => assert!(!is_able, "was told not to get in: {user}"),
        }
        (gets_in, stays_out) = (gets_in + u32::from(is_able), stays_out + u32::from(!is_able));
    }
    assert!(gets_in > 3 && stays_out > 3, "{gets_in} get in and {stays_out} do not: that proves little");
    stage.end().await;
}

#[test]
fn in_the_small_company() {
    run(async {
        let groups = json!([{"displayName": "Vault-Admins"}, {"displayName": "SG-Helpdesk"}]);
        comes_true("outlook", &contoso(), groups.clone()).await;
        let [option, scenario] = contoso();
        let by_upn = [option, scenario, "--switches", "{matchUsersBy: upn}"];
        comes_true("outlook-by-upn", &by_upn, groups).await;
    });
}

#[test]
fn in_companies_made_by_chance() {
    run(async {
        for seed in ["7", "11"] {
            let world = ["--seed", seed, "--users", "80", "--groups", "4", "--vaults", "3", "--entries", "20"];
            comes_true(&format!("outlook-{seed}"), &world, json!([])).await;
        }
    });
}
