//! Okta's `search` and `filter` expressions (a subset of SCIM filters).
//!
//! `eq gt ge lt le sw co pr`, `and`, `or`, parentheses. Property names are
//! case-sensitive; string values are in a `filter` of users and not in a
//! `search` (listUsers, listGroups); `and` binds tighter than `or` (RFC 7644,
//! 3.4.2.2). `ne` and `ew` are refused, as Okta's reference says of users.

use std::borrow::Cow;

use serde_json::Value;

use crate::error::OktaError;

/// A parsed expression.
#[derive(Debug)]
pub(crate) enum Filter {
    And(Box<Filter>, Box<Filter>),
    Or(Box<Filter>, Box<Filter>),
    Test { path: String, operator: Operator, value: String },
}

/// Comparison of one property.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Operator {
    Equals,
    StartsWith,
    Contains,
    Present,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

/// Whether upper and lower case of values are the same.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Case {
    Sensitive,
    Insensitive,
}

/// Something with properties, so that a search need not render what it skips.
pub(crate) trait Properties {
    /// The property at a dotted path.
    fn property(&self, path: &str) -> Option<Cow<'_, Value>>;
}

impl Properties for Value {
    fn property(&self, path: &str) -> Option<Cow<'_, Value>> {
        path.split('.').try_fold(self, |at, key| at.get(key)).map(Cow::Borrowed)
    }
}

impl Filter {
    /// Reads an expression.
    pub(crate) fn parse(text: &str) -> Result<Self, OktaError> {
        let mut tokens = tokens(text)?.into_iter().peekable();
        let filter = or(&mut tokens)?;
        match tokens.next() {
            None => Ok(filter),
            Some(extra) => Err(OktaError::invalid_search(format!("unexpected {extra:?}"))),
        }
    }

    /// Whether `object` fulfils the expression; a property that is an array
    /// does if any element does.
    pub(crate) fn matches(&self, object: &impl Properties, case: Case) -> bool {
        match self {
            Filter::And(left, right) => left.matches(object, case) && right.matches(object, case),
            Filter::Or(left, right) => left.matches(object, case) || right.matches(object, case),
            Filter::Test { path, operator, value } => match object.property(path).as_deref() {
                None | Some(Value::Null) => false,
                Some(Value::Array(elements)) => elements.iter().any(|e| operator.holds(e, value, case)),
                Some(one) => operator.holds(one, value, case),
            },
        }
    }

    /// The value, if the expression is only `path eq "value"`.
    pub(crate) fn single(&self, path: &str) -> Option<&str> {
        match self {
            Filter::Test { path: tested, operator: Operator::Equals, value } if tested == path => Some(value),
            _ => None,
        }
    }

    /// The properties that the expression names, with their operators.
    pub(crate) fn tests(&self) -> Vec<(&str, Operator)> {
        match self {
            Filter::And(left, right) | Filter::Or(left, right) => {
                left.tests().into_iter().chain(right.tests()).collect()
            }
            Filter::Test { path, operator, .. } => vec![(path, *operator)],
        }
    }
}

impl Operator {
    fn holds(self, actual: &Value, expected: &str, case: Case) -> bool {
        let actual: Cow<'_, str> = match actual {
            Value::String(text) => text.into(),
            other => other.to_string().into(),
        };
        match case {
            Case::Sensitive => self.compares(actual.chars(), expected.chars()),
            Case::Insensitive => self.compares(folded(&actual), folded(expected)),
        }
    }

    /// Character by character: a search that looks at every user of a large
    /// org has no time for a string each.
    fn compares(
        self,
        mut actual: impl Iterator<Item = char>,
        mut expected: impl Iterator<Item = char>,
    ) -> bool {
        match self {
            Operator::Equals => actual.eq(expected),
            Operator::StartsWith => expected.all(|c| actual.next() == Some(c)),
            Operator::Contains => actual.collect::<String>().contains(&expected.collect::<String>()),
            Operator::Present => true,
            Operator::Greater => actual.gt(expected),
            Operator::GreaterOrEqual => actual.ge(expected),
            Operator::Less => actual.lt(expected),
            Operator::LessOrEqual => actual.le(expected),
        }
    }
}

fn folded(text: &str) -> impl Iterator<Item = char> {
    text.chars().flat_map(char::to_lowercase)
}

#[derive(Debug, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Open,
    Close,
}

