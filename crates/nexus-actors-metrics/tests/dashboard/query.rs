//! As much of PromQL as the dashboard needs.

/// A part of a query.
#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    /// What stands in brackets.
    Range(String),
    Mark(char),
}

/// A metric that a query reads.
#[derive(Clone, Debug)]
pub(crate) struct Selector {
    pub(crate) name: String,
    /// Labels, with what they are compared to.
    pub(crate) matchers: Vec<(String, String)>,
    /// Whether its values over a time are read.
    pub(crate) ranged: bool,
    /// The functions and aggregations around it, from the outermost to the one that reads it.
    pub(crate) within: Vec<String>,
}

/// A query: what it reads, and which labels it keeps.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query {
    pub(crate) selectors: Vec<Selector>,
    /// The labels of each `by`.
    pub(crate) kept: Vec<String>,
}

impl Query {
    /// Reads a query, or says why that is impossible.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let tokens = tokens(text)?;
        let mut query = Self::default();
        let mut within: Vec<String> = Vec::new();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            match token {
                Token::Word(word) if word == "by" => {
                    let labels = words_until(&tokens[at + 1..], ')');
                    query.kept.extend(labels.iter().cloned());
                    at += 1 + closed(&tokens[at + 1..], ')')?;
                }
                Token::Word(word) if word.starts_with("nexus_") => {
                    let rest = &tokens[at + 1..];
                    let matchers = match rest.first() {
                        Some(Token::Mark('{')) => matchers(&rest[..=closed(rest, '}')?]),
                        _ => Vec::new(),
                    };
                    let after = match rest.first() {
                        Some(Token::Mark('{')) => closed(rest, '}')? + 1,
                        _ => 0,
                    };
                    query.selectors.push(Selector {
                        name: word.clone(),
                        matchers,
                        ranged: matches!(rest.get(after), Some(Token::Range(_))),
                        within: within.clone(),
                    });
                    at += after;
                }
                Token::Mark('(') => within.push(function_before(&tokens[..at])),
                Token::Mark(')') => {
                    within.pop().ok_or("a parenthesis too many")?;
                }
                _ => {}
            }
            at += 1;
        }
        match within.is_empty() {
            true => Ok(query),
            false => Err("a parenthesis is missing".to_owned()),
        }
    }

    pub(crate) fn uses(&self, function: &str) -> bool {
        let mut all = self.selectors.iter().flat_map(|one| &one.within);
        all.any(|name| name == function)
    }
}

/// The name of the function or aggregation whose parenthesis comes next.
fn function_before(tokens: &[Token]) -> String {
    match tokens {
        [.., Token::Word(word)] => word.clone(),
        // sum by (worker) (...
        [before @ .., Token::Mark(')')] => {
            let by = before
                .iter()
                .rposition(|token| *token == Token::Word("by".to_owned()));
            by.map_or_else(String::new, |by| function_before(&tokens[..by]))
        }
        _ => String::new(),
    }
}

/// Where that mark comes first.
fn closed(tokens: &[Token], mark: char) -> Result<usize, String> {
    let found = tokens.iter().position(|token| *token == Token::Mark(mark));
    found.ok_or_else(|| format!("{mark} is missing"))
}

fn words_until(tokens: &[Token], mark: char) -> Vec<String> {
    let these = tokens
        .iter()
        .take_while(|token| **token != Token::Mark(mark));
    these
        .filter_map(|token| match token {
            Token::Word(word) => Some(word.clone()),
            _ => None,
        })
        .collect()
}

fn matchers(tokens: &[Token]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut label = None;
    for token in tokens {
        match token {
            Token::Word(word) => label = Some(word.clone()),
            Token::Text(text) => found.extend(label.take().map(|label| (label, text.clone()))),
            _ => {}
        }
    }
    found
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let in_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':' || c == '.';
        let enclosed = |end: char| {
            let length = rest[1..].find(end);
            length.ok_or_else(|| format!("{end} is missing"))
        };
        let length = match first {
            '"' => {
                let length = enclosed('"')?;
                found.push(Token::Text(rest[1..=length].to_owned()));
                length + 2
            }
            '[' => {
                let length = enclosed(']')?;
                found.push(Token::Range(rest[1..=length].to_owned()));
                length + 2
            }
            _ if in_word(first) => {
                let length = rest.find(|c| !in_word(c)).unwrap_or(rest.len());
                found.push(Token::Word(rest[..length].to_owned()));
                length
            }
            _ => {
                if !first.is_whitespace() {
                    found.push(Token::Mark(first));
                }
                first.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    Ok(found)
}
