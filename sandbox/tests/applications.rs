//! Applications made, changed and deleted through Microsoft Graph.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use reqwest::Method;
use serde_json::{Value, json};
use support::contoso;
use support::entra::{HUB, INSTANTIATE, MIGRATE, USER_ROLE, values};

const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

#[tokio::test]
async fn a_template_makes_an_application_and_its_service_principal_each_time() {
    let world = contoso().await;
    let graph = world.graph_as(MIGRATE).await;
    let made = graph.instantiate("Devolutions (new)").await;
    let context = format!("{}/v1.0/$metadata#microsoft.graph.applicationServicePrincipal", graph.base);
    assert_eq!(made.body["@odata.context"], context);
    let (application, principal) = (&made.body["application"], &made.body["servicePrincipal"]);
    assert_eq!(application["createdByAppId"], json!(world.entra().client_id));
    assert_eq!((&application["tags"], &application["optionalClaims"]), (&json!([]), &Value::Null));
    let tags = ["WindowsAzureActiveDirectoryCustomSingleSignOnApplication", "WindowsAzureActiveDirectoryIntegratedApp"];
    assert_eq!(
        (&principal["tags"], &principal["appRoleAssignmentRequired"], &principal["accountEnabled"]),
        (&json!(tags), &json!(true), &json!(true))
    );
    for roles in [&application["appRoles"], &principal["appRoles"]] {
        assert_eq!((&roles[0]["id"], &roles[1]["displayName"]), (&json!(USER_ROLE), &json!("msiam_access")));
    }
    assert_eq!(principal["oauth2PermissionScopes"], application["api"]["oauth2PermissionScopes"]);
    // What was answered is what is read.
    let read = graph.get(&format!("/applications/{}", made.id)).await;
    for (name, value) in application.as_object().unwrap() {
        assert_eq!(read[name], *value, "{name}");
    }
    let read = graph.get(&format!("/servicePrincipals(appId='{}')", made.app_id)).await;
    assert_eq!((&read["id"], &read["homepage"]), (&json!(made.principal), &application["web"]["homePageUrl"]));
    let again = graph.instantiate("Devolutions (new)").await;
    assert_ne!((&again.id, &again.app_id, &again.principal), (&made.id, &made.app_id, &made.principal));
    let filter = "/applications?$filter=applicationTemplateId eq '8adf8e6e-67b2-4cf2-a259-e3dc5476c621' and \
                  displayName eq 'Devolutions (new)'";
    assert_eq!(graph.all(filter, "id").await, [made.id.as_str(), &again.id]);
    for body in [json!({}), json!({"displayName": ""}), json!({"displayName": "X", "tags": []}), Value::Null] {
        graph.denied(400, Method::POST, INSTANTIATE, body).await;
    }
    let other = INSTANTIATE.replace("8adf8e6e-67b2-4cf2-a259-e3dc5476c621", NOBODY);
    graph.denied(404, Method::POST, &other, json!({"displayName": "X"})).await;
    let reader = world.graph_as(&["Application.Read.All"]).await;
    let denied = reader.denied(403, Method::POST, INSTANTIATE, json!({"displayName": "X"})).await;
    assert_eq!(denied.0, "Authorization_RequestDenied");
    // Writes are the operator's, in the journal too.
    let journal = world.control.get("/journal").await["entries"].as_array().unwrap().clone();
    let writes: Vec<_> = journal.iter().filter(|it| it["isWrite"] == true && it["status"] == 201).collect();
    assert_eq!((writes.len(), &writes[0]["identity"]), (2, &json!("operator")));
}

