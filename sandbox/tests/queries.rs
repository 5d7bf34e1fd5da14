//! Query options of Graph: pages, filters, counts, advanced queries and batches.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use serde_json::{Value, json};
use support::entra::{Graph, refusal, values};
use support::{contoso, world};

async fn follow(graph: &Graph, path: &str) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut next = Some(format!("{}/v1.0{path}", graph.base));
    while let Some(url) = next {
        assert!(url.starts_with(&graph.base), "{url}");
        let request = graph.client.get(&url).bearer_auth(&graph.token).header("ConsistencyLevel", "eventual");
        let answer = support::answer(request).await.unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.body["@odata.count"].is_null(), !path.contains("$count") || !pages.is_empty());
        pages.push(values(&answer.body, "displayName"));
        next = answer.body["@odata.nextLink"].as_str().map(str::to_owned);
    }
    pages
}

#[tokio::test]
async fn a_long_list_comes_in_pages() {
    let generated = sandbox::generate(7, sandbox::Sizes { users: 260, groups: 8, vaults: 1, entries: 1 });
    let world = world(&generated.to_yaml().unwrap()).await;
    let graph = world.graph().await;
    let whole = follow(&graph, "/users?$top=999&$count=true").await;
    let all = whole.concat();
    assert_eq!((whole.len(), all.len() > 250), (1, true));
    let pages = |size| all.chunks(size).map(<[String]>::to_vec).collect::<Vec<_>>();
    assert_eq!(follow(&graph, "/users").await, pages(100));
    assert_eq!(follow(&graph, "/users?$top=90&$select=displayName&$count=true").await, pages(90));
    let pages = follow(&graph, "/users?$filter=startsWith(displayName,'A')&$top=5").await;
    let expected: Vec<String> = all.iter().filter(|it| it.starts_with('A')).cloned().collect();
    assert_eq!((pages[0].len(), pages.concat()), (5, expected));
    let group = graph.all("/groups?$filter=displayName eq 'Devolutions users'", "id").await.remove(0);
    let members = follow(&graph, &format!("/groups/{group}/members?$top=100")).await;
    assert!(members.len() >= 3 && members[0].len() == 100);
    for (top, word) in [("1000", "'1000'"), ("0", "'0'"), ("x", "'x'")] {
        let (code, message) = graph.refused(400, &format!("/users?$top={top}")).await;
        assert_eq!(code, "Request_UnsupportedQuery");
        assert!(message.contains(word), "{message}");
    }
    graph.refused(400, "/users?$skiptoken=nonsense").await;
    assert_eq!(graph.refused(400, "/users?$skip=10").await.0, "Request_BadRequest");
}

#[tokio::test]
async fn filters_find_what_they_say() {
    let world = contoso().await;
    let graph = world.graph().await;
    let select = "&$select=displayName,userPrincipalName";
    for (filter, expected) in [
        ("displayName eq 'adam admin'", vec!["Adam Admin"]),
        ("mail eq 'DAVE@contoso.example'", vec!["Dave Diaz"]),
        ("userPrincipalName eq 'dave@contoso.example'", vec![]),
        ("accountEnabled eq false", vec!["Frank Fox"]),
        ("userType eq 'Guest' and accountEnabled eq true", vec!["Grace Green"]),
        ("mail in ('erin@contoso.example','bob@contoso.example')", vec!["Bob Baker", "Erin Evans"]),
        ("startsWith(userPrincipalName,'grace_partner.example%23EXT')", vec!["Grace Green"]),
        (
            "(surname eq 'Ito' or surname eq 'Hill') and createdDateTime lt 2023-01-09T00:00:00Z",
            vec!["Heidi Hill", "Ivan Ito"],
        ),
        ("proxyAddresses/any(p:p eq 'smtp:dave@contoso.example')", vec!["Dave Diaz"]),
    ] {
        assert_eq!(graph.all(&format!("/users?$filter={filter}{select}"), "displayName").await, expected, "{filter}");
    }
    let groups = graph.all("/groups?$filter=displayName eq 'vault-operators'", "id").await;
    assert_eq!(groups, ["5d0f3b1e-8a5c-4c1e-9d57-3f2b6a7c9e04"]);
    assert_eq!(graph.all("/groups?$filter=securityEnabled eq false", "displayName").await, ["Town hall"]);
}

#[tokio::test]
async fn filters_that_graph_does_not_understand_are_refused() {
    let world = contoso().await;
    let graph = world.graph().await;
    let many = |count: usize| {
        let names: Vec<String> = (0..count).map(|it| format!("'u{it}@contoso.example'")).collect();
        format!("userPrincipalName in ({})", names.join(","))
    };
    let (fifteen, sixteen) = (many(15), many(16));
    let ored = (0..16).map(|it| format!("displayName eq 'u{it}'")).collect::<Vec<_>>().join(" or ");
    for (filter, code, word) in [
        ("nonsense eq 'x'", "BadRequest", "Could not find a property named 'nonsense' on type 'microsoft.graph.user'"),
        ("displayName like 'x'", "BadRequest", "Syntax error at position"),
        ("displayName eq 'x", "BadRequest", "Syntax error at position"),
        ("contains(displayName,'x')", "BadRequest", "unknown function"),
        ("usageLocation eq 'DE'", "Request_UnsupportedQuery", "property 'usageLocation' of resource 'User'"),
        ("accountEnabled ne true", "Request_UnsupportedQuery", "property 'accountEnabled' of resource 'User'"),
        ("not startsWith(displayName,'A')", "Request_UnsupportedQuery", "property 'displayName'"),
        (&sixteen, "Request_UnsupportedQuery", "'OR' operators: 16. Max allowed: 15."),
        (&ored, "Request_UnsupportedQuery", "'OR' operators: 16. Max allowed: 15."),
    ] {
        let (found, message) = graph.refused(400, &format!("/users?$filter={filter}")).await;
        assert_eq!(found, code, "{filter}");
        assert!(message.contains(word), "{filter}: {message}");
    }
    graph.get(&format!("/users?$filter={fifteen}")).await;
    let (code, message) = graph.refused(400, "/users?$select=id,nonsense").await;
    assert_eq!(code, "BadRequest");
    assert!(message.contains("Could not find a property named 'nonsense'"), "{message}");
}

