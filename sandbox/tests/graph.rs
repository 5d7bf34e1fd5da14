//! Microsoft Graph: what is there, and who may read it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use reqwest::Method;
use serde_json::{Value, json};
use support::entra::{DEFAULT_PERMISSIONS, HUB, forged, refusal, values};
use support::{answer, contoso, contoso_with};

const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

#[tokio::test]
async fn users_are_found_by_id_and_by_upn() {
    let world = contoso().await;
    let graph = world.graph().await;
    let users = graph.get("/users").await;
    assert_eq!(users["value"].as_array().unwrap().len(), 10);
    assert_eq!(users["@odata.context"], format!("{}/v1.0/$metadata#users", graph.base));
    // Graph's own choice of properties: neither accountEnabled nor userType is among them.
    let names: Vec<&String> = users["value"][0].as_object().unwrap().keys().collect();
    let expected = "businessPhones displayName givenName jobTitle mail mobilePhone officeLocation preferredLanguage \
                    surname userPrincipalName id";
    assert_eq!(names, expected.split(' ').collect::<Vec<_>>());
    let dave = graph.get("/users/Dave.Diaz@contoso.example?$select=id,mail,accountEnabled").await;
    assert_eq!((&dave["mail"], &dave["accountEnabled"]), (&json!("dave@contoso.example"), &json!(true)));
    let context = format!("{}/v1.0/$metadata#users(id,mail,accountEnabled)/$entity", graph.base);
    assert_eq!(dave["@odata.context"], context);
    for path in [format!("/users/{}", dave["id"].as_str().unwrap()), "/users('dave.diaz@contoso.example')".to_owned()] {
        assert_eq!(graph.get(&path).await["displayName"], "Dave Diaz", "{path}");
    }
    let guest = "/users/grace_partner.example%23EXT%23@contoso.onmicrosoft.example?$select=userType,mail,creationType";
    let guest = graph.get(guest).await;
    assert_eq!(
        (&guest["userType"], &guest["creationType"], &guest["mail"]),
        (&json!("Guest"), &json!("Invitation"), &json!("grace@partner.example"))
    );
    for user in [NOBODY, "nobody@contoso.example"] {
        let (code, message) = graph.refused(404, &format!("/users/{user}")).await;
        assert_eq!(code, "Request_ResourceNotFound");
        assert!(message.starts_with(&format!("Resource '{user}' does not exist")), "{message}");
    }
}

#[tokio::test]
async fn members_are_direct_or_of_any_depth() {
    let world = contoso().await;
    let graph = world.graph().await;
    let id = graph.all("/groups?$filter=displayName eq 'Devolutions users'", "id").await.remove(0);
    let members = graph.get(&format!("/groups/{id}/members")).await;
    let kinds: Vec<&Value> = members["value"].as_array().unwrap().iter().map(|it| &it["@odata.type"]).collect();
    let (user, group) = (json!("#microsoft.graph.user"), json!("#microsoft.graph.group"));
    assert_eq!(kinds, [&user, &user, &user, &user, &user, &user, &group]);
    assert_eq!(members["@odata.context"], format!("{}/v1.0/$metadata#directoryObjects", graph.base));
    let erin = "erin@contoso.example".to_owned();
    assert!(!values(&members, "userPrincipalName").contains(&erin));
    let all = graph.all(&format!("/groups/{id}/transitiveMembers"), "userPrincipalName").await;
    assert!(all.contains(&erin) && all.len() == 8, "{all:?}");
    for (relation, cast, count) in [
        ("members", "user", 6),
        ("members", "group", 1),
        ("members", "servicePrincipal", 0),
        ("transitiveMembers", "user", 7),
        ("transitiveMembers", "group", 1),
    ] {
        let path = format!("/groups/{id}/{relation}/microsoft.graph.{cast}?$count=true");
        let list = graph.eventual(&path).await.body;
        assert_eq!((&list["@odata.count"], list["value"].as_array().unwrap().len()), (&json!(count), count), "{path}");
        let path = format!("/groups/{id}/{relation}/microsoft.graph.{cast}/$count");
        let number = graph.eventual(&path).await;
        assert_eq!((&number.body, &number.headers["content-type"]), (&json!(count), &"text/plain".parse().unwrap()));
    }
    let select = graph.get(&format!("/groups/{id}/members?$select=id,accountEnabled,securityEnabled")).await;
    assert_eq!(select["value"][0]["accountEnabled"].as_bool(), Some(false));
    assert_eq!(
        (&select["value"][6]["securityEnabled"], &select["value"][6]["accountEnabled"]),
        (&json!(true), &Value::Null)
    );
    graph.refused(400, &format!("/groups/{id}/members?$select=nonsense")).await;
    let alias = graph.eventual(&format!("/groups/{id}/members/graph.user?$count=true")).await;
    assert_eq!(alias.body["@odata.count"], 6);
    assert_eq!(graph.eventual(&format!("/groups/{id}/members/$count")).await.body, 7);
    assert_eq!(graph.refused(404, &format!("/groups/{NOBODY}/members")).await.0, "Request_ResourceNotFound");
    assert_eq!(graph.refused(400, "/groups/nonsense/members").await.1, "Invalid object identifier 'nonsense'.");
    let all_staff = graph.get("/groups?$filter=groupTypes/any(g:g eq 'DynamicMembership')").await;
    assert_eq!(
        (&all_staff["value"][0]["displayName"], &all_staff["value"][0]["membershipRuleProcessingState"]),
        (&json!("All staff"), &json!("On"))
    );
}