#[tokio::test]
async fn an_application_is_changed_property_by_property() {
    let world = contoso().await;
    let graph = world.graph_as(MIGRATE).await;
    let made = graph.instantiate("New").await;
    let path = format!("/applications/{}", made.id);
    let claims = json!([{"name": "email", "source": null, "essential": false, "additionalProperties": []}]);
    let access = json!([{"resourceAppId": "00000003-0000-0000-c000-000000000000", "resourceAccess": [
        {"id": "64a6cdd6-aab1-4aaf-94b8-3cc8405e90d0", "type": "Scope"},
    ]}]);
    let change = json!({
        "displayName": "Newer", "notes": "managed", "tags": ["a"], "uniqueName": "migration-1",
        "groupMembershipClaims": "ApplicationGroup", "optionalClaims": {"idToken": claims},
        "requiredResourceAccess": access, "web": {"redirectUris": ["https://a.example/1", "https://a.example/2"]},
    });
    assert_eq!(graph.done(204, Method::PATCH, &path, change.clone()).await, Value::Null);
    let read = graph.get(&format!("/applications(appId='{}')", made.app_id)).await;
    for name in ["displayName", "notes", "tags", "uniqueName", "groupMembershipClaims", "requiredResourceAccess"] {
        assert_eq!(read[name], change[name], "{name}");
    }
    assert_eq!(read["optionalClaims"]["idToken"], claims);
    assert_eq!(read["web"]["redirectUris"], change["web"]["redirectUris"]);
    assert_eq!(read["web"]["redirectUriSettings"][1]["uri"], "https://a.example/2");
    assert_eq!(read["web"]["homePageUrl"], made.body["application"]["web"]["homePageUrl"]);
    let principal = graph.get(&format!("/servicePrincipals/{}", made.principal)).await;
    assert_eq!(
        (&principal["displayName"], &principal["replyUrls"]),
        (&json!("Newer"), &json!(["https://a.example/1", "https://a.example/2"]))
    );
    // Collections are replaced as a whole, by any of the three keys.
    for (key, uris) in [
        (format!("/applications(appId='{}')", made.app_id), json!(["https://a.example/3"])),
        ("/applications(uniqueName='migration-1')".to_owned(), json!(["http://localhost:8080/cb"])),
    ] {
        graph.done(204, Method::PATCH, &key, json!({"web": {"redirectUris": uris}})).await;
        assert_eq!(graph.get(&key).await["web"]["redirectUris"], uris, "{key}");
    }
    let other = graph.instantiate("Other").await;
    let taken = graph
        .denied(400, Method::PATCH, &format!("/applications/{}", other.id), json!({"uniqueName": "migration-1"}))
        .await;
    let text = "Another object with the same value for property uniqueName already exists.";
    assert_eq!(taken, ("Request_MultipleObjectsWithSameKeyValue".to_owned(), text.to_owned()));
    graph.done(204, Method::PATCH, &path, json!({"uniqueName": "migration-1"})).await;
    for (body, text) in [
        (json!({"uniqueName": "migration-2"}), "Property 'uniqueName' is immutable and cannot be updated."),
        (json!({"note": "x"}), "Invalid property 'note'."),
        (json!({"appId": NOBODY}), "Property 'appId' is read-only and cannot be set."),
        (json!({"passwordCredentials": []}), "Property 'passwordCredentials' is read-only and cannot be set."),
        (json!({"displayName": null}), "Invalid value specified for property 'displayName' of resource 'Application'."),
        (
            json!({"groupMembershipClaims": "Some"}),
            "Invalid value specified for property 'groupMembershipClaims' of resource 'Application'.",
        ),
        (
            json!({"web": {"redirectUris": ["https://a.example", "https://a.example"]}}),
            "Request contains a property with duplicate values.",
        ),
        (json!({"appRoles": []}), "Permission (scope or role) cannot be deleted or updated unless disabled first."),
    ] {
        assert_eq!(graph.denied(400, Method::PATCH, &path, body).await.1, text);
    }
    for uri in ["http://a.example/cb", "nonsense", "https://a.example/#x"] {
        graph.denied(400, Method::PATCH, &path, json!({"web": {"redirectUris": [uri]}})).await;
    }
    assert_eq!(graph.get(&path).await["web"]["redirectUris"], json!(["http://localhost:8080/cb"]));
    graph.denied(404, Method::PATCH, &format!("/applications/{NOBODY}"), json!({"notes": "x"})).await;
}

#[tokio::test]
async fn a_service_principal_is_switched_and_marked() {
    let world = contoso().await;
    let graph = world.graph_as(MIGRATE).await;
    let made = graph.instantiate("New").await;
    let path = format!("/servicePrincipals/{}", made.principal);
    let change = json!({
        "accountEnabled": false, "appRoleAssignmentRequired": false, "tags": ["HideApp"], "notes": "managed",
        "preferredSingleSignOnMode": "oidc",
    });
    graph.done(204, Method::PATCH, &path, change.clone()).await;
    let read = graph.get(&path).await;
    for (name, value) in change.as_object().unwrap() {
        assert_eq!(read[name], *value, "{name}");
    }
    graph
        .done(204, Method::PATCH, &format!("/servicePrincipals(appId='{}')", made.app_id), json!({"notes": null}))
        .await;
    for body in
        [json!({"preferredSingleSignOnMode": "smoke"}), json!({"displayName": "X"}), json!({"accountEnabled": "no"})]
    {
        graph.denied(400, Method::PATCH, &path, body).await;
    }
    assert_eq!(graph.get(&path).await["notes"], Value::Null);
}

