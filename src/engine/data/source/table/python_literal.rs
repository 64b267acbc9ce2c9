//! Values as Python prints them: `{'asin': 'B0', 'price': 9.9, 'also': ['x', None]}`. The older Amazon files have them
//! instead of JSON. Numbers, texts, lists, tuples, dicts, True, False and None; nothing is evaluated.

use serde_json::{Map, Number, Value};

/// Deeper nesting is not data.
const MAX_DEPTH: usize = 64;

/// The value of a whole text.
///
/// # Errors
/// What was expected, with the column counted from 1.
pub(in super::super) fn parse(text: &str) -> Result<Value, String> {
    let mut parser = Parser { text, at: 0 };
    let value = parser.value(0)?;
    parser.spaces();
    if parser.at < text.len() {
        return Err(parser.expected("the end of the line"));
    }
    Ok(value)
}

struct Parser<'a> {
    text: &'a str,
    /// Byte position; always at a character's beginning.
    at: usize,
}

impl Parser<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let symbol = self.peek()?;
        self.at += symbol.len_utf8();
        Some(symbol)
    }

    fn spaces(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.next();
        }
    }

    /// Takes a word if it comes next, after spaces.
    fn takes(&mut self, word: &str) -> bool {
        self.spaces();
        let is_next = self.rest().starts_with(word);
        if is_next {
            self.at += word.len();
        }
        is_next
    }

    fn expected(&self, what: &str) -> String {
        let column = self.text[..self.at].chars().count() + 1;
        match self.peek() {
            Some(symbol) => format!("expected {what}, found {symbol:?} at column {column}"),
            None => format!("expected {what}, found the end of the line at column {column}"),
        }
    }

    fn value(&mut self, depth: usize) -> Result<Value, String> {
        if depth > MAX_DEPTH {
            return Err(format!("more than {MAX_DEPTH} brackets inside each other"));
        }
        for (word, value) in [
            ("None", Value::Null),
            ("True", Value::Bool(true)),
            ("False", Value::Bool(false)),
        ] {
            if self.takes(word) {
                return Ok(value);
            }
        }
        if self.takes("{") {
            return self.dict(depth).map(Value::Object);
        }
        for (open, close) in [("[", "]"), ("(", ")")] {
            if self.takes(open) {
                return self.list(close, depth).map(Value::Array);
            }
        }
        match self.peek() {
            Some('\'' | '"' | 'u') => self.string().map(Value::String),
            Some('-' | '+' | '.' | '0'..='9') => self.number().map(Value::Number),
            _ => Err(self.expected("a value")),
        }
    }

    fn dict(&mut self, depth: usize) -> Result<Map<String, Value>, String> {
        let mut entries = Map::new();
        while !self.takes("}") {
            self.spaces();
            let key = self.string()?;
            if !self.takes(":") {
                return Err(self.expected("':'"));
            }
            let value = self.value(depth + 1)?;
            entries.insert(key, value);
            if !self.takes(",") && !self.rest().starts_with('}') {
                return Err(self.expected("',' or '}'"));
            }
        }
        Ok(entries)
    }

    fn list(&mut self, close: &str, depth: usize) -> Result<Vec<Value>, String> {
        let mut values = Vec::new();
        while !self.takes(close) {
            values.push(self.value(depth + 1)?);
            if !self.takes(",") && !self.rest().starts_with(close) {
                return Err(self.expected(&format!("',' or '{close}'")));
            }
        }
        Ok(values)
    }

    fn number(&mut self) -> Result<Number, String> {
        let is_part = |symbol: char| symbol.is_ascii_digit() || "+-.eE".contains(symbol);
        let rest = self.rest();
        let word = &rest[..rest.find(|symbol| !is_part(symbol)).unwrap_or(rest.len())];
        let number = match word.parse::<i64>() {
            Ok(whole) => Some(whole.into()),
            Err(_) => word.parse().ok().and_then(Number::from_f64),
        };
        let number = number.ok_or_else(|| self.expected("a number"))?;
        self.at += word.len();
        Ok(number)
    }

    fn string(&mut self) -> Result<String, String> {
        if self.peek() == Some('u') {
            self.next();
        }
        let Some(quote @ ('\'' | '"')) = self.peek() else {
            return Err(self.expected("a text between quotes"));
        };
        self.next();
        let mut text = String::new();
        loop {
            match self.next() {
                None => return Err(self.expected("a closing quote")),
                Some(symbol) if symbol == quote => return Ok(text),
                Some('\\') => text.extend(self.escaped()?),
                Some(symbol) => text.push(symbol),
            }
        }
    }

    /// What follows a backslash.
    fn escaped(&mut self) -> Result<Option<char>, String> {
        let n_digits = match self.next() {
            None => return Err(self.expected("a character after the backslash")),
            Some('n') => return Ok(Some('\n')),
            Some('t') => return Ok(Some('\t')),
            Some('r') => return Ok(Some('\r')),
            Some('\n') => return Ok(None),
            Some('x') => 2,
            Some('u') => 4,
            Some('U') => 8,
            Some(symbol) => return Ok(Some(symbol)),
        };
        let code = self
            .rest()
            .get(..n_digits)
            .and_then(|digits| u32::from_str_radix(digits, 16).ok())
            .ok_or_else(|| self.expected("hexadecimal digits"))?;
        self.at += n_digits;
        // Half of a pair of UTF-16 has no character of its own.
        Ok(Some(
            char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER),
        ))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn python_values_become_json_values() {
        let text = r#"{'asin': u'B0', "it's": 'a "b" \'c\' \x41\u732b\n', 'price': -9.5e1, 'n': 3, 'none': None,
            'is': True, 'categories': [['Beauty', 'Skin'],], 'pair': (1, False), }"#;
        assert_eq!(
            parse(text).unwrap(),
            json!({"asin": "B0", "it's": "a \"b\" 'c' A猫\n", "price": -95.0, "n": 3, "none": null, "is": true,
                   "categories": [["Beauty", "Skin"]], "pair": [1, false]})
        );
    }

    #[test]
    fn refusals_name_the_column() {
        for (text, part) in [
            (
                "{'a': open('x')}",
                "expected a value, found 'o' at column 7",
            ),
            ("{'a' 1}", "expected ':', found '1' at column 6"),
            (
                "{'a': 'x",
                "expected a closing quote, found the end of the line at column 9",
            ),
            ("{'a': 1} 2", "expected the end of the line"),
            ("['\\xg1']", "expected hexadecimal digits"),
            ("{'a': 1-2}", "expected a number"),
            ("", "expected a value"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(part), "{text:?} gave {error}");
        }
        assert!(
            parse(&"[".repeat(100_000))
                .unwrap_err()
                .contains("brackets")
        );
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "[{}()\\[\\]'\":,u\\\\xNone0-9.e猫 -]{0,60}") {
            drop(parse(&text));
        }
    }
}