#[tokio::test]
async fn an_application_tells_how_it_was_made_and_who_is_assigned() {
    let world = contoso().await;
    let graph = world.graph().await;
    let hub = graph.get(&format!("/applications(appId='{HUB}')")).await;
    let id = hub["id"].as_str().unwrap();
    assert_eq!(graph.get(&format!("/applications/{id}")).await["appId"], HUB);
    assert_eq!((&hub["applicationTemplateId"], &hub["signInAudience"]), (&Value::Null, &json!("AzureADMyOrg")));
    let uris = ["https://sso.devolutions.example/callback/contoso", "https://encryption.contoso.example/callback"];
    assert_eq!(hub["web"]["redirectUris"], json!(uris));
    let secrets = hub["passwordCredentials"].as_array().unwrap();
    assert_eq!((secrets.len(), &secrets[0]["secretText"]), (2, &Value::Null));
    assert_eq!(secrets[1]["endDateTime"], "2024-03-14T09:26:53Z");
    let principal = graph.get(&format!("/servicePrincipals(appId='{HUB}')")).await;
    assert_eq!(
        (&principal["appRoleAssignmentRequired"], &principal["accountEnabled"], &principal["replyUrls"]),
        (&json!(true), &json!(true), &json!(uris))
    );
    let id = principal["id"].as_str().unwrap();
    let assigned = graph.get(&format!("/servicePrincipals/{id}/appRoleAssignedTo")).await;
    assert_eq!(values(&assigned, "principalDisplayName"), ["Devolutions users", "Carol Chen", "Grace Green"]);
    assert_eq!(values(&assigned, "principalType"), ["Group", "User", "User"]);
    for one in assigned["value"].as_array().unwrap() {
        assert_eq!(
            (&one["resourceId"], &one["appRoleId"]),
            (&principal["id"], &json!("00000000-0000-0000-0000-000000000000"))
        );
        assert_eq!(one["id"].as_str().unwrap().len(), 43);
    }
    let path = format!("/oauth2PermissionGrants?$filter=clientId eq '{id}'");
    let grants = world.graph_as(&["Directory.Read.All"]).await.get(&path).await;
    assert_eq!(grants["value"][0]["scope"], "openid profile email User.Read");
    for relation in ["owners", "claimsMappingPolicies", "homeRealmDiscoveryPolicies", "appManagementPolicies"] {
        assert_eq!(graph.get(&format!("/servicePrincipals/{id}/{relation}")).await["value"], json!([]), "{relation}");
    }
    let payroll = graph.get("/servicePrincipals?$filter=displayName eq 'payroll'").await["value"][0].clone();
    assert_eq!(payroll["applicationTemplateId"], "8adf8e6e-67b2-4cf2-a259-e3dc5476c621");
    assert!(payroll["tags"].to_string().contains("CustomSingleSignOnApplication"));
    let roles = payroll["appRoles"].as_array().unwrap();
    assert_eq!((&roles[0]["displayName"], &roles[1]["displayName"]), (&json!("User"), &json!("msiam_access")));
}

