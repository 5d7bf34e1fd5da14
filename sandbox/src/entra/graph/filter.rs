//! `$filter`: the part of OData's language that the directory understands
//! (<https://learn.microsoft.com/en-us/graph/filter-query-parameter>).

use super::error::GraphError;

/// A condition.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    Not(Box<Self>),
    Compare {
        path: String,
        operator: Operator,
        value: Literal,
    },
    In {
        path: String,
        values: Vec<Literal>,
    },
    StartsWith {
        path: String,
        text: String,
    },
    /// `path/any(x:x eq value)`.
    Any {
        path: String,
        value: Literal,
    },
}

/// How values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Eq,
    Ne,
    Gt,
    Ge,
    Lt,
    Le,
}

/// What a property is compared with.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    Null,
    Bool(bool),
    Text(String),
    /// A number, a time or a GUID: they are written without quotes.
    Bare(String),
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Open,
    Close,
    Comma,
    Colon,
    Word(String),
    Text(String),
}

impl Filter {
    /// Understands a filter.
    pub fn parse(text: &str) -> Result<Self, GraphError> {
        let mut parser = Parser { tokens: tokens(text)?, at: 0, text };
        let filter = parser.or()?;
        if parser.at < parser.tokens.len() { Err(parser.wrong()) } else { Ok(filter) }
    }

    /// How many alternatives there are in a row of `or`; an `in` is one of `eq`.
    pub fn alternatives(&self) -> usize {
        match self {
            Self::Or(one, other) => one.alternatives() + other.alternatives(),
            Self::In { values, .. } => values.len(),
            Self::And(one, other) => one.alternatives().max(other.alternatives()),
            Self::Not(inner) => inner.alternatives(),
            _ => 1,
        }
    }

    /// Whether only the index of advanced queries can answer it; then by which property.
    pub fn advanced(&self) -> Option<&str> {
        match self {
            Self::And(one, other) | Self::Or(one, other) => one.advanced().or_else(|| other.advanced()),
            Self::Not(inner) => inner.paths().into_iter().next(),
            Self::Compare { path, operator: Operator::Ne, .. } => Some(path),
            _ => None,
        }
    }

    /// The properties that it asks for.
    pub fn paths(&self) -> Vec<&str> {
        match self {
            Self::And(one, other) | Self::Or(one, other) => [one.paths(), other.paths()].concat(),
            Self::Not(inner) => inner.paths(),
            Self::Compare { path, .. }
            | Self::In { path, .. }
            | Self::StartsWith { path, .. }
            | Self::Any { path, .. } => vec![path],
        }
    }
}

struct Parser<'a> {
    tokens: Vec<(usize, Token)>,
    at: usize,
    text: &'a str,
}

fn syntax(at: usize, text: &str) -> GraphError {
    GraphError::bad(format!("Invalid filter clause: Syntax error at position {at} in '{text}'."))
}

fn tokens(text: &str) -> Result<Vec<(usize, Token)>, GraphError> {
    let mut tokens = Vec::new();
    let mut rest = text.char_indices().peekable();
    while let Some((at, letter)) = rest.next() {
        let token = match letter {
            ' ' => continue,
            '(' => Token::Open,
            ')' => Token::Close,
            ',' => Token::Comma,
            // A colon within a word is one of a time.
            ':' => Token::Colon,
            '\'' => {
                let mut value = String::new();
                loop {
                    match rest.next() {
                        // A quote is doubled within a text.
                        Some((_, '\'')) if rest.next_if(|(_, it)| *it == '\'').is_some() => value.push('\''),
                        Some((_, '\'')) => break Token::Text(value),
                        Some((_, letter)) => value.push(letter),
                        None => return Err(syntax(at, text)),
                    }
                }
            }
            first => {
                let mut word = String::from(first);
                let is_number = first.is_ascii_digit();
                while let Some((_, letter)) =
                    rest.next_if(|(_, it)| !" (),'".contains(*it) && (is_number || *it != ':'))
                {
                    word.push(letter);
                }
                Token::Word(word)
            }
        };
        tokens.push((at, token));
    }
    Ok(tokens)
}

