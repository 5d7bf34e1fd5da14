//! How the operator proves to Entra ID who it is, and what it says when that does not work.

use serde_json::{Value, json};
use testbed::pki;

use crate::cutover::{applied, waits};
use crate::migration::{assert_only_read, decided, migration, until, until_reason};
use crate::stage::{Stage, condition, message, ready_reason, run};

#[test]
fn wrong_credentials_are_told_by_their_code_and_never_shown() {
    run(async {
        let stage = Stage::new("migration-credentials").await;
        let right = stage.sandbox.export("CLIENT_SECRET").unwrap().to_owned();
        let give = async |secret: &str| {
            let secret = json!({
                "apiVersion": "v1", "kind": "Secret",
                "metadata": {"name": "entra-id", "labels": {"migration.devolutions.net/connection": "contoso"}},
                "stringData": {"clientSecret": secret},
            });
            stage.apply(&secret).await.unwrap();
        };
        let planted = "planted-and-wrong-~secret~";
        give(planted).await;
        stage.apply(&applied(json!({}))).await.unwrap();
        let state = until_reason(&stage, "ClientSecretWrong").await;
        for words in ["AADSTS7000215", "not its Secret ID", "trace "] {
            assert!(message(&state).contains(words), "{words:?} is not in {}", message(&state));
        }
        let connection = until(&stage, "tconn", "the same", |s| ready_reason(s) == "ClientSecretWrong").await;
        assert_eq!(condition(&connection, "DevolutionsCloudReady").unwrap()["status"], "True");

        stage.assert_nothing_written().await;

        // Mended: nobody has to restart anything.
        give(&right).await;
        waits(&stage, "Cutover").await;

        // Neither the wrong one nor the right one is anywhere to be seen.
        let everything =
            [stage.kubectl(&["get", "ssom,tconn,events", "-o", "yaml"]).await, stage.operator.log().unwrap()].concat();
        for secret in [planted, right.as_str()] {
            assert!(!everything.contains(secret));
        }
        stage.end().await;
    });
}

/// Has the operator show a service account's token to Entra ID instead of a secret, and looks.
pub async fn looks_with_workload_identity(stage: &Stage) {
    let admin = stage.cluster.admin();
    stage.kubectl(&["create", "serviceaccount", "migrator"]).await;
    let credential = json!({"type": "WorkloadIdentity", "clientSecret": null, "workloadIdentity": {"serviceAccountRef": {"name": "migrator"}}});
    let patch = json!({"spec": {"entra": {"credential": credential}}}).to_string();
    stage.kubectl(&["patch", "tconn", "contoso", "--type=merge", "-p", &patch]).await;
    stage.apply(&migration(decided())).await.unwrap();

    // Nobody has told Entra ID of this cluster.
    let state = until_reason(stage, "FederatedCredentialMissing").await;
    assert!(message(&state).contains("AADSTS70021"), "{}", message(&state));

    let raw = async |path: &str| admin.run(&["get", "--raw", path], None).await.unwrap().stdout;
    let issuer: Value = serde_json::from_str(&raw("/.well-known/openid-configuration").await).unwrap();
    let keys: Value = serde_json::from_str(&raw("/openid/v1/jwks").await).unwrap();
    let issuer = &issuer["issuer"];
    stage.sandbox.control_post("/issuers", &json!({"issuer": issuer, "jwks": keys})).await.unwrap();
    let trust = json!({
        "issuer": issuer,
        "subject": format!("system:serviceaccount:{}:migrator", stage.namespace),
        "audiences": ["api://AzureADTokenExchange"],
    });
    stage.sandbox.control_post("/entra/federated-credentials", &trust).await.unwrap();
    until_reason(stage, "Planned").await;
    assert_only_read(stage).await;
}

#[test]
fn a_service_account_stands_in_for_a_secret() {
    run(async {
        let stage = Stage::new("migration-federated").await;
        looks_with_workload_identity(&stage).await;
        // An account that the operator was not given, and one that is not there.
        for (account, exists, reason, says) in [
            ("other", true, "ServiceAccountTokenDenied", "workloadIdentityServiceAccounts"),
            ("migrator", false, "ServiceAccountNotFound", "no ServiceAccount \"migrator\""),
        ] {
            if exists {
                stage.kubectl(&["create", "serviceaccount", account]).await;
            } else {
                stage.kubectl(&["delete", "serviceaccount", account]).await;
            }
            let reference = json!({"serviceAccountRef": {"name": account}});
            let patch = json!({"spec": {"entra": {"credential": {"workloadIdentity": reference}}}}).to_string();
            stage.kubectl(&["patch", "tconn", "contoso", "--type=merge", "-p", &patch]).await;
            let state = until_reason(&stage, reason).await;
            assert!(message(&state).contains(says), "{}", message(&state));
        }
        stage.end_though_forbidden().await;
    });
}

#[test]
fn a_certificate_stands_in_for_a_secret() {
    run(async {
        let stage = Stage::new("migration-certificate").await;
        let ours = pki::Credential::self_signed("operator").unwrap();
        let key = ours.key_as_pkcs1().unwrap();
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
            "metadata": {"name": "entra-id-tls", "labels": {"migration.devolutions.net/connection": "contoso"}},
            "stringData": {"tls.crt": ours.certificate, "tls.key": key},
        });
        stage.apply(&secret).await.unwrap();
        let reference = json!({"secretRef": {"name": "entra-id-tls"}});
        let credential = json!({"type": "ClientCertificate", "clientSecret": null, "clientCertificate": reference});
        let patch = json!({"spec": {"entra": {"credential": credential}}}).to_string();
        stage.kubectl(&["patch", "tconn", "contoso", "--type=merge", "-p", &patch]).await;
        stage.apply(&migration(decided())).await.unwrap();
        let state = until_reason(&stage, "CertificateNotRegistered").await;
        assert!(message(&state).contains("Upload tls.crt"), "{}", message(&state));

        stage.sandbox.control_post("/certificates", &json!({"certificate": ours.certificate})).await.unwrap();
        until_reason(&stage, "Planned").await;
        assert_only_read(&stage).await;

        // Its key goes astray: that is told without asking anybody, and without the key.
        let other = pki::Credential::self_signed("other").unwrap();
        let mut astray = secret;
        astray["stringData"]["tls.key"] = json!(other.key);
        stage.apply(&astray).await.unwrap();
        let connection = until(&stage, "tconn", "the key astray", |s| ready_reason(s) == "CertificateUnusable").await;
        assert!(message(&connection).contains("not the key of the first certificate"), "{}", message(&connection));
        let shown = stage.kubectl(&["get", "ssom,tconn,events", "-o", "yaml"]).await;
        let everything = [shown, stage.operator.log().unwrap()].concat();
        for key in [&key, &other.key] {
            let line = key.lines().nth(1).unwrap();
            assert!(!everything.contains(line));
        }
        stage.end().await;
    });
}
