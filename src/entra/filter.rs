//! Conditions of OData, as Microsoft Graph takes them (<https://learn.microsoft.com/graph/filter-query-parameter>).

/// The most values that one `in` may have (<https://developer.microsoft.com/graph/known-issues/?search=13635>).
pub const MOST_IN: usize = 15;
/// The most characters that an `eq` may compare, by the same page.
pub const LONGEST_EQ: usize = 120;

/// `property` is this.
pub fn equals(property: &str, value: &str) -> String {
    format!("{property} eq {}", quoted(value))
}

/// `property` is one of these.
pub fn is_in(property: &str, values: &[&str]) -> String {
    let values: Vec<String> = values.iter().map(|value| quoted(value)).collect();
    format!("{property} in ({})", values.join(","))
}

/// A quote within is doubled, or what follows would be taken for a part of the condition.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_does_not_end_a_value() {
        assert_eq!(equals("displayName", "O'Neil's"), "displayName eq 'O''Neil''s'");
        assert_eq!(equals("displayName", "' or true or '"), "displayName eq ''' or true or '''");
        assert_eq!(is_in("mail", &["a@x.example", "o'b@x.example"]), "mail in ('a@x.example','o''b@x.example')");
    }
}