impl Parser<'_> {
    fn wrong(&self) -> GraphError {
        let at = self.tokens.get(self.at).map_or(self.text.len(), |(at, _)| *at);
        syntax(at, self.text)
    }

    fn next(&mut self) -> Result<Token, GraphError> {
        let token = self.tokens.get(self.at).map(|(_, it)| it.clone()).ok_or_else(|| self.wrong())?;
        self.at += 1;
        Ok(token)
    }

    fn is_next(&self, token: &Token) -> bool {
        self.tokens.get(self.at).is_some_and(|(_, it)| it == token)
    }

    fn take(&mut self, token: &Token) -> Result<(), GraphError> {
        if !self.is_next(token) {
            return Err(self.wrong());
        }
        self.at += 1;
        Ok(())
    }

    fn take_word(&mut self, word: &str) -> bool {
        let is_it = matches!(self.tokens.get(self.at), Some((_, Token::Word(it))) if it.eq_ignore_ascii_case(word));
        self.at += usize::from(is_it);
        is_it
    }

    fn or(&mut self) -> Result<Filter, GraphError> {
        let mut filter = self.and()?;
        while self.take_word("or") {
            filter = Filter::Or(Box::new(filter), Box::new(self.and()?));
        }
        Ok(filter)
    }

    fn and(&mut self) -> Result<Filter, GraphError> {
        let mut filter = self.one()?;
        while self.take_word("and") {
            filter = Filter::And(Box::new(filter), Box::new(self.one()?));
        }
        Ok(filter)
    }

    fn one(&mut self) -> Result<Filter, GraphError> {
        if self.take_word("not") {
            return Ok(Filter::Not(Box::new(self.one()?)));
        }
        if self.is_next(&Token::Open) {
            self.at += 1;
            let filter = self.or()?;
            self.take(&Token::Close)?;
            return Ok(filter);
        }
        let path = self.word()?;
        if self.is_next(&Token::Open) {
            return self.function(&path);
        }
        if self.take_word("in") {
            self.take(&Token::Open)?;
            let mut values = vec![self.literal()?];
            while self.is_next(&Token::Comma) {
                self.at += 1;
                values.push(self.literal()?);
            }
            self.take(&Token::Close)?;
            return Ok(Filter::In { path, values });
        }
        let operator = self.operator()?;
        Ok(Filter::Compare { path, operator, value: self.literal()? })
    }

    fn function(&mut self, name: &str) -> Result<Filter, GraphError> {
        self.take(&Token::Open)?;
        let filter = if let Some(path) = name.strip_suffix("/any") {
            let variable = self.word()?;
            self.take(&Token::Colon)?;
            if self.word()? != variable || self.operator()? != Operator::Eq {
                return Err(self.wrong());
            }
            Filter::Any { path: path.to_owned(), value: self.literal()? }
        } else if name.eq_ignore_ascii_case("startswith") {
            let path = self.word()?;
            self.take(&Token::Comma)?;
            let Literal::Text(text) = self.literal()? else { return Err(self.wrong()) };
            Filter::StartsWith { path, text }
        } else {
            return Err(GraphError::bad(format!(
                "Invalid filter clause: An unknown function with name '{name}' was found."
            )));
        };
        self.take(&Token::Close)?;
        Ok(filter)
    }

    fn word(&mut self) -> Result<String, GraphError> {
        match self.next()? {
            Token::Word(word) => Ok(word),
            _ => Err(self.wrong()),
        }
    }

    fn operator(&mut self) -> Result<Operator, GraphError> {
        let word = self.word()?;
        Ok(match word.to_lowercase().as_str() {
            "eq" => Operator::Eq,
            "ne" => Operator::Ne,
            "gt" => Operator::Gt,
            "ge" => Operator::Ge,
            "lt" => Operator::Lt,
            "le" => Operator::Le,
            _ => return Err(self.wrong()),
        })
    }

    fn literal(&mut self) -> Result<Literal, GraphError> {
        Ok(match self.next()? {
            Token::Text(text) => Literal::Text(text),
            Token::Word(word) => match word.as_str() {
                "null" => Literal::Null,
                "true" => Literal::Bool(true),
                "false" => Literal::Bool(false),
                _ => Literal::Bare(word),
            },
            _ => return Err(self.wrong()),
        })
    }
}
