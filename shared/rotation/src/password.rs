//! New passwords.

use aws_lc_rs::rand;
use secrecy::SecretString;

const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const DIGITS: &str = "0123456789";
const SYMBOLS: &str = "!#$%&()*+,-.:;<=>?[]^_{|}~";

/// Characters that a password may have besides those of [`Recipe::exclude`].
const KINDS: [&str; 4] = [LOWER, UPPER, DIGITS, SYMBOLS];

/// Draws before a recipe is given up.
const DRAWS: usize = 100;

/// Of each kind, at least.
const EACH: usize = 3;

/// Parts of a login that a password must not have are this long, at least.
const PART: usize = 4;

/// How a password is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipe {
    /// Characters; 16 to 64. How long a password Okta takes is not documented.
    pub length: usize,
    /// Characters that it does not have.
    pub exclude: String,
}

impl Default for Recipe {
    fn default() -> Self {
        Self { length: 32, exclude: "\"'\\@/ `".to_owned() }
    }
}

/// Why there is no password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoPassword {
    /// The recipe allows none, or hardly any.
    #[error(
        "no password can be made: the length has to be 16 to 64, and three characters of each kind allowed"
    )]
    Recipe,
    /// The system gives no random bytes.
    #[error("this system gives no random bytes")]
    Random,
}

impl Recipe {
    /// A password: begins with a letter, has at least three characters of each kind, no
    /// character three times in a row, and no part of the login. Okta's policies exclude those.
    ///
    /// # Errors
    ///
    /// [`NoPassword`].
    pub fn draw(&self, login: &str) -> Result<SecretString, NoPassword> {
        let kinds: Vec<Vec<char>> =
            KINDS.iter().map(|kind| kind.chars().filter(|c| !self.exclude.contains(*c)).collect()).collect();
        if !(16..=64).contains(&self.length) || kinds.iter().any(|kind: &Vec<char>| kind.len() < EACH) {
            return Err(NoPassword::Recipe);
        }
        let all: Vec<char> = kinds.concat();
        for _ in 0..DRAWS {
            let mut drawn = zeroize::Zeroizing::new(Vec::with_capacity(self.length));
            for kind in &kinds {
                for _ in 0..EACH {
                    drawn.push(one_of(kind)?);
                }
            }
            while drawn.len() < self.length {
                drawn.push(one_of(&all)?);
            }
            shuffle(&mut drawn)?;
            if is_good(&drawn, login) {
                return Ok(drawn.iter().collect::<String>().into());
            }
        }
        Err(NoPassword::Recipe)
    }
}

/// Each order is as likely as any other (Fisher and Yates).
fn shuffle(characters: &mut [char]) -> Result<(), NoPassword> {
    for last in (1..characters.len()).rev() {
        characters.swap(last, below(last + 1)?);
    }
    Ok(())
}

/// Each character is as likely as any other.
fn one_of(characters: &[char]) -> Result<char, NoPassword> {
    characters.get(below(characters.len())?).copied().ok_or(NoPassword::Recipe)
}

/// A number below `count`, which is 1 to 256; each is as likely as any other.
fn below(count: usize) -> Result<usize, NoPassword> {
    let fair = 256 - 256 % count.clamp(1, 256);
    loop {
        let mut byte = [0];
        rand::fill(&mut byte).map_err(|_| NoPassword::Random)?;
        if usize::from(byte[0]) < fair {
            return Ok(usize::from(byte[0]) % count.max(1));
        }
    }
}

fn is_good(password: &[char], login: &str) -> bool {
    let lower: String = password.iter().flat_map(|c| c.to_lowercase()).collect();
    let login = login.to_lowercase();
    let mut parts = login.split(|c: char| !c.is_alphanumeric()).filter(|part| part.chars().count() >= PART);
    password.first().is_some_and(char::is_ascii_alphabetic)
        && !password.windows(3).any(|run| run[0] == run[1] && run[1] == run[2])
        && !parts.any(|part| lower.contains(part))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn passwords_are_as_policies_want_them() {
        let mut seen = BTreeSet::new();
        for recipe in [Recipe::default(), Recipe { length: 16, exclude: String::new() }] {
            for _ in 0..500 {
                let password = recipe.draw("Anna.Muster@acme.test").unwrap();
                let password = password.expose_secret();
                assert_eq!(password.chars().count(), recipe.length);
                assert!(!password.contains(|c| recipe.exclude.contains(c)), "{password}");
                assert!(!password.to_lowercase().contains("anna"), "{password}");
                for kind in KINDS {
                    assert!(password.chars().filter(|c| kind.contains(*c)).count() >= EACH, "{password}");
                }
                assert!(seen.insert(password.to_owned()));
            }
        }
        for bad in ["aaabcdefghij", "1bcdefghijkl", "xmuSterefghi", ""] {
            let bad: Vec<char> = bad.chars().collect();
            assert!(!is_good(&bad, "a.muster@acme.test"), "{bad:?}");
        }
    }

    #[test]
    fn a_recipe_that_allows_no_password_is_refused() {
        for recipe in [
            Recipe { length: 15, ..Recipe::default() },
            Recipe { length: 65, ..Recipe::default() },
            Recipe { exclude: DIGITS.to_owned(), ..Recipe::default() },
        ] {
            assert_eq!(recipe.draw("a@acme.test").unwrap_err(), NoPassword::Recipe);
        }
    }
}
