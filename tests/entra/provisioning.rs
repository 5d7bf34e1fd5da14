//! Provisioning is set up through both adapters, brings people across, and says what came of each.

use std::collections::BTreeMap;

use k8s_openapi::jiff::Timestamp;
use operator::devolutions::{DevolutionsCloud as _, NewProvisioningToken, Rest};
use operator::entra::{
    Entra as _, EntraWriter as _, Graph, JobStatus, OnDemand, Provisioner as _, ProvisioningCredentials,
    SavedProvisioning, ServicePrincipal,
};
use operator::error::Class;
use operator::plan::assignment::role;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use uuid::Uuid;

use crate::stage::Stage;

/// `Vault-Admins`, in which Adam, Bob, Carol and Frank are.
const GROUP: &str = "5d0f3b1e-8a5c-4c1e-9d57-3f2b6a7c9e01";

/// A new application to which the group is assigned, and where it is to bring people.
struct Ready {
    stage: Stage,
    graph: Graph,
    cloud: Rest,
    principal: ServicePrincipal,
    told: NewProvisioningToken,
    credentials: ProvisioningCredentials,
}

async fn ready(name: &str, arguments: &[&str]) -> Ready {
    let stage = Stage::with(name, arguments, &[]).await;
    let (graph, cloud) = (stage.as_operator(), stage.cloud());
    let application = graph.instantiate("New", Uuid::from_u128(7)).await.unwrap().application;
    let principal = graph.service_principal(&application.app_id).await.unwrap().unwrap();
    graph.assign(Uuid::parse_str(GROUP).unwrap(), ("a", "b"), principal.id, role(&principal).unwrap()).await.unwrap();
    assert!(!cloud.provisioning().await.unwrap().unwrap().enabled);
    let told = cloud.enable_provisioning().await.unwrap();
    let credentials = ProvisioningCredentials {
        tenant_url: told.provisioning.tenant_url.clone().unwrap(),
        token: told.secret_token.clone(),
    };
    Ready { stage, graph, cloud, principal, told, credentials }
}

impl Ready {
    /// The log's newest word on each user, by e-mail address.
    async fn log(&self, job: &str) -> BTreeMap<String, (String, Option<String>)> {
        let entries = self.graph.provisioning_log(job, Timestamp::UNIX_EPOCH).await.unwrap();
        let everybody: BTreeMap<Uuid, String> = self
            .graph
            .users_by_email(&crate::stage::strings(&["adam@contoso.example", "frank@contoso.example"]))
            .await
            .unwrap()
            .into_iter()
            .map(|user| (user.id, user.mail.unwrap_or_default().to_lowercase()))
            .collect();
        let mut newest = BTreeMap::new();
        for entry in entries {
            let Some(id) = entry.source_identity.and_then(|it| it.id?.parse().ok()) else { continue };
            let (Some(email), Some(info)) = (everybody.get(&id), entry.provisioning_status_info) else { continue };
            newest.insert(email.clone(), (info.status, info.error_information.and_then(|it| it.error_code)));
        }
        newest
    }
}

#[tokio::test]
async fn a_job_is_made_tried_started_and_followed_and_can_be_paused() {
    let all = ready("provisioning", &["--switches", "{provisioningCycleSeconds: 3600}"]).await;
    let Ready { stage, graph, cloud, principal, told, credentials } = &all;
    assert!(told.provisioning.enabled && !told.provisioning.synchronization_active);
    assert!(told.provisioning.token_expires_at > Some(Timestamp::now()));
    assert_eq!(cloud.provisioning().await.unwrap().unwrap(), told.provisioning, "and the token is told no more");
    let shown = format!("{told:?} {credentials:?}");
    assert!(!shown.contains(credentials.token.expose_secret()), "{shown}");

    assert_eq!(graph.jobs(principal).await.unwrap(), []);
    let job = graph.make_job(principal).await.unwrap();
    assert!(!job.is_started());
    let again = graph.make_job(principal).await;
    let refused = stage.told(again);
    assert_eq!(graph.jobs(principal).await.unwrap().len(), 1, "{refused:?}");
    assert_eq!(graph.provisioning_settings(principal).await.unwrap(), SavedProvisioning::default());
    graph.validate_provisioning(principal, &job.id, credentials).await.unwrap();
    graph.save_provisioning(principal, credentials).await.unwrap();
    let saved = graph.provisioning_settings(principal).await.unwrap();
    let wanted = SavedProvisioning {
        tenant_url: Some(credentials.tenant_url.clone()),
        covers_everybody: false,
        keeps_out_of_scope: true,
    };
    assert_eq!(saved, wanted);

    let carol = graph.users_by_email(&crate::stage::strings(&["carol@contoso.example"])).await.unwrap()[0].id;
    let came = graph.provision_on_demand(principal, &job.id, carol).await.unwrap();
    assert_eq!(came, OnDemand { result: "Success".to_owned(), code: None });
    graph.start_job(principal, &job.id).await.unwrap();
    cloud.activate_synchronization().await.unwrap();
    assert!(cloud.provisioning().await.unwrap().unwrap().synchronization_active);
    stage.sandbox.provision().await.unwrap();
    let [ran] = graph.jobs(principal).await.unwrap().try_into().unwrap();
    assert!(ran.is_started());
    let status: JobStatus = ran.status.unwrap();
    let ended = status.last_execution.as_ref().unwrap().time_ended;
    assert!(ended > told.provisioning.token_created_at && status.steady_state_first_achieved_time.is_some());
    assert_eq!((status.code.as_str(), &status.quarantine), ("Active", &None));
    let log = all.log(&job.id).await;
    assert_eq!(log["adam@contoso.example"], ("success".to_owned(), None), "{log:?}");

    graph.pause_job(principal, &job.id).await.unwrap();
    assert!(!graph.jobs(principal).await.unwrap()[0].is_started());
    all.stage.sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn what_is_refused_says_by_whom_and_never_with_the_token() {
    let all = ready("unprovisioned", &[]).await;
    let Ready { stage, graph, cloud, principal, credentials, .. } = &all;
    let job = graph.make_job(principal).await.unwrap();
    let wrong = ProvisioningCredentials { token: SecretString::from("wr0ng-token"), ..credentials.clone() };
    let (class, reason, message) = stage.told(graph.validate_provisioning(principal, &job.id, &wrong).await);
    assert_eq!((class, reason), (Class::Invalid, "ProvisioningCredentialsRefused"));
    assert!(message.contains(&credentials.tenant_url) && !message.contains("wr0ng"), "{message}");
    // A token made anew makes the one before worthless.
    let renewed = cloud.renew_provisioning_token().await.unwrap();
    assert!(graph.validate_provisioning(principal, &job.id, credentials).await.is_err());
    let now = ProvisioningCredentials { token: renewed.secret_token, ..credentials.clone() };
    graph.validate_provisioning(principal, &job.id, &now).await.unwrap();

    // Without the right there is nothing but a 401 without a word.
    stage.sandbox.control_post("/entra/permissions", &json!({"permissions": ["Application.Read.All"]})).await.unwrap();
    let (class, reason, message) = stage.told(stage.as_operator().jobs(principal).await);
    assert_eq!((class, reason), (Class::Denied, "PermissionMissing"));
    assert!(message.contains("Synchronization.ReadWrite.All"), "{message}");
    all.stage.sandbox.stop().await.unwrap();
}
