//! A certificate proves who we are.

use std::path::Path;

use operator::entra::{Certificate, Credential, Entra as _};
use operator::error::{Class, Failure};
use serde_json::json;
use testbed::pki::{Credential as Pair, Pki};
use url::Url;

use crate::stage::{APP, Stage};

fn certificate(certificate: &str, key: &str) -> Result<Certificate, Failure> {
    Certificate::from_pem(&certificate.into(), &key.into())
}

#[tokio::test]
async fn a_certificate_that_the_application_has_opens_the_tenant() {
    let stage = Stage::new("certificate").await;
    let ours = Pair::self_signed("operator").unwrap();
    let assertion = certificate(&ours.certificate, &ours.key).unwrap().speaks_for(
        stage.export("CLIENT_ID"),
        stage.export("TENANT_ID"),
        &Url::parse(stage.export("AUTHORITY_URL")).unwrap(),
    );
    let graph = stage.graph(Credential::Assertion(assertion));
    let (class, reason, message) = stage.told(graph.application(APP).await);
    assert_eq!((class, reason), (Class::Denied, "CertificateNotRegistered"));
    assert!(message.contains("AADSTS700027, trace ") && message.contains("Upload tls.crt"), "{message}");
    assert!(!message.contains("service account"), "{message}");

    let registered = json!({"certificate": ours.certificate});
    stage.sandbox.control_post("/certificates", &registered).await.unwrap();
    assert!(graph.application(APP).await.unwrap().is_some());
    stage.sandbox.stop().await.unwrap();
}

#[test]
fn what_cannot_be_used_is_refused_before_anything_is_sent() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("entra/elliptic");
    let elliptic = Pki::create(folder).unwrap().admin().unwrap();
    let (ours, other) = (Pair::self_signed("ours").unwrap(), Pair::self_signed("other").unwrap());
    let encrypted = ours.key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    for (public, key, says) in [
        (ours.key.as_str(), ours.key.as_str(), "tls.crt holds no certificate in PEM form"),
        (&ours.certificate, &ours.certificate, "tls.key holds no private key in PEM form that is not encrypted"),
        (&ours.certificate, &encrypted, "tls.key holds no private key in PEM form that is not encrypted"),
        (&elliptic.certificate, &elliptic.key, "tls.key holds no RSA key of 2048 to 8192 bits"),
        (&ours.certificate, &other.key, "tls.key is not the key of the first certificate in tls.crt"),
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            &ours.key,
            "tls.crt holds no X.509 certificate of version 3",
        ),
    ] {
        let failure = certificate(public, key).map(drop).unwrap_err();
        assert_eq!((failure.class, failure.reason), (Class::Invalid, "CertificateUnusable"));
        assert!(failure.message.contains(says) && !failure.message.contains("BEGIN"), "{failure}");
    }
    // A chain, as authorities give it: the first one counts.
    let chain = [ours.certificate.as_str(), &other.certificate].concat();
    assert!(certificate(&chain, &ours.key).is_ok());
}