#[tokio::test]
async fn who_may_write_only_what_it_owns_owns_what_it_makes() {
    let world = contoso().await;
    let graph = world.graph_as(MIGRATE).await;
    let made = graph.instantiate("New").await;
    let own = graph.get(&format!("/servicePrincipals(appId='{}')", world.entra().client_id)).await["id"].clone();
    for owned in [format!("/applications/{}", made.id), format!("/servicePrincipals/{}", made.principal)] {
        let owners = graph.get(&format!("{owned}/owners")).await;
        assert_eq!(
            (&owners["value"][0]["id"], &owners["value"][0]["@odata.type"]),
            (&own, &json!("#microsoft.graph.servicePrincipal"))
        );
    }
    let hub = format!("/applications(appId='{HUB}')");
    let hub_principal = format!("/servicePrincipals(appId='{HUB}')");
    let writes = [
        (Method::PATCH, hub.clone(), json!({"notes": "x"})),
        (Method::POST, format!("{hub}/addPassword"), json!({})),
        (Method::POST, format!("{hub}/removePassword"), json!({"keyId": NOBODY})),
        (Method::DELETE, hub.clone(), Value::Null),
        (Method::PATCH, hub_principal.clone(), json!({"notes": "x"})),
        (Method::DELETE, hub_principal.clone(), Value::Null),
        (Method::POST, format!("{hub_principal}/owners/$ref"), json!({"@odata.id": format!("x/{NOBODY}")})),
    ];
    for (method, path, body) in writes {
        assert_eq!(graph.denied(403, method, &path, body).await.0, "Authorization_RequestDenied", "{path}");
    }
    // A person makes the operator an owner of the old application; or it may write all of them.
    let all = world.graph_as(&["Application.ReadWrite.All"]).await;
    let owner =
        json!({"@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{}", own.as_str().unwrap())});
    for path in [&hub, &hub_principal] {
        all.done(204, Method::POST, &format!("{path}/owners/$ref"), owner.clone()).await;
        let twice = all.denied(400, Method::POST, &format!("{path}/owners/$ref"), owner.clone()).await;
        assert!(twice.1.starts_with("One or more added object references already exist"), "{twice:?}");
    }
    let unknown = json!({"@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{NOBODY}")});
    all.denied(404, Method::POST, &format!("{hub}/owners/$ref"), unknown).await;
    let graph = world.graph_as(&["Application.ReadWrite.OwnedBy"]).await;
    graph.done(200, Method::POST, &format!("{hub}/addPassword"), json!({})).await;
    graph.done(204, Method::PATCH, &hub_principal, json!({"notes": "x"})).await;
}

#[tokio::test]
async fn what_is_deleted_can_be_restored() {
    let world = contoso().await;
    let graph = world.graph_as(MIGRATE).await;
    let made = graph.instantiate("New").await;
    let (application, principal) =
        (format!("/applications/{}", made.id), format!("/servicePrincipals/{}", made.principal));
    let deleted = async |kind: &str| graph.get(&format!("/directory/deletedItems/microsoft.graph.{kind}")).await;
    graph.done(204, Method::DELETE, &application, Value::Null).await;
    graph.refused(404, &application).await;
    graph.refused(404, &principal).await;
    graph.denied(404, Method::DELETE, &application, Value::Null).await;
    assert_eq!(values(&deleted("application").await, "id"), [made.id.as_str()]);
    let listed = deleted("servicePrincipal").await;
    assert_eq!(values(&listed, "id"), [made.principal.as_str()]);
    assert!(listed["value"][0]["deletedDateTime"].is_string());
    // One does not bring the other back.
    let restore = |id: &str| format!("/directory/deletedItems/{id}/restore");
    let back = graph.done(200, Method::POST, &restore(&made.id), json!({})).await;
    assert_eq!((&back["@odata.type"], &back["id"]), (&json!("#microsoft.graph.application"), &json!(made.id)));
    graph.get(&application).await;
    graph.refused(404, &principal).await;
    graph.done(200, Method::POST, &restore(&made.principal), json!({})).await;
    graph.get(&principal).await;
    graph.denied(404, Method::POST, &restore(&made.principal), json!({})).await;
    // A service principal alone leaves its application an orphan.
    graph.done(204, Method::DELETE, &principal, Value::Null).await;
    graph.get(&application).await;
    graph.done(204, Method::DELETE, &format!("/directory/deletedItems/{}", made.principal), Value::Null).await;
    assert_eq!(deleted("servicePrincipal").await["value"], json!([]));
    graph.refused(404, &format!("/directory/deletedItems/{}", made.principal)).await;
}

#[tokio::test]
async fn a_batch_writes_too() {
    let world = contoso().await;
    let graph = world.graph_as(MIGRATE).await;
    let made = graph.instantiate("New").await;
    let requests = json!({"requests": [
        {"id": "1", "method": "PATCH", "url": format!("/applications/{}", made.id), "body": {"notes": "x"}},
        {"id": "2", "method": "POST", "url": INSTANTIATE, "body": {"displayName": "Y"}},
    ]});
    let answers = graph.post("/$batch", requests).await.body["responses"].clone();
    let status = |id: &str| answers.as_array().unwrap().iter().find(|it| it["id"] == id).unwrap()["status"].clone();
    assert_eq!((status("1"), status("2")), (json!(204), json!(201)));
    assert_eq!(graph.get(&format!("/applications/{}", made.id)).await["notes"], "x");
}
