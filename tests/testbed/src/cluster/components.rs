//! The three programs of the control plane: how each is started, and the process it becomes.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::Child;

use super::{Folder, ports};
use crate::error::{Error, Result, tail};
use crate::pki::Pki;
use crate::process::{self, Process};

/// How long a component may take to end when asked to. Its data are thrown away, so nothing is lost if it is not enough.
const GRACE: Duration = Duration::from_secs(5);

/// What the controller manager runs: enough for namespaces, service accounts, owner references and admission policies
/// to work as in any cluster, and nothing that needs nodes.
const CONTROLLERS: [&str; 7] = [
    "namespace-controller",
    "garbage-collector-controller",
    "serviceaccount-controller",
    "serviceaccount-token-controller",
    "root-ca-certificate-publisher-controller",
    "clusterrole-aggregation-controller",
    "validatingadmissionpolicy-status-controller",
];

/// Every request once it has been answered: who, what, on what, with which result, but no bodies.
const AUDIT_POLICY: &str = "\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
";

/// The ports of one cluster.
pub(super) struct Ports {
    pub(super) etcd: u16,
    pub(super) etcd_peers: u16,
    pub(super) api_server: u16,
}

impl Ports {
    pub(super) fn free() -> Result<Self> {
        let [etcd, etcd_peers, api_server] = ports::free()?;
        Ok(Self { etcd, etcd_peers, api_server })
    }
}

/// One running program.
pub(super) struct Component {
    name: &'static str,
    child: Child,
    process: Option<Process>,
    log: PathBuf,
    ports: Vec<u16>,
}

impl Component {
    pub(super) fn etcd(program: &Path, folder: &Folder, pki: &Pki, ports: &Ports) -> Result<Self> {
        let clients = format!("https://127.0.0.1:{}", ports.etcd);
        let peers = format!("https://127.0.0.1:{}", ports.etcd_peers);
        let authority = pki.authority_certificate();
        let (certificate, key) = (pki.server_certificate(), pki.server_key());
        let arguments = [
            flag("data-dir", folder.file("etcd").display()),
            flag("listen-client-urls", &clients),
            flag("advertise-client-urls", &clients),
            flag("listen-peer-urls", &peers),
            flag("initial-advertise-peer-urls", &peers),
            flag("initial-cluster", format!("default={peers}")),
            flag("cert-file", certificate.display()),
            flag("key-file", key.display()),
            flag("trusted-ca-file", authority.display()),
            flag("client-cert-auth", true),
            flag("peer-cert-file", certificate.display()),
            flag("peer-key-file", key.display()),
            flag("peer-trusted-ca-file", authority.display()),
            flag("peer-client-cert-auth", true),
            // The data do not outlive the cluster: nothing to protect against a power cut.
            flag("unsafe-no-fsync", true),
            flag("log-level", "warn"),
        ];
        Self::start("etcd", program, &arguments, folder, vec![ports.etcd, ports.etcd_peers])
    }

    pub(super) fn api_server(program: &Path, folder: &Folder, pki: &Pki, ports: &Ports) -> Result<Self> {
        let policy = folder.file("audit-policy.yaml");
        std::fs::write(&policy, AUDIT_POLICY).map_err(Error::file("write", &policy))?;
        let arguments = [
            flag("bind-address", "127.0.0.1"),
            flag("advertise-address", "127.0.0.1"),
            flag("secure-port", ports.api_server),
            // There is nobody for whom the service `kubernetes` would need an endpoint.
            flag("endpoint-reconciler-type", "none"),
            flag("service-cluster-ip-range", "10.0.0.0/24"),
            flag("etcd-servers", format!("https://127.0.0.1:{}", ports.etcd)),
            flag("etcd-cafile", pki.authority_certificate().display()),
            flag("etcd-certfile", pki.admin_certificate().display()),
            flag("etcd-keyfile", pki.admin_key().display()),
            flag("client-ca-file", pki.authority_certificate().display()),
            flag("tls-cert-file", pki.server_certificate().display()),
            flag("tls-private-key-file", pki.server_key().display()),
            flag("authorization-mode", "RBAC"),
            // Some clusters have it, and it asks for rights that no request of one's own shows:
            // https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#ownerreferencespermissionenforcement
            flag("enable-admission-plugins", "OwnerReferencesPermissionEnforcement"),
            flag("service-account-issuer", "https://kubernetes.default.svc"),
            flag("service-account-key-file", pki.token_public_key().display()),
            flag("service-account-signing-key-file", pki.token_key().display()),
            flag("audit-policy-file", policy.display()),
            flag("audit-log-path", folder.audit_log().display()),
            // In megabytes: it is never begun anew, for whoever reads it reads it whole.
            flag("audit-log-maxsize", 10_000),
        ];
        Self::start("kube-apiserver", program, &arguments, folder, vec![ports.api_server])
    }

    pub(super) fn controller_manager(program: &Path, folder: &Folder, pki: &Pki) -> Result<Self> {
        let arguments = [
            flag("kubeconfig", folder.admin_kubeconfig().display()),
            flag("controllers", CONTROLLERS.join(",")),
            flag("service-account-private-key-file", pki.token_key().display()),
            flag("root-ca-file", pki.authority_certificate().display()),
            flag("leader-elect", false),
            // It serves nothing.
            flag("secure-port", 0),
        ];
        Self::start("kube-controller-manager", program, &arguments, folder, Vec::new())
    }

    fn start(
        name: &'static str,
        program: &Path,
        arguments: &[String],
        folder: &Folder,
        ports: Vec<u16>,
    ) -> Result<Self> {
        let log = folder.file(&format!("{name}.log"));
        let file = File::create(&log).map_err(Error::file("create", &log))?;
        let same = file.try_clone().map_err(Error::file("open", &log))?;
        let child = process::tied(program)?
            .args(arguments)
            .current_dir(&folder.0)
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(same)
            // A terminal's Ctrl-C is the supervisor's to handle, in order.
            .process_group(0)
            .spawn()
            .map_err(Error::start(program))?;
        let pid = child.id().and_then(|id| i32::try_from(id).ok());
        let process = pid.map(Process::open).transpose()?.flatten();
        Ok(Self { name, child, process, log, ports })
    }

    /// Resolves when it has ended by itself, to the reason as far as it can be told. Safe to cancel.
    pub(super) async fn ended(&mut self) -> Error {
        let status = self.child.wait().await;
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let taken = self.ports.iter().find_map(|port| Some((port, ports::holder(*port)?)));
        let hint = match taken {
            Some((port, holder)) => {
                format!("port {port}, which was free before, is held by {holder}; ")
            }
            None => String::new(),
        };
        Error::Ended {
            name: self.name.to_owned(),
            status: status.as_ref().map_or_else(ToString::to_string, ExitStatus::to_string),
            hint,
            log: self.log.clone(),
            tail: tail(&text, 15),
        }
    }

    /// Ends it and waits until it has ended.
    pub(super) async fn stop(mut self) -> Result<()> {
        if let Some(process) = self.process {
            process.stop(GRACE).await?;
        }
        self.child.wait().await.map(drop).map_err(Error::start(self.name.as_ref()))
    }
}

fn flag(name: &str, value: impl std::fmt::Display) -> String {
    format!("--{name}={value}")
}
