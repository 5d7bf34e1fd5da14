//! The certificate authority of one cluster, the certificates it gives and the key that signs service account tokens.

use std::io::Write;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

use rsa::PrivateKey;
use rsa::pkcs1::EncodeRsaPrivateKey as _;
use rsa::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, EncodePublicKey as _, LineEnding};

use crate::error::{Error, Result};

/// The size that Kubernetes' own tools give the key for service account tokens, and the least that Entra ID takes.
const RSA_BITS: usize = 2048;

/// The folder that holds a cluster's keys and certificates.
#[derive(Debug, Clone)]
pub struct Pki {
    folder: PathBuf,
}

/// A certificate and its key, as PEM texts.
pub struct Credential {
    /// The certificate.
    pub certificate: String,
    /// The private key.
    pub key: String,
}

impl Credential {
    /// One that vouches for itself, with an RSA key, as applications in Entra ID have them.
    pub fn self_signed(subject: &str) -> Result<Self> {
        let (_, key) = rsa_key(subject)?;
        let pair = KeyPair::from_pem(&key).map_err(failed(subject))?;
        let mut params = CertificateParams::default();
        params.distinguished_name = name(subject, None);
        let certificate = params.self_signed(&pair).map_err(failed(subject))?;
        Ok(Self { certificate: certificate.pem(), key })
    }

    /// The RSA key in the older form, in which cert-manager writes keys unless it is told otherwise:
    /// <https://cert-manager.io/docs/reference/api-docs/#cert-manager.io/v1.PrivateKeyEncoding>
    pub fn key_as_pkcs1(&self) -> Result<String> {
        let unusable = |reason: &dyn std::fmt::Display| Error::Format {
            what: "an RSA key".to_owned(),
            reason: reason.to_string(),
        };
        let key = PrivateKey::from_pkcs8_pem(&self.key).map_err(|e| unusable(&e))?;
        Ok(key.to_pkcs1_pem(LineEnding::LF).map_err(|e| unusable(&e))?.to_string())
    }
}

impl Pki {
    /// The keys and certificates that lie in `folder`.
    #[must_use]
    pub fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Makes all that a cluster needs to start: an authority, one certificate for its servers, one for its own clients
    /// and the key for service account tokens.
    pub fn create(folder: PathBuf) -> Result<Self> {
        let pki = Self::at(folder);
        std::fs::create_dir_all(&pki.folder).map_err(Error::file("create", &pki.folder))?;
        let key = KeyPair::generate().map_err(failed("the cluster's authority"))?;
        let certificate = authority().self_signed(&key).map_err(failed("the cluster's authority"))?;
        write(&pki.authority_certificate(), &certificate.pem())?;
        write(&pki.authority_key(), &key.serialize_pem())?;

        let names = ["127.0.0.1", "localhost", "kubernetes.default.svc"].map(String::from);
        let mut server = CertificateParams::new(names).map_err(failed("the cluster's servers"))?;
        server.distinguished_name = name("cluster for tests", None);
        // etcd's server is also the client of its own gateway.
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        pki.keep("server", &pki.sign(server, "the cluster's servers")?)?;
        // The group that Kubernetes binds to cluster-admin by default:
        // https://kubernetes.io/docs/reference/access-authn-authz/rbac/#user-facing-roles
        pki.keep("admin", &pki.client("admin", Some("system:masters"))?)?;

        // Entra ID takes tokens of other issuers with RSA signatures only:
        // https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations
        let (tokens, pem) = rsa_key("the key for service account tokens")?;
        write(&pki.token_key(), &pem)?;
        let public = tokens.to_public_key().to_public_key_pem(LineEnding::LF).map_err(|reason| Error::Format {
            what: "the key for service account tokens".to_owned(),
            reason: reason.to_string(),
        })?;
        write(&pki.token_public_key(), &public)?;
        Ok(pki)
    }

