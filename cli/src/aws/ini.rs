//! Sections of AWS's config and credentials files, edited without touching a byte outside.
//!
//! AWS's tools disagree about these files: botocore takes a second section of the same name
//! as damage of the whole file, the SDK for Rust merges the two; an indented comment is a
//! comment for one and goes on with the value above for the other. So lines are told apart
//! here only as far as both agree, and what is written means the same to both.

use std::collections::HashMap;
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

/// A section to write.
#[derive(Clone, Debug)]
pub struct Put<'a> {
    /// Its name.
    pub name: String,
    /// Its first line, which says whose the section is: up to the colon.
    pub comment: String,
    /// What is set; a key without a value is taken out. Other lines stay.
    pub keys: Vec<(&'a str, Option<&'a str>)>,
    /// What is set only in a new section.
    pub once: Vec<(&'a str, &'a str)>,
}

/// What became of a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It was not there.
    New,
    /// It is another than before.
    Changed,
    /// It was so before.
    Same,
}

impl Put<'_> {
    /// Writes a new section at the end of a file.
    fn append(&self, bytes: &mut Vec<u8>, end: &str) {
        if !bytes.is_empty() {
            // A missing last line end is added, and an empty line between.
            if !bytes.ends_with(b"\n") {
                bytes.extend_from_slice(end.as_bytes());
            }
            bytes.extend_from_slice(end.as_bytes());
        }
        let keys = self.keys.iter().filter_map(|(key, value)| Some((*key, (*value)?)));
        bytes.extend_from_slice(format!("[{}]{end}{}{end}", self.name, self.comment).as_bytes());
        for (key, value) in keys.chain(self.once.iter().copied()) {
            bytes.extend_from_slice(format!("{key} = {value}{end}").as_bytes());
        }
    }
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
        let mut seen: HashMap<&str, usize> = HashMap::new();
        for section in &self.sections {
            if let Some(first) = seen.insert(&section.name, section.line) {
                return Err(Damage::Twice { name: section.name.clone(), first, second: section.line });
            }
            let mut keys: Vec<&str> = Vec::new();
            for (offset, range) in self.lines_of(section).enumerate() {
                if let Line::Key(key) = kind(&self.bytes[range]) {
                    // configparser knows no case.
                    if keys.iter().any(|known| known.eq_ignore_ascii_case(key)) {
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
        let line = self.lines_of(section).find(
            |range| matches!(kind(&self.bytes[range.clone()]), Line::Key(of) if of.eq_ignore_ascii_case(key)),
        )?;
        let text = std::str::from_utf8(&self.bytes[line]).ok()?;
        text.split_once(['=', ':']).map(|(_, value)| value.trim())
    }

    /// Whether a line of the section begins with this text.
    pub fn comment<'a>(&'a self, section: &Section, prefix: &str) -> Option<&'a str> {
        self.lines_of(section).find_map(|range| {
            std::str::from_utf8(&self.bytes[range]).ok()?.strip_prefix(prefix).map(str::trim_end)
        })
    }

    /// Takes sections out, and writes others, in one pass. The answer says of each of `puts`
    /// whether the section is new, or another than before.
    pub fn apply(&mut self, removed: &[String], puts: &[Put<'_>]) -> Vec<Written> {
        let end = self.line_end();
        let wanted: HashMap<&str, usize> =
            puts.iter().enumerate().map(|(index, put)| (put.name.as_str(), index)).collect();
        let mut written = vec![Written::New; puts.len()];
        let first = self.sections.first().map_or(self.bytes.len(), |section| section.range.start);
        let mut bytes = self.bytes[..first].to_vec();
        // Whether nothing was kept since a section was taken out.
        let mut cut = false;
        for section in &self.sections {
            if removed.contains(&section.name) {
                // What stands directly before the next header is the next section's.
                let rest = self.before_next(section);
                bytes.extend_from_slice(&self.bytes[rest.clone()]);
                cut = rest.is_empty();
                continue;
            }
            cut = false;
            match wanted.get(section.name.as_str()) {
                Some(index) => {
                    let before = bytes.len();
                    bytes.extend_from_slice(&self.bytes[section.range.start..section.body.start]);
                    self.write_body(&mut bytes, section, &puts[*index], end);
                    let same = bytes[before..] == self.bytes[section.range.clone()];
                    written[*index] = if same { Written::Same } else { Written::Changed };
                }
                None => bytes.extend_from_slice(&self.bytes[section.range.clone()]),
            }
        }
        if cut {
            // The empty line that was written in front of the section goes with it.
            for gap in [&b"\r\n"[..], b"\n"] {
                if bytes.ends_with(&[gap, gap].concat()) {
                    bytes.truncate(bytes.len() - gap.len());
                    break;
                }
            }
        }
        for (put, _) in puts.iter().zip(&written).filter(|(_, written)| **written == Written::New) {
            put.append(&mut bytes, end);
        }
        *self = Self::new(bytes);
        written
    }

    /// The comments, and what is between them, that stand before the next header: they may
    /// be about the next section. The empty line in front of them is not.
    fn before_next(&self, section: &Section) -> Range<usize> {
        if section.range.end == self.bytes.len() {
            return section.range.end..section.range.end;
        }
        let mut start = section.range.end;
        let lines: Vec<Range<usize>> = self.lines_of(section).collect();
        for range in lines.into_iter().rev() {
            let line = &self.bytes[range.clone()];
            let comment = line.starts_with(b"#") || line.starts_with(b";");
            if comment && !line.starts_with(b"# okta-dac:") {
                start = range.start;
            } else if !line.trim_ascii().is_empty() {
                break;
            }
        }
        // Our own mark is the first line of its section.
        start.max(section.body.start)..section.range.end
    }

    /// The body of a section with what is put: other lines stay.
    fn write_body(&self, body: &mut Vec<u8>, section: &Section, put: &Put<'_>, end: &str) {
        let mark = comment_mark(&put.comment);
        let present = |key: &str| {
            self.lines_of(section).any(
                |range| matches!(kind(&self.bytes[range]), Line::Key(of) if of.eq_ignore_ascii_case(key)),
            )
        };
        if !body.ends_with(b"\n") {
            body.extend_from_slice(end.as_bytes());
        }
        if self.comment(section, mark).is_none() {
            body.extend_from_slice(format!("{}{end}", put.comment).as_bytes());
        }
        for (key, value) in put.keys.iter().filter(|(key, _)| !present(key)) {
            if let Some(value) = value {
                body.extend_from_slice(format!("{key} = {value}{end}").as_bytes());
            }
        }
        // Whether the lines that follow go on with a value that is written anew.
        let mut replaced = false;
        for range in self.lines_of(section) {
            let line = &self.bytes[range];
            match kind(line) {
                Line::Key(key) => match put.keys.iter().find(|(of, _)| of.eq_ignore_ascii_case(key)) {
                    Some((_, value)) if *value != self.value(section, key) => {
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
                _ if line.starts_with(mark.as_bytes()) => {
                    body.extend_from_slice(format!("{}{}", put.comment, ending(line)).as_bytes());
                }
                _ => body.extend_from_slice(line),
            }
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
        let put = Put {
            name: name.to_owned(),
            comment: MARK.to_owned(),
            keys: vec![("credential_process", Some("run"))],
            once: vec![("region", "eu-west-1")],
        };
        document.apply(&[], &[put]);
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
        document.apply(&["profile a".to_owned()], &[]);
        assert_eq!(document.bytes(), before.as_bytes());
        let mut document = Document::new(b"[a]\nx = 1\n\n[b]\ny = 2\n".to_vec());
        document.apply(&["a".to_owned()], &[]);
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
