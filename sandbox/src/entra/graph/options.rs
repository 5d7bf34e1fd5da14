//! The query options of a request, and what of them the addressed service supports
//! (<https://learn.microsoft.com/en-us/graph/query-parameters>,
//! <https://learn.microsoft.com/en-us/graph/aad-advanced-queries>).

use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::error::GraphError;
use super::filter::Filter;
use super::kind::Kind;
use super::matching::{exists, first};

/// Items of a page unless asked otherwise, and at most.
const PAGE: usize = 100;
const LARGEST_PAGE: usize = 999;

/// The same of the logs (<https://learn.microsoft.com/en-us/graph/api/signin-list>); of provisioning's it is inferred.
const LOG_PAGE: usize = 1000;

/// The most alternatives of a filter that is no advanced query.
const MOST_ALTERNATIVES: usize = 15;

/// The query options of a request.
#[derive(Debug, Clone, Default)]
pub struct Options {
    pub select: Option<Vec<String>>,
    pub filter: Option<Filter>,
    /// A property, and whether it descends.
    pub order: Option<(String, bool)>,
    pub top: Option<usize>,
    pub count: bool,
    /// Where a page begins.
    pub skip: usize,
    /// The header `ConsistencyLevel: eventual`.
    pub is_eventual: bool,
    /// As they were written, to be repeated in a link to the next page.
    written: Vec<(String, String)>,
}

impl Options {
    /// Reads the options of a request.
    pub fn parse(query: &str, headers: &HeaderMap) -> Result<Self, GraphError> {
        let level = headers.get("consistencylevel").and_then(|it| it.to_str().ok());
        let is_eventual = level.is_some_and(|it| it.eq_ignore_ascii_case("eventual"));
        let mut options = Self { is_eventual, ..Self::default() };
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()).into_owned() {
            // The dollar may be left out.
            match name.trim_start_matches('$').to_lowercase().as_str() {
                "select" => options.select = Some(value.split(',').map(|it| it.trim().to_owned()).collect()),
                "filter" => options.filter = Some(Filter::parse(&value)?),
                "orderby" => {
                    let (path, way) = value.trim().split_once(' ').unwrap_or((value.trim(), "asc"));
                    options.order = Some((path.to_owned(), way.trim() == "desc"));
                }
                "top" => options.top = Some(value.parse().map_err(|_| top(&value))?),
                "count" => options.count = value == "true",
                "skiptoken" => options.skip = token(&value)?,
                "skip" => return Err(GraphError::directory("'$skip' is not supported by the service.")),
                "search" | "expand" => {
                    return Err(GraphError::unsupported(format!("'{name}' is not supported by the sandbox.")));
                }
                // Options of the client's own are ignored.
                _ => continue,
            }
            options.written.push((name, value));
        }
        Ok(options)
    }

    /// Refuses what the type or its service cannot do. A relation (members, owners) can do less than a set.
    pub fn check(&self, kind: &Kind, is_relation: bool) -> Result<(), GraphError> {
        for name in self.select.iter().flatten() {
            if kind.property(first(name)).is_none() {
                let text = format!(
                    "Parsing OData Select and Expand failed: Could not find a property named '{name}' on type \
                     'microsoft.graph.{}'.",
                    kind.name
                );
                return Err(GraphError::bad(text));
            }
        }
        let is_advanced = self.is_eventual && self.count;
        if let Some(filter) = &self.filter {
            check_filter(filter, kind, is_relation, is_advanced)?;
        }
        if let Some((path, _)) = &self.order {
            if !exists(kind, path) {
                let text = format!("Could not find a property named '{path}' on type 'microsoft.graph.{}'.", kind.name);
                return Err(GraphError::bad(text));
            }
            if kind.is_directory && !is_advanced && (self.filter.is_some() || is_relation) {
                return Err(GraphError::unsupported("Sorting not supported for current query."));
            }
        }
        if kind.is_directory && self.top.is_some_and(|it| !(1..=LARGEST_PAGE).contains(&it)) {
            return Err(top(&self.top.unwrap_or_default().to_string()));
        }
        Ok(())
    }

    /// How many items of this type a page has.
    pub fn page(&self, kind: &Kind) -> usize {
        let is_log = matches!(kind.name, "signIn" | "provisioningObjectSummary");
        if is_log { self.top.unwrap_or(LOG_PAGE).min(LOG_PAGE) } else { self.top.unwrap_or(PAGE) }
    }

    /// The query of the page that begins there.
    pub fn next(&self, skip: usize) -> String {
        let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let kept = self.written.iter().filter(|(name, _)| !name.ends_with("skiptoken"));
        let mut options: Vec<String> = kept.map(|(name, value)| format!("{name}={}", encode(value))).collect();
        options.push(format!("$skiptoken={}", URL_SAFE_NO_PAD.encode(format!("{SKIP}{skip}"))));
        options.join("&")
    }
}

fn check_filter(filter: &Filter, kind: &Kind, is_relation: bool, is_advanced: bool) -> Result<(), GraphError> {
    for path in filter.paths() {
        if !exists(kind, path) {
            let text = format!(
                "Invalid filter clause: Could not find a property named '{path}' on type 'microsoft.graph.{}'.",
                kind.name
            );
            return Err(GraphError::bad(text));
        }
    }
    let unsupported = |path: &str| {
        let title = kind.title();
        let text = format!(
            "Unsupported or invalid query filter clause specified for property '{path}' of resource '{title}'."
        );
        GraphError::unsupported(text)
    };
    if let Some(path) = filter.paths().into_iter().find(|it| !kind.filters_by(first(it))) {
        return Err(unsupported(path));
    }
    if !kind.is_directory || is_advanced {
        return Ok(());
    }
    if is_relation {
        let text = "The specified filter to the reference property query is currently not supported.";
        return Err(GraphError::unsupported(text));
    }
    if let Some(path) = filter.advanced() {
        return Err(unsupported(path));
    }
    let alternatives = filter.alternatives();
    if alternatives > MOST_ALTERNATIVES {
        let text = format!(
            "Too many child clauses specified in search filter expression containing 'OR' operators: {alternatives}. \
             Max allowed: {MOST_ALTERNATIVES}."
        );
        return Err(GraphError::unsupported(text));
    }
    Ok(())
}

/// What a token begins with: it is nobody's business but the server's.
const SKIP: &str = "RFNwdAIAAQ/";

fn token(value: &str) -> Result<usize, GraphError> {
    let decoded = URL_SAFE_NO_PAD.decode(value).ok().and_then(|it| String::from_utf8(it).ok());
    let skip = decoded.and_then(|it| it.strip_prefix(SKIP)?.parse().ok());
    skip.ok_or_else(|| GraphError::directory("Invalid skip token."))
}

fn top(value: &str) -> GraphError {
    GraphError::unsupported(format!(
        "Invalid page size specified: '{value}'. Must be between 1 and {LARGEST_PAGE} inclusive."
    ))
}
