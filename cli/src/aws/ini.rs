//! Sections of AWS's config and credentials files, edited without touching a byte outside.
//!
//! AWS's tools disagree about these files: botocore takes a second section of the same name
//! as damage of the whole file, the SDK for Rust merges the two; an indented comment is a
//! comment for one and goes on with the value above for the other. So lines are told apart
//! here only as far as both agree, and what is written means the same to both.

use std::ops::Range;

/// A file in memory, split into lines; nothing is decoded.
#[derive(Clone, Debug)]
pub struct Document {
    bytes: Vec<u8>,
    sections: Vec<Section>,
}

/// One section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// What is between the brackets, without white space around it.
    pub name: String,
    /// Number of the header's line, from 1.
    pub line: usize,
    /// The header's line and all that follow, up to the next header.
    range: Range<usize>,
    /// What follows the header.
    body: Range<usize>,
}

/// A file that cannot be edited safely.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// AWS's tools read nothing of it.
    #[error(
        "the section [{name}] is there twice, in lines {first} and {second}: the AWS CLI reads nothing of such a file"
    )]
    Twice {
        /// The section.
        name: String,
        /// Line of the first.
        first: usize,
        /// Line of the second.
        second: usize,
    },
    /// Text in front of the first section, or a byte order mark: an error for AWS's tools.
    #[error("line {line} stands before the first section: AWS's tools cannot read that")]
    Headless {
        /// The line.
        line: usize,
    },
    /// The same setting twice.
    #[error(
        "`{key}` is set twice in [{name}], in line {line} again: the AWS CLI reads nothing of such a file"
    )]
    KeyTwice {
        /// The section.
        name: String,
        /// The key.
        key: String,
        /// The line of the second.
        line: usize,
    },
    /// Not text.
    #[error("line {line} is not UTF-8")]
    NotText {
        /// The line.
        line: usize,
    },
}

/// A line of a section's body.
enum Line<'a> {
    Key(&'a str),
    /// Indented: goes on with the value above.
    GoesOn,
    /// A comment, or an empty line.
    Other,
}

impl Document {
    /// Reads a file.
    pub fn new(bytes: Vec<u8>) -> Self {
        let mut sections: Vec<Section> = Vec::new();
        for (number, range) in lines(&bytes).enumerate() {
            let line = &bytes[range.clone()];
            if let Some(name) = header(line) {
                if let Some(last) = sections.last_mut() {
                    (last.range.end, last.body.end) = (range.start, range.start);
                }
                sections.push(Section {
                    name,
                    line: number + 1,
                    range: range.start..bytes.len(),
                    body: range.end..bytes.len(),
                });
            }
        }
        Self { bytes, sections }
    }

