//! Files with which a client reaches a cluster as a certain user
//! (<https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/>).

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::pki::{self, Credential, Pki};

/// A kubeconfig that lacks the user's credential.
pub(super) struct Kubeconfig {
    path: PathBuf,
    server: String,
    authority: String,
    user: String,
}

impl Kubeconfig {
    pub(super) fn new(path: PathBuf, server: &str, pki: &Pki, user: &str) -> Result<Self> {
        let certificate = pki.authority_certificate();
        let authority = std::fs::read(&certificate).map_err(Error::file("read", &certificate))?;
        Ok(Self { path, server: server.to_owned(), authority: STANDARD.encode(authority), user: user.to_owned() })
    }

    pub(super) fn with_certificate(self, credential: &Credential) -> Result<PathBuf> {
        let user = json!({
            "client-certificate-data": STANDARD.encode(&credential.certificate),
            "client-key-data": STANDARD.encode(&credential.key),
        });
        self.write(&user)
    }

    pub(super) fn with_token(self, token: &str) -> Result<PathBuf> {
        self.write(&json!({ "token": token }))
    }

    fn write(self, user: &Value) -> Result<PathBuf> {
        let config = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{
                "name": "testbed",
                "cluster": { "server": self.server, "certificate-authority-data": self.authority },
            }],
            "users": [{ "name": self.user, "user": user }],
            "contexts": [{
                "name": "testbed",
                "context": { "cluster": "testbed", "user": self.user, "namespace": "default" },
            }],
            "current-context": "testbed",
        });
        // JSON is YAML.
        let text = serde_json::to_string_pretty(&config).map_err(Error::format("a kubeconfig"))?;
        pki::write(&self.path, &text)?;
        Ok(self.path)
    }
}
