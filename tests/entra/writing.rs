//! What is written takes effect once, and what is refused says so without a secret.

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use operator::entra::{ApplicationChange, Entra as _, EntraWriter as _, PrincipalChange};
use operator::error::Class;
use operator::plan::application::{ConsentChange, GRAPH, Wanted, of_application, of_consent, of_principal};
use operator::plan::assignment::role;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use uuid::Uuid;

use crate::stage::{APP, Stage};

/// Adam, by whom it is tried, and the group that he is in.
const GROUP: &str = "5d0f3b1e-8a5c-4c1e-9d57-3f2b6a7c9e01";

fn tomorrow() -> Timestamp {
    Timestamp::now().checked_add(SignedDuration::from_hours(24)).unwrap()
}

#[tokio::test]
async fn an_application_is_made_set_up_and_assigned_and_lacks_nothing_then() {
    let stage = Stage::new("written").await;
    let (graph, mark) = (stage.as_operator(), Uuid::from_u128(42));
    let made = graph.instantiate("Devolutions Cloud", mark).await.unwrap();
    let found = graph.applications_named("Devolutions Cloud").await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].service_management_reference, Some(mark.to_string()), "ours is told from others");

    let wanted = Wanted {
        redirect_uris: ["https://sso.devolutions.example/callback/contoso".to_owned()].into(),
        assignment_required: false,
        is_hidden: true,
    };
    let (id, app_id) = (made.application.id, made.application.app_id.clone());
    graph.change_application(id, "x", &of_application(&wanted, &found[0]).unwrap()).await.unwrap();
    let principal = graph.service_principal(&app_id).await.unwrap().unwrap();
    graph.change_principal(principal.id, "x", &of_principal(&wanted, &principal).unwrap()).await.unwrap();
    let microsoft = graph.service_principal(GRAPH).await.unwrap().unwrap();
    let Some(ConsentChange::Give { scope }) = of_consent(microsoft.id, &graph.consents(&principal).await.unwrap())
    else {
        panic!("nobody has consented yet")
    };
    graph.consent(&principal, microsoft.id, "openid").await.unwrap();
    let [less] = graph.consents(&principal).await.unwrap().try_into().unwrap();
    graph.change_consent(&principal, &less.id, &scope).await.unwrap();
    graph.assign(Uuid::parse_str(GROUP).unwrap(), ("a", "b"), principal.id, role(&principal).unwrap()).await.unwrap();

    let (application, principal) =
        (graph.application(&app_id).await.unwrap().unwrap(), graph.service_principal(&app_id).await.unwrap().unwrap());
    assert_eq!(of_application(&wanted, &application), None);
    assert_eq!(of_principal(&wanted, &principal), None);
    assert_eq!(of_consent(microsoft.id, &graph.consents(&principal).await.unwrap()), None);
    let assigned = graph.assignments(&principal).await.unwrap();
    assert_eq!((assigned.len(), assigned[0].principal_id.to_string().as_str()), (1, GROUP));
    // A second time it is there already.
    let again = graph.assign(assigned[0].principal_id, ("a", "b"), principal.id, role(&principal).unwrap()).await;
    assert_eq!(stage.told(again).0, Class::Bug);
    stage.sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn a_secret_gets_tokens_until_it_is_taken_away_and_never_shows() {
    let stage = Stage::new("secret").await;
    let graph = stage.as_operator();
    let application = graph.application(APP).await.unwrap().unwrap();
    let secret = graph.add_secret(&application, "ours", tomorrow()).await.unwrap();
    assert!(!format!("{secret:?}").contains(secret.secret_text.expose_secret()));
    let listed = graph.application(APP).await.unwrap().unwrap().password_credentials;
    assert!(listed.iter().any(|one| one.key_id == secret.key_id && one.display_name.as_deref() == Some("ours")));
    graph.redeems(APP, &secret.secret_text).await.unwrap();
    let wrong = graph.redeems(APP, &SecretString::from("wr0ng-secret")).await;
    let (class, reason, message) = stage.told(wrong);
    assert_eq!((class, reason), (Class::Denied, "ClientSecretWrong"));
    assert!(message.contains(APP) && !message.contains("wr0ng"), "{message}");
    graph.remove_secret(&application, secret.key_id).await.unwrap();
    assert!(graph.redeems(APP, &secret.secret_text).await.is_err());
    stage.sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn a_write_is_sent_once_whatever_comes_back() {
    let stage = Stage::new("once").await;
    let graph = stage.as_operator();
    let posts = async || {
        let journal = stage.sandbox.journal(0).await.unwrap();
        journal.entries.iter().filter(|one| one.system == "Graph" && one.method == "POST").count()
    };
    for (status, class) in
        [(503, Class::Transient), (429, Class::Throttled), (403, Class::Denied), (409, Class::Conflict)]
    {
        let before = posts().await;
        stage.refuse("Graph", 1, json!({"status": status, "name": "X"})).await;
        let refused = graph.instantiate("Devolutions Cloud", Uuid::nil()).await;
        assert_eq!(stage.told(refused).0, class, "{status}");
        assert_eq!(posts().await, before + 1, "{status}");
    }
    // A refused token had no effect, so there is another try with another token.
    stage.refuse("Graph", 1, json!({"status": 401, "name": "InvalidAuthenticationToken"})).await;
    graph.instantiate("Devolutions Cloud", Uuid::nil()).await.unwrap();
    assert_eq!(graph.applications_named("Devolutions Cloud").await.unwrap().len(), 1);
    // A change of nothing is none that anybody asks for; it is refused by nobody either.
    let made = graph.applications_named("Devolutions Cloud").await.unwrap().remove(0);
    graph.change_application(made.id, "x", &ApplicationChange::default()).await.unwrap();
    let principal = graph.service_principal(&made.app_id).await.unwrap().unwrap();
    graph.change_principal(principal.id, "x", &PrincipalChange::default()).await.unwrap();
    stage.sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn who_signed_in_is_read_and_without_the_right_it_is_said_which() {
    let stage = Stage::new("log").await;
    let graph = stage.as_operator();
    let since = Timestamp::now();
    for user in ["bob@contoso.example", "frank@contoso.example"] {
        stage.sandbox.sign_in(user).await.unwrap();
    }
    let mut codes: Vec<i64> =
        graph.sign_ins(APP, since).await.unwrap().iter().map(|one| one.status.error_code).collect();
    codes.sort_unstable();
    assert_eq!(codes, [0, 50057]);
    let later = Timestamp::now().checked_add(SignedDuration::from_secs(2)).unwrap();
    assert_eq!(graph.sign_ins(APP, later).await.unwrap(), []);
    stage.sandbox.control_post("/entra/permissions", &json!({"permissions": ["Application.Read.All"]})).await.unwrap();
    let (_, reason, message) = stage.told(stage.as_operator().sign_ins(APP, since).await);
    assert_eq!(reason, "PermissionMissing");
    assert!(message.contains("AuditLog.Read.All"), "{message}");
    stage.sandbox.stop().await.unwrap();
}