#[tokio::test]
async fn advanced_queries_need_their_header_and_the_count() {
    let world = contoso().await;
    let graph = world.graph().await;
    let group = graph.all("/groups?$filter=displayName eq 'Devolutions users'", "id").await.remove(0);
    let members = format!("/groups/{group}/members");
    let ordered = "/users?$orderby=displayName desc&$filter=userType eq 'Guest'&$count=true";
    for path in [
        "/users?$filter=accountEnabled ne true&$count=true",
        "/users?$filter=not(accountEnabled eq true)&$count=true",
        ordered,
        &format!("{members}?$filter=displayName eq 'Bob Baker'&$count=true"),
        &format!("{members}/microsoft.graph.user?$count=true&$select=id,accountEnabled"),
        &format!("{members}/microsoft.graph.user?$count=true&$filter=accountEnabled eq false&$orderby=displayName"),
    ] {
        assert_eq!(graph.refused(400, path).await.0, "Request_UnsupportedQuery", "{path}");
        let without = graph.eventual(&path.replace("&$count=true", "").replace("$count=true&", "")).await;
        if !path.contains("$select=id,accountEnabled") {
            assert_eq!(
                (without.status.as_u16(), refusal(&without).0.as_str()),
                (400, "Request_UnsupportedQuery"),
                "{path}"
            );
        }
        let answer = graph.eventual(path).await;
        let list = answer.body["value"].as_array().unwrap_or_else(|| panic!("{path}: {answer:?}"));
        assert_eq!(answer.body["@odata.count"], list.len(), "{path}");
        assert!(!list.is_empty(), "{path}");
    }
    for path in ["/users/$count", "/groups/$count", &format!("{members}/$count")] {
        let refused = graph.refused(400, path).await;
        assert_eq!(refused, ("Request_BadRequest".to_owned(), "$count is not currently supported.".to_owned()));
        assert!(graph.eventual(path).await.body.as_u64().unwrap() > 0);
    }
    // Without the header a count that is only wished for is left out.
    assert_eq!(graph.get("/users?$count=true").await["@odata.count"], Value::Null);
    let names = graph.all("/users?$orderby=displayName desc&$select=displayName", "displayName").await;
    assert!(names.is_sorted_by(|a, b| a >= b), "{names:?}");
}

#[tokio::test]
async fn things_are_got_by_ids() {
    let world = contoso().await;
    let user = world.graph().await.get("/users/bob@contoso.example").await["id"].clone();
    let group = "5d0f3b1e-8a5c-4c1e-9d57-3f2b6a7c9e02";
    let body = json!({"ids": [user, group, "00000000-0000-4000-8000-000000000000"], "types": ["user", "group"]});
    let refused = world.graph().await.post("/directoryObjects/getByIds", body.clone()).await;
    assert_eq!(refused.status, 403);
    let graph = world.graph_as(&["Directory.Read.All"]).await;
    let found = graph.post("/directoryObjects/getByIds", body).await.body;
    assert_eq!(values(&found, "displayName"), ["Bob Baker", "SG-Helpdesk"]);
    assert_eq!(values(&found, "@odata.type"), ["#microsoft.graph.user", "#microsoft.graph.group"]);
    let only = json!({"ids": [user, group], "types": ["group"]});
    assert_eq!(values(&graph.post("/directoryObjects/getByIds", only).await.body, "displayName"), ["SG-Helpdesk"]);
}

#[tokio::test]
async fn a_batch_answers_each_request_of_its_own() {
    let world = contoso().await;
    let graph = world.graph_as(&["User.Read.All"]).await;
    let request = |id: &str, url: &str| json!({"id": id, "method": "GET", "url": url});
    let mut last = request("5", "/users/$count");
    last["headers"] = json!({"ConsistencyLevel": "eventual"});
    let mut dependent = request("4", "/users");
    dependent["dependsOn"] = json!(["2"]);
    let requests = [
        request("1", "/users/bob@contoso.example?$select=displayName"),
        request("2", "/users/nobody"),
        request("3", "auditLogs/signIns"),
        dependent,
        last,
    ];
    let answer = graph.post("/$batch", json!({"requests": requests})).await;
    assert_eq!(answer.status, 200);
    let responses = answer.body["responses"].as_array().unwrap();
    let one = |id: &str| responses.iter().find(|it| it["id"] == id).unwrap();
    let status: Vec<&Value> = ["1", "2", "3", "4", "5"].iter().map(|id| &one(id)["status"]).collect();
    assert_eq!(status, [200, 404, 403, 424, 200]);
    assert_eq!(one("1")["body"]["displayName"], "Bob Baker");
    assert_eq!(one("2")["body"]["error"]["code"], "Request_ResourceNotFound");
    assert_eq!(one("5")["body"], 10);
    assert_ne!(responses[0]["id"], "1", "no order is promised");
    let many: Vec<Value> = (0..21).map(|it| request(&it.to_string(), "/users")).collect();
    for body in
        [json!({"requests": many}), json!({"requests": [request("1", "/users"), request("1", "/users")]}), json!({})]
    {
        let answer = graph.post("/$batch", body).await;
        assert_eq!((answer.status.as_u16(), refusal(&answer).0.as_str()), (400, "BadRequest"));
    }
}
