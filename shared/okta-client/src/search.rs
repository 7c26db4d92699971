//! Expressions for Okta's `search` parameter.

/// `property eq "value"`; `value` is escaped.
pub fn eq(property: &str, value: &str) -> String {
    test(property, "eq", value)
}

/// `property sw "value"`: starts with; `value` is escaped.
pub fn sw(property: &str, value: &str) -> String {
    test(property, "sw", value)
}

/// `property co "value"`: contains; `value` is escaped. Okta knows it for names
/// and descriptions of groups only.
pub fn co(property: &str, value: &str) -> String {
    test(property, "co", value)
}

/// The expressions joined by `or`.
pub fn any(expressions: &[String]) -> String {
    expressions.join(" or ")
}

fn test(property: &str, operator: &str, value: &str) -> String {
    let escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
    format!("{property} {operator} \"{escaped}\"")
}

#[cfg(test)]
mod tests {
    #[test]
    fn dlg_03_values_cannot_add_conditions() {
        let hostile = r#"x" or profile.name sw ""#;
        assert_eq!(super::eq("profile.name", hostile), r#"profile.name eq "x\" or profile.name sw \"""#);
    }
}