    /// The file.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The sections, in their order.
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// The section of this name.
    pub fn section(&self, name: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.name == name)
    }

    /// What keeps AWS's tools from reading the file, so that an edit would not help anybody.
    ///
    /// # Errors
    ///
    /// The first [`Damage`].
    pub fn check(&self) -> Result<(), Damage> {
        let end = self.sections.first().map_or(self.bytes.len(), |section| section.range.start);
        for (number, range) in lines(&self.bytes).enumerate() {
            let line = &self.bytes[range.clone()];
            let text = std::str::from_utf8(line).map_err(|_| Damage::NotText { line: number + 1 })?;
            let comment = text.trim_start().is_empty() || text.starts_with(['#', ';']);
            if range.start < end && !comment {
                return Err(Damage::Headless { line: number + 1 });
            }
        }
        for (index, section) in self.sections.iter().enumerate() {
            if let Some(first) = self.sections[..index].iter().find(|first| first.name == section.name) {
                let (name, first, second) = (section.name.clone(), first.line, section.line);
                return Err(Damage::Twice { name, first, second });
            }
            let mut keys: Vec<&str> = Vec::new();
            for (offset, range) in self.lines_of(section).enumerate() {
                if let Line::Key(key) = kind(&self.bytes[range]) {
                    if keys.contains(&key) {
                        let (name, key) = (section.name.clone(), key.to_owned());
                        return Err(Damage::KeyTwice { name, key, line: section.line + offset + 1 });
                    }
                    keys.push(key);
                }
            }
        }
        Ok(())
    }

    fn lines_of(&self, section: &Section) -> impl Iterator<Item = Range<usize>> {
        let start = section.body.start;
        lines(&self.bytes[section.body.clone()]).map(move |range| range.start + start..range.end + start)
    }

    /// The value of a key; [`None`] if it is not there.
    pub fn value(&self, section: &Section, key: &str) -> Option<&str> {
        let line = self
            .lines_of(section)
            .find(|range| matches!(kind(&self.bytes[range.clone()]), Line::Key(of) if of == key))?;
        let text = std::str::from_utf8(&self.bytes[line]).ok()?;
        text.split_once(['=', ':']).map(|(_, value)| value.trim())
    }

    /// Whether a line of the section begins with this text.
    pub fn comment<'a>(&'a self, section: &Section, prefix: &str) -> Option<&'a str> {
        self.lines_of(section).find_map(|range| {
            std::str::from_utf8(&self.bytes[range]).ok()?.strip_prefix(prefix).map(str::trim_end)
        })
    }

    /// Writes a section: an existing one keeps every line but those of `keys`, a new one is
    /// appended. `keys` with no value are taken out; those of `once` are written only into
    /// a new section. `comment` is its first line.
    pub fn put(&mut self, name: &str, comment: &str, keys: &[(&str, Option<&str>)], once: &[(&str, &str)]) {
        let end = self.line_end();
        let Some(section) = self.section(name).cloned() else {
            let mut text = String::new();
            if !self.bytes.is_empty() {
                // A missing last line end is added, and an empty line between.
                if !self.bytes.ends_with(b"\n") {
                    text.push_str(end);
                }
                text.push_str(end);
            }
            let lines = std::iter::once(format!("[{name}]"))
                .chain(std::iter::once(comment.to_owned()))
                .chain(keys.iter().filter_map(|(key, value)| value.map(|value| format!("{key} = {value}"))))
                .chain(once.iter().map(|(key, value)| format!("{key} = {value}")));
            for line in lines {
                text.push_str(&line);
                text.push_str(end);
            }
            let bytes = [&*self.bytes, text.as_bytes()].concat();
            *self = Self::new(bytes);
            return;
        };
        let marked = self.comment(&section, comment_mark(comment)).is_some();
        let present = |key: &str| {
            self.lines_of(&section)
                .any(|range| matches!(kind(&self.bytes[range]), Line::Key(of) if of == key))
        };
        let mut body = Vec::new();
        if !self.bytes[..section.body.start].ends_with(b"\n") {
            body.extend_from_slice(end.as_bytes());
        }
        if !marked {
            body.extend_from_slice(format!("{comment}{end}").as_bytes());
        }
        for (key, value) in keys.iter().filter(|(key, _)| !present(key)) {
            if let Some(value) = value {
                body.extend_from_slice(format!("{key} = {value}{end}").as_bytes());
            }
        }
        // Whether the lines that follow go on with a value that is written anew.
        let mut replaced = false;
        for range in self.lines_of(&section) {
            let line = &self.bytes[range];
            match kind(line) {
                Line::Key(key) => match keys.iter().find(|(of, _)| *of == key) {
                    Some((_, value)) if *value != self.value(&section, key) => {
                        replaced = true;
                        if let Some(value) = value {
                            body.extend_from_slice(format!("{key} = {value}{}", ending(line)).as_bytes());
                        }
                    }
                    _ => {
                        replaced = false;
                        body.extend_from_slice(line);
                    }
                },
                Line::GoesOn if replaced => {}
                _ if line.starts_with(comment_mark(comment).as_bytes()) => {
                    body.extend_from_slice(format!("{comment}{}", ending(line)).as_bytes());
                }
                _ => body.extend_from_slice(line),
            }
        }
        let bytes = [&self.bytes[..section.body.start], &body, &self.bytes[section.body.end..]].concat();
        *self = Self::new(bytes);
    }

    /// Takes a section out, with its header.
    pub fn remove(&mut self, name: &str) {
        if let Some(section) = self.section(name).cloned() {
            // The empty line that `put` wrote in front goes with it.
            let before = &self.bytes[..section.range.start];
            let mut start = section.range.start;
            if section.range.end == self.bytes.len() {
                for gap in [&b"\r\n"[..], b"\n"] {
                    if before.ends_with(&[gap, gap].concat()) {
                        start -= gap.len();
                        break;
                    }
                }
            }
            let bytes = [&self.bytes[..start], &self.bytes[section.range.end..]].concat();
            *self = Self::new(bytes);
        }
    }

    /// What most lines end with.
    fn line_end(&self) -> &'static str {
        let all = self.bytes.iter().filter(|byte| **byte == b'\n').count();
        let windows = self.bytes.windows(2).filter(|pair| pair == b"\r\n").count();
        if windows * 2 > all { "\r\n" } else { "\n" }
    }
}

