//! Who approves: by what name, with what right, and whether they really want to.

use std::io::{BufRead, IsTerminal as _, Write};

use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec};
use kube::api::PostParams;
use kube::{Api, ResourceExt as _};

use super::Stop;
use super::cluster::Cluster;
use super::document::Planning;
use super::style::plain;
use crate::api::GROUP;

/// One's own user name, by the server's word: what `kubectl auth whoami` shows.
pub async fn whoami(cluster: &Cluster) -> Result<String, Stop> {
    let api: Api<SelfSubjectReview> = Api::all(cluster.client.clone());
    let review = api
        .create(&PostParams::default(), &SelfSubjectReview::default())
        .await
        .map_err(|e| Stop::kubernetes("ask the API server for your user name", &e))?;
    review.status.and_then(|s| s.user_info).and_then(|u| u.username).ok_or_else(|| {
        Stop::failed("The API server did not say who you are (`kubectl auth whoami`), so no approval can name you.")
    })
}

/// Refuses who may not approve, before they are asked and anything is written.
pub async fn require_right<R: Planning>(cluster: &Cluster, object: &R, approver: &str) -> Result<(), Stop> {
    let attributes = ResourceAttributes {
        group: Some(GROUP.to_owned()),
        resource: Some(R::PLURAL.to_owned()),
        name: Some(object.name_any()),
        namespace: Some(cluster.namespace.clone()),
        verb: Some("approve".to_owned()),
        ..ResourceAttributes::default()
    };
    let spec = SelfSubjectAccessReviewSpec { resource_attributes: Some(attributes), ..Default::default() };
    let api: Api<SelfSubjectAccessReview> = Api::all(cluster.client.clone());
    let review = api
        .create(&PostParams::default(), &SelfSubjectAccessReview { spec, ..Default::default() })
        .await
        .map_err(|e| Stop::kubernetes("ask the API server what you may do", &e))?;
    if review.status.is_some_and(|s| s.allowed) {
        return Ok(());
    }
    Err(Stop::refused(format!(
        "Not approved: \"{approver}\" may not approve {}. The verb approve on {} in API group {GROUP} is needed: ask whoever gives out rights in this namespace, or have somebody approve who has it.",
        object.called(),
        R::PLURAL
    )))
}

/// Asks, and refuses without a clear yes.
pub fn confirm(approver: &str) -> Result<(), Stop> {
    if !std::io::stdin().is_terminal() {
        return Err(Stop::refused(
            "Not approved: there is no terminal to ask on. Give --yes if you have looked at the plan.",
        ));
    }
    let question = format!("Approve this plan as {}? [y/N] ", plain(approver));
    if agrees(&question, &mut std::io::stdin().lock(), &mut std::io::stderr()) {
        Ok(())
    } else {
        Err(Stop::refused("Not approved. Nothing was changed."))
    }
}

/// Whether the answer is a clear yes; anything else, the end of input included, is a no.
fn agrees(question: &str, input: &mut impl BufRead, output: &mut impl Write) -> bool {
    let mut answer = String::new();
    let asked = write!(output, "{question}").and_then(|()| output.flush()).and_then(|()| input.read_line(&mut answer));
    asked.is_ok() && ["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clear_yes_is_one() {
        let answer = |text: &str| {
            let mut shown = Vec::new();
            let agreed = agrees("Approve? ", &mut text.as_bytes(), &mut shown);
            assert_eq!(shown, b"Approve? ");
            agreed
        };
        assert!(answer("y\n") && answer("Yes\n") && answer(" y \n"));
        for text in ["", "\n", "n\n", "yy\n", "approve\n", "no y\n"] {
            assert!(!answer(text), "{text:?}");
        }
    }
}