#[tokio::test]
async fn the_operator_can_look_up_its_own_permissions() {
    let world = contoso().await;
    let graph = world.graph().await;
    let own = format!("/servicePrincipals(appId='{}')/appRoleAssignments", world.entra().client_id);
    let own = graph.get(&own).await["value"].as_array().unwrap().clone();
    let resource = own[0]["resourceId"].as_str().unwrap();
    let roles = graph.get(&format!("/servicePrincipals/{resource}?$select=appId,appRoles")).await;
    assert_eq!(roles["appId"], "00000003-0000-0000-c000-000000000000");
    let roles = roles["appRoles"].as_array().unwrap();
    let name = |id: &Value| roles.iter().find(|it| it["id"] == *id).unwrap()["value"].as_str().unwrap();
    let mut names: Vec<&str> = own.iter().map(|it| name(&it["appRoleId"])).collect();
    names.sort_unstable();
    assert_eq!(names, DEFAULT_PERMISSIONS);
}

#[tokio::test]
async fn every_path_asks_for_its_permission() {
    let world = contoso().await;
    let id = world.graph().await.all("/groups?$filter=displayName eq 'SG-Helpdesk'", "id").await.remove(0);
    let hub = format!("/servicePrincipals(appId='{HUB}')");
    let (denied, access, logs) =
        ("Authorization_RequestDenied", "AccessDenied", "Authentication_MSGraphPermissionMissing");
    for (path, permission, code) in [
        ("/users", "User.ReadBasic.All", denied),
        ("/groups", "GroupMember.Read.All", denied),
        (&format!("/groups/{id}"), "Group.Read.All", denied),
        (&format!("/groups/{id}/members"), "GroupMember.ReadBasic.All", denied),
        (&format!("/groups/{id}/transitiveMembers"), "GroupMember.Read.All", denied),
        ("/applications", "Application.Read.All", denied),
        (&hub, "Application.ReadWrite.OwnedBy", denied),
        (&format!("{hub}/appRoleAssignedTo"), "Application.Read.All", denied),
        ("/organization", "Organization.Read.All", denied),
        ("/organization", "User.Read.All", denied),
        ("/domains", "Domain.Read.All", denied),
        ("/policies/defaultAppManagementPolicy", "Policy.Read.All", denied),
        ("/identity/conditionalAccess/policies", "Policy.Read.All", access),
        ("/identity/conditionalAccess/policies", "Policy.Read.ConditionalAccess", access),
        ("/oauth2PermissionGrants", "DelegatedPermissionGrant.ReadWrite.All", denied),
        ("/auditLogs/signIns", "AuditLog.Read.All", logs),
    ] {
        let graph = world.graph_as(&[]).await;
        assert_eq!(graph.refused(403, path).await.0, code, "{path}");
        // A permission shows only in a new token.
        let granted = world.graph_as(&[permission]).await;
        assert_eq!(graph.refused(403, path).await.0, code, "{path}");
        granted.get(path).await;
    }
    // Policies on an application are read with the permission to read policies, and that to read applications.
    let graph = world.graph_as(&["Application.Read.All"]).await;
    graph.refused(403, &format!("{hub}/claimsMappingPolicies")).await;
    let graph = world.graph_as(&[]).await;
    graph.get("/applicationTemplates?$filter=displayName eq 'Custom'").await;
    let unknown = json!({"permissions": ["Everything.Read.All"]});
    world.control.expect(404, Method::POST, "/entra/permissions", Some(unknown)).await;
}

