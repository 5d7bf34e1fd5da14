//! A browser at Entra's login host.

use std::collections::HashMap;

use super::World;
use super::entra::HUB;

pub const CALLBACK: &str = "https://sso.devolutions.example/callback/contoso";

/// What a browser got: where it was sent and with what, or a page.
#[derive(Debug)]
pub struct Seen {
    pub status: u16,
    pub back: Option<(String, HashMap<String, String>)>,
    pub page: String,
}

impl Seen {
    /// The number of the AADSTS code, wherever it is.
    pub fn number(&self) -> u64 {
        let text = match &self.back {
            Some((_, with)) => &with["error_description"],
            None => &self.page,
        };
        let at = text.find("AADSTS").unwrap_or_else(|| panic!("{self:?}")) + "AADSTS".len();
        text[at..].split(':').next().unwrap().parse().unwrap()
    }

    pub fn code(&self) -> String {
        let (to, with) = self.back.as_ref().unwrap_or_else(|| panic!("{self:?}"));
        assert_eq!((to.as_str(), with["state"].as_str()), (CALLBACK, "s t&te"));
        assert!(with.contains_key("session_state"));
        with["code"].clone()
    }
}

/// A browser that does not follow.
pub async fn visit(world: &World, parameters: &[(&str, &str)]) -> Seen {
    let usual = [
        ("client_id", HUB),
        ("response_type", "code"),
        ("redirect_uri", CALLBACK),
        ("scope", "openid profile email"),
        ("state", "s t&te"),
        ("nonce", "n-1"),
        ("login_hint", "dave.diaz@contoso.example"),
    ];
    let mut query: Vec<_> =
        usual.into_iter().filter(|(name, _)| !parameters.iter().any(|(it, _)| it == name)).collect();
    query.extend(parameters.iter().filter(|(_, value)| !value.is_empty()));
    let ca = reqwest::Certificate::from_pem(world.sandbox.ca.as_bytes()).unwrap();
    let browser = reqwest::Client::builder().tls_certs_only([ca]).redirect(reqwest::redirect::Policy::none());
    let entra = world.entra();
    let url = format!("{}/{}/oauth2/v2.0/authorize", entra.authority_url, entra.tenant_id);
    let response = browser.build().unwrap().get(url).query(&query).send().await.unwrap();
    let status = response.status().as_u16();
    let back = response.headers().get("location").map(|it| {
        let location = it.to_str().unwrap().replace('#', "?");
        let (to, with) = location.split_once('?').unwrap();
        (to.to_owned(), url::form_urlencoded::parse(with.as_bytes()).into_owned().collect())
    });
    Seen { status, back, page: response.text().await.unwrap() }
}