/// The part of a comment that says whose it is: up to and with the colon.
fn comment_mark(comment: &str) -> &str {
    comment.find(':').map_or(comment, |end| &comment[..=end])
}

/// What a line ends with.
fn ending(line: &[u8]) -> &'static str {
    if line.ends_with(b"\r\n") {
        "\r\n"
    } else if line.ends_with(b"\n") {
        "\n"
    } else {
        ""
    }
}

/// Lines with their ends.
fn lines(bytes: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    std::iter::from_fn(move || {
        if start == bytes.len() {
            return None;
        }
        let end =
            bytes[start..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| start + at + 1);
        let range = start..end;
        start = end;
        Some(range)
    })
}

/// The name in a header: at the beginning of a line, for both parsers.
fn header(line: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(line).ok()?;
    let (name, _) = text.strip_prefix('[')?.split_once(']')?;
    Some(name.trim().to_owned())
}

fn kind(line: &[u8]) -> Line<'_> {
    let Ok(text) = std::str::from_utf8(line) else { return Line::Other };
    if text.starts_with(['#', ';']) || text.trim().is_empty() {
        return Line::Other;
    }
    if text.starts_with([' ', '\t']) {
        return Line::GoesOn;
    }
    // configparser takes `:` as well.
    match text.split_once(['=', ':']) {
        Some((key, _)) => Line::Key(key.trim_end()),
        None => Line::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARK: &str = "# okta-dac: arn:aws:iam::123456789012:role/Reader";

    fn put(text: &str, name: &str) -> String {
        let mut document = Document::new(text.as_bytes().to_vec());
        document.put(name, MARK, &[("credential_process", Some("run"))], &[("region", "eu-west-1")]);
        String::from_utf8(document.bytes().to_vec()).unwrap()
    }

    #[test]
    fn a_new_section_is_appended() {
        let new = format!("[profile a]\n{MARK}\ncredential_process = run\nregion = eu-west-1\n");
        assert_eq!(put("", "profile a"), new);
        assert_eq!(put("[b]\nx=1", "profile a"), format!("[b]\nx=1\n\n{new}"));
        assert_eq!(
            put("[b]\r\nx=1\r\n", "profile a"),
            format!("[b]\r\nx=1\r\n\r\n{}", new.replace('\n', "\r\n"))
        );
    }

    #[test]
    fn an_own_section_keeps_what_is_not_ours() {
        let text = format!(
            "[profile a]\n{MARK}\ncredential_process = old\n  goes on\noutput = json\n# mine\nregion = us-east-1\n\n[b]\ny = 2\n"
        );
        let expected = format!(
            "[profile a]\n{MARK}\ncredential_process = run\noutput = json\n# mine\nregion = us-east-1\n\n[b]\ny = 2\n"
        );
        assert_eq!(put(&text, "profile a"), expected);
        assert_eq!(put(&expected, "profile a"), expected, "a second time changes nothing");
    }

    #[test]
    fn a_section_of_another_role_gets_the_new_mark() {
        let text = "[a]\n# okta-dac: arn:old\ncredential_process = run\n";
        assert_eq!(put(text, "a"), format!("[a]\n{MARK}\ncredential_process = run\n"));
    }

    #[test]
    fn what_is_removed_leaves_the_rest() {
        let before = "[b]\ny = 2\n";
        let mut document = Document::new(put(before, "profile a").into_bytes());
        document.remove("profile a");
        assert_eq!(document.bytes(), before.as_bytes());
        let mut document = Document::new(b"[a]\nx = 1\n\n[b]\ny = 2\n".to_vec());
        document.remove("a");
        assert_eq!(document.bytes(), b"[b]\ny = 2\n");
    }

    #[test]
    fn damage_is_named_by_its_lines() {
        let of = |text: &str| Document::new(text.as_bytes().to_vec()).check().unwrap_err().to_string();
        assert!(of("[a]\nx=1\n[a]\n").contains("lines 1 and 3"));
        assert!(of("x=1\n[a]\n").contains("line 1"));
        assert!(of("\u{feff}[a]\n").contains("line 1"));
        assert!(of("[a]\nx=1\ny=2\nx = 3\n").contains("line 4"));
        assert!(Document::new(b"[a]\n\xff=1\n".to_vec()).check().unwrap_err().to_string().contains("line 2"));
        let nested = "# first\n\n[a]\ns3 =\n  x = 1\n  x = 2\n; end\nx: 1\n[default]\n[ profile  b ]\n";
        assert_eq!(Document::new(nested.as_bytes().to_vec()).check(), Ok(()));
    }
}