#[tokio::test]
async fn what_a_permission_does_not_show_is_null() {
    let world = contoso().await;
    let id = world.graph().await.all("/groups?$filter=displayName eq 'SG-Helpdesk'", "id").await.remove(0);
    let basic = world.graph_as(&["User.ReadBasic.All", "GroupMember.Read.All"]).await;
    let user = basic.get("/users/erin@contoso.example?$select=id,displayName,mail,accountEnabled,userType").await;
    assert_eq!(
        (&user["displayName"], &user["mail"], &user["accountEnabled"], &user["userType"]),
        (&json!("Erin Evans"), &json!("erin@contoso.example"), &Value::Null, &Value::Null)
    );
    assert_eq!(basic.refused(403, "/users?$filter=accountEnabled eq false").await.0, "Authorization_RequestDenied");
    let bare = world.graph_as(&["GroupMember.Read.All"]).await;
    let members = bare.get(&format!("/groups/{id}/members")).await;
    for member in members["value"].as_array().unwrap() {
        assert_eq!(member["@odata.type"], "#microsoft.graph.user");
        assert!(member["id"].is_string() && member["displayName"].is_null() && member["userPrincipalName"].is_null());
    }
}

#[tokio::test]
async fn policies_may_need_more_on_another_tenant() {
    let world = contoso_with("policiesNeedApplicationWrite: true").await;
    let path = format!("/servicePrincipals(appId='{HUB}')/claimsMappingPolicies");
    world.graph_as(&["Policy.Read.All", "Application.Read.All"]).await.refused(403, &path).await;
    world.graph_as(&["Policy.Read.All", "Application.ReadWrite.OwnedBy"]).await.get(&path).await;
}

#[tokio::test]
async fn only_a_token_for_graph_counts_there() {
    let world = contoso().await;
    let other = contoso().await;
    let foreign = other.graph().await.token;
    let own = world.graph().await;
    let forged = forged(&own.token);
    let session = world.operator.token.clone().unwrap();
    for (token, message) in
        [("", "empty"), ("nonsense", "IDX14100"), (&session, "IDX14100"), (&foreign, "Invalid"), (&forged, "Invalid")]
    {
        let answer = answer(world.graph_with(token).request(Method::GET, "/users")).await.unwrap();
        assert_eq!(answer.status, 401, "{token}");
        let (code, text) = refusal(&answer);
        assert_eq!((code.as_str(), text.contains(message)), ("InvalidAuthenticationToken", true), "{text}");
        let challenge = answer.headers["www-authenticate"].to_str().unwrap();
        assert!(challenge.starts_with("Bearer realm=\"\", authorization_uri=\"https://127.0.0.1"), "{challenge}");
    }
}

#[tokio::test]
async fn an_answer_carries_its_numbers() {
    let world = contoso().await;
    let graph = world.graph().await;
    let sent = answer(graph.request(Method::GET, "/users/nobody").header("client-request-id", "my-own")).await.unwrap();
    assert_eq!(sent.headers["client-request-id"], "my-own");
    let error = &sent.body["error"]["innerError"];
    assert_eq!(error["client-request-id"], "my-own");
    assert_eq!(error["request-id"], sent.headers["request-id"].to_str().unwrap());
    assert!(sent.headers["x-ms-ags-diagnostic"].to_str().unwrap().contains("ServerInfo"));
    assert!(sent.headers.contains_key("date"));
}

#[tokio::test]
async fn what_is_not_served_is_refused_in_words() {
    let world = contoso().await;
    let graph = world.graph().await;
    assert_eq!(graph.refused(400, "/nonsense").await.1, "Resource not found for the segment 'nonsense'.");
    let answer = graph.post("/users", json!({"displayName": "X"})).await;
    assert_eq!((answer.status.as_u16(), refusal(&answer).0.as_str()), (405, "Request_BadRequest"));
    let url = format!("{}/v2.0/users", graph.base);
    let answer = support::answer(graph.client.get(url).bearer_auth(&graph.token)).await.unwrap();
    assert_eq!((answer.status.as_u16(), refusal(&answer).0.as_str()), (400, "BadRequest"));
    let url = format!("{}/beta/users", graph.base);
    let answer = support::answer(graph.client.get(url).bearer_auth(&graph.token)).await.unwrap();
    assert_eq!(answer.body["@odata.context"], format!("{}/beta/$metadata#users", graph.base));
}