    /// The administrator's certificate and key.
    pub fn admin(&self) -> Result<Credential> {
        let read = |path: PathBuf| std::fs::read_to_string(&path).map_err(Error::file("read", &path));
        Ok(Credential { certificate: read(self.admin_certificate())?, key: read(self.admin_key())? })
    }

    /// A client certificate. Kubernetes takes the user from the common name and the group from the organization:
    /// <https://kubernetes.io/docs/reference/access-authn-authz/authentication/#x509-client-certificates>
    ///
    /// One group at most: a name of `rcgen` holds one organization.
    pub fn client(&self, user: &str, group: Option<&str>) -> Result<Credential> {
        let mut params = CertificateParams::default();
        params.distinguished_name = name(user, group);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(params, user)
    }

    /// The authority's certificate.
    #[must_use]
    pub fn authority_certificate(&self) -> PathBuf {
        self.folder.join("ca.crt")
    }

    /// The servers' certificate.
    #[must_use]
    pub fn server_certificate(&self) -> PathBuf {
        self.folder.join("server.crt")
    }

    /// The servers' key.
    #[must_use]
    pub fn server_key(&self) -> PathBuf {
        self.folder.join("server.key")
    }

    /// The administrator's certificate, with which the API server also speaks to etcd.
    #[must_use]
    pub fn admin_certificate(&self) -> PathBuf {
        self.folder.join("admin.crt")
    }

    /// The administrator's key.
    #[must_use]
    pub fn admin_key(&self) -> PathBuf {
        self.folder.join("admin.key")
    }

    /// The key that signs service account tokens.
    #[must_use]
    pub fn token_key(&self) -> PathBuf {
        self.folder.join("service-accounts.key")
    }

    /// The key that checks service account tokens.
    #[must_use]
    pub fn token_public_key(&self) -> PathBuf {
        self.folder.join("service-accounts.pub")
    }

    fn authority_key(&self) -> PathBuf {
        self.folder.join("ca.key")
    }

    fn keep(&self, name: &str, credential: &Credential) -> Result<()> {
        write(&self.folder.join(format!("{name}.crt")), &credential.certificate)?;
        write(&self.folder.join(format!("{name}.key")), &credential.key)
    }

    fn sign(&self, mut params: CertificateParams, subject: &str) -> Result<Credential> {
        let path = self.authority_key();
        let pem = std::fs::read_to_string(&path).map_err(Error::file("read", &path))?;
        let issuer = Issuer::new(authority(), KeyPair::from_pem(&pem).map_err(failed(subject))?);
        let key = KeyPair::generate().map_err(failed(subject))?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let certificate = params.signed_by(&key, &issuer).map_err(failed(subject))?;
        Ok(Credential { certificate: certificate.pem(), key: key.serialize_pem() })
    }
}

/// The authority's own data, the same for each run; its key is not.
fn authority() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = name("authority of a cluster for tests", None);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn name(common_name: &str, organization: Option<&str>) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    if let Some(organization) = organization {
        name.push(DnType::OrganizationName, organization);
    }
    name
}

/// A new key, and the same as a PEM text.
fn rsa_key(what: &str) -> Result<(PrivateKey, String)> {
    let unusable = |reason: &dyn std::fmt::Display| Error::Format { what: what.to_owned(), reason: reason.to_string() };
    let key = PrivateKey::new(&mut rand::rng(), RSA_BITS).map_err(|e| unusable(&e))?;
    let pem = key.to_pkcs8_pem(LineEnding::LF).map_err(|e| unusable(&e))?.to_string();
    Ok((key, pem))
}

fn failed(subject: &str) -> impl FnOnce(rcgen::Error) -> Error {
    let subject = subject.to_owned();
    move |source| Error::Certificate { subject, source }
}

/// Writes a file that only its owner may read.
pub(crate) fn write(path: &Path, text: &str) -> Result<()> {
    // Tests that run side by side write the same kubeconfig, and none may read half of another's.
    let folder = path.parent().unwrap_or(Path::new("."));
    let failed = |error: std::io::Error| Error::file("write", path)(error);
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    file.persist(path).map(drop).map_err(|error| failed(error.error))
}
