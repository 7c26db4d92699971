//! The bootstrap token: a super admin's, for one run. It is never an argument.

use std::ffi::OsStr;
use std::io::{IsTerminal, Read};
use std::path::Path;

use ::connections::stop::{Code, Stop};
use okta_client::ApiToken;

use super::arguments::AdminToken;
use crate::environment::Environment;
use crate::terminal::Terminal;

/// The variable of a token, for a shell that has no better place.
const VARIABLE: &str = "OKTA_BOOTSTRAP_TOKEN";

/// Whether a word of the command line looks like a token: it would be in the list of
/// processes, and in the shell's history.
pub(crate) fn is_token(word: &OsStr) -> bool {
    let word = word.to_string_lossy();
    let value = word.split_once('=').map_or(&*word, |(_, value)| value);
    let name = word.split('=').next().unwrap_or_default();
    let of_a_token = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    matches!(name, "--token" | "--api-token" | "--bootstrap-token")
        || (value.starts_with("00") && value.len() >= 40 && value.chars().all(of_a_token))
}

/// The token: of a file, of stdin, of the variable, or typed.
pub(crate) fn token(arguments: &AdminToken, environment: &Environment) -> Result<ApiToken, Stop> {
    Ok(ApiToken::from(text(arguments, environment)?.to_string()))
}

/// The same as text.
pub(super) fn text(
    arguments: &AdminToken,
    environment: &Environment,
) -> Result<zeroize::Zeroizing<String>, Stop> {
    let text = if let Some(path) = &arguments.token_file {
        of_file(path)?
    } else if arguments.token_stdin
        || (environment.text(VARIABLE).is_none() && !std::io::stdin().is_terminal())
    {
        let mut text = String::new();
        let read = std::io::stdin().read_to_string(&mut text);
        read.map_err(|error| Stop::new(Code::Usage, format!("stdin cannot be read: {error}")))?;
        text
    } else if let Some(text) = environment.text(VARIABLE) {
        text.to_owned()
    } else {
        let asked = Terminal::new(true).ask_secret("API token of a super admin, for this run");
        asked.map_err(|failure| Stop::new(Code::Usage, failure.sentence))?
    };
    let text = zeroize::Zeroizing::new(text);
    let token = text.trim();
    if token.is_empty() || token.contains(char::is_whitespace) {
        return Err(Stop::new(Code::Usage, "no API token was given: one line on stdin, or `--token-file`"));
    }
    Ok(zeroize::Zeroizing::new(token.to_owned()))
}

fn of_file(path: &Path) -> Result<String, Stop> {
    let failed = |error| Stop::new(Code::Usage, format!("{} cannot be read: {error}", path.display()));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(path).map_err(failed)?.permissions().mode();
        if mode & 0o077 != 0 {
            let sentence = format!("{} can be read by others: `chmod 600` it", path.display());
            return Err(Stop::new(Code::Usage, sentence));
        }
    }
    std::fs::read_to_string(path).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_on_the_command_line_is_noticed() {
        let token = format!("00{}", "aB3_-".repeat(8));
        for word in [token.clone(), format!("--to={token}"), "--token".to_owned(), "--token=x".to_owned()] {
            assert!(is_token(OsStr::new(&word)), "{word}");
        }
        for word in
            ["--token-file", "--token-stdin", "0oa1dacapp0000000001", "https://acme.test", "--keep-token"]
        {
            assert!(!is_token(OsStr::new(word)), "{word}");
        }
    }
}