type Tokens = std::iter::Peekable<std::vec::IntoIter<Token>>;

fn tokens(text: &str) -> Result<Vec<Token>, OktaError> {
    let mut tokens = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            c if c.is_whitespace() => {}
            '(' => tokens.push(Token::Open),
            ')' => tokens.push(Token::Close),
            '"' => {
                let mut value = String::new();
                loop {
                    match chars.next() {
                        Some('"') => break,
                        Some('\\') => value.extend(chars.next()),
                        Some(c) => value.push(c),
                        None => return Err(OktaError::invalid_search("a string is not closed")),
                    }
                }
                tokens.push(Token::Text(value));
            }
            c => {
                let mut word = String::from(c);
                while let Some(&next) = chars.peek() {
                    if next.is_whitespace() || "()\"".contains(next) {
                        break;
                    }
                    word.push(next);
                    chars.next();
                }
                tokens.push(Token::Word(word));
            }
        }
    }
    Ok(tokens)
}

fn or(tokens: &mut Tokens) -> Result<Filter, OktaError> {
    let mut left = and(tokens)?;
    while tokens.next_if(|t| matches!(t, Token::Word(w) if w.eq_ignore_ascii_case("or"))).is_some() {
        left = Filter::Or(Box::new(left), Box::new(and(tokens)?));
    }
    Ok(left)
}

fn and(tokens: &mut Tokens) -> Result<Filter, OktaError> {
    let mut left = atom(tokens)?;
    while tokens.next_if(|t| matches!(t, Token::Word(w) if w.eq_ignore_ascii_case("and"))).is_some() {
        left = Filter::And(Box::new(left), Box::new(atom(tokens)?));
    }
    Ok(left)
}

fn atom(tokens: &mut Tokens) -> Result<Filter, OktaError> {
    let path = match tokens.next() {
        Some(Token::Open) => {
            let inner = or(tokens)?;
            return match tokens.next() {
                Some(Token::Close) => Ok(inner),
                _ => Err(OktaError::invalid_search("a parenthesis is not closed")),
            };
        }
        Some(Token::Word(path)) => path,
        other => return Err(OktaError::invalid_search(format!("expected a property, found {other:?}"))),
    };
    let operator = match tokens.next() {
        Some(Token::Word(word)) => match word.to_ascii_lowercase().as_str() {
            "eq" => Operator::Equals,
            "sw" => Operator::StartsWith,
            "co" => Operator::Contains,
            "gt" => Operator::Greater,
            "ge" => Operator::GreaterOrEqual,
            "lt" => Operator::Less,
            "le" => Operator::LessOrEqual,
            "pr" => return Ok(Filter::Test { path, operator: Operator::Present, value: String::new() }),
            _ => return Err(OktaError::invalid_search(format!("operator {word} is not supported"))),
        },
        other => return Err(OktaError::invalid_search(format!("expected an operator, found {other:?}"))),
    };
    match tokens.next() {
        Some(Token::Text(value) | Token::Word(value)) => Ok(Filter::Test { path, operator, value }),
        other => Err(OktaError::invalid_search(format!("expected a value, found {other:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn expressions() {
        let group = json!({"type": "OKTA_GROUP", "profile": {"name": "ADMINS_acme", "tags": ["a", "b"]}});
        for (text, expected) in [
            (r#"profile.name eq "admins_ACME""#, true),
            (r#"profile.name eq "ADMINS_acm""#, false),
            (r#"profile.name sw "ADMINS_""#, true),
            (r#"profile.name co "ac""#, true),
            (r#"profile.tags eq "b""#, true),
            (r#"profile.name gt "ADMINS_acm" and profile.name le "admins_acme""#, true),
            (r#"profile.Name eq "ADMINS_acme""#, false),
            (r#"profile.name eq "x" or type eq "OKTA_GROUP""#, true),
            (r#"profile.name eq "x" or type eq "OKTA_GROUP" and profile.name eq "y""#, false),
            (r#"(profile.name eq "x" or type eq "OKTA_GROUP") and profile.name pr"#, true),
        ] {
            assert_eq!(Filter::parse(text).unwrap().matches(&group, Case::Insensitive), expected, "{text}");
        }
        for bad in
            ["", "profile.name", "profile.name eq", r#"profile.name eq "x"#, "(a eq b", "a ne b", "a eq b c"]
        {
            assert!(Filter::parse(bad).is_err(), "{bad}");
        }
    }
}
