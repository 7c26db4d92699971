//! Codes of a time-based one-time password (RFC 6238, RFC 4226), from a stored seed.

use aws_lc_rs::hmac;
use serde::{Deserialize, Serialize};
use url::Url;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A seed, and how codes are made of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub struct Seed {
    key: Vec<u8>,
    #[zeroize(skip)]
    algorithm: Algorithm,
    digits: u32,
    period: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Algorithm {
    Sha1,
    Sha256,
    Sha512,
}

impl Seed {
    /// Reads a base32 seed, or an `otpauth://totp/` URI ("Key URI Format" of Google
    /// Authenticator).
    ///
    /// # Errors
    ///
    /// What is wrong, without the seed.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let mut seed = Self { key: Vec::new(), algorithm: Algorithm::Sha1, digits: 6, period: 30 };
        if !text.starts_with("otpauth:") {
            seed.key = base32(text)?;
            return Ok(seed);
        }
        let url = Url::parse(text).map_err(|_| "the otpauth URI cannot be read".to_owned())?;
        if url.host_str() != Some("totp") {
            return Err(
                "only otpauth://totp is possible: a counter cannot be shared with your phone".to_owned()
            );
        }
        for (name, value) in url.query_pairs() {
            match (&*name, &*value.to_ascii_uppercase()) {
                ("secret", secret) => seed.key = base32(secret)?,
                ("algorithm", "SHA1") => seed.algorithm = Algorithm::Sha1,
                ("algorithm", "SHA256") => seed.algorithm = Algorithm::Sha256,
                ("algorithm", "SHA512") => seed.algorithm = Algorithm::Sha512,
                ("algorithm", other) => return Err(format!("the algorithm {other} is not known")),
                ("digits", "6") => seed.digits = 6,
                ("digits", "8") => seed.digits = 8,
                ("digits", _) => return Err("6 or 8 digits are possible".to_owned()),
                ("period", period) => {
                    let period = period.parse().ok().filter(|period| (1..=300).contains(period));
                    seed.period = period.ok_or("the period is from 1 to 300 seconds")?;
                }
                _ => {}
            }
        }
        if seed.key.is_empty() { Err("the otpauth URI has no secret".to_owned()) } else { Ok(seed) }
    }

    /// The time step of a second since 1970.
    pub fn step(&self, second: u64) -> u64 {
        second / self.period
    }

    /// When a step begins.
    pub fn begins(&self, step: u64) -> u64 {
        step * self.period
    }

    /// The code of a step, with zeros in front.
    pub fn code(&self, step: u64) -> String {
        let algorithm = match self.algorithm {
            Algorithm::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Algorithm::Sha256 => hmac::HMAC_SHA256,
            Algorithm::Sha512 => hmac::HMAC_SHA512,
        };
        let tag = hmac::sign(&hmac::Key::new(algorithm, &self.key), &step.to_be_bytes());
        let tag = tag.as_ref();
        let offset = usize::from(tag.last().copied().unwrap_or(0) & 0xf);
        let number =
            tag.iter().skip(offset).take(4).fold(0_u32, |number, byte| (number << 8) | u32::from(*byte));
        let code = (number & 0x7fff_ffff) % 10_u32.pow(self.digits);
        format!("{code:0width$}", width = self.digits as usize)
    }
}

/// RFC 4648, section 6; case, white space, hyphens and padding do not matter.
fn base32(text: &str) -> Result<Vec<u8>, String> {
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0_u32);
    for c in text.chars().filter(|c| !c.is_whitespace() && !"-=".contains(*c)) {
        let value = match c.to_ascii_uppercase() {
            letter @ 'A'..='Z' => u32::from(letter) - u32::from('A'),
            digit @ '2'..='7' => u32::from(digit) - u32::from('2') + 26,
            _ => return Err("the seed is not base32".to_owned()),
        };
        bits = ((bits << 5) | value) & 0xfff;
        held += 5;
        if held >= 8 {
            held -= 8;
            bytes.push(((bits >> held) & 0xff) as u8);
        }
    }
    if bytes.len() < 10 { Err("the seed is too short: ten bytes at least".to_owned()) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B.
    #[test]
    fn codes_of_rfc_6238() {
        let of = |algorithm: &str, digits: u32, secret: &str| {
            Seed::parse(&format!("otpauth://totp/a?secret={secret}&algorithm={algorithm}&digits={digits}"))
                .unwrap()
        };
        let sha1 = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        let sha256 = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZA";
        let sha512 = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNA";
        for (second, one, two, three) in [
            (59, "94287082", "46119246", "90693936"),
            (1_111_111_109, "07081804", "68084774", "25091201"),
            (2_000_000_000, "69279037", "90698825", "38618901"),
        ] {
            for (algorithm, secret, code) in
                [("SHA1", sha1, one), ("SHA256", sha256, two), ("SHA512", sha512, three)]
            {
                let seed = of(algorithm, 8, secret);
                assert_eq!(seed.code(seed.step(second)), code, "{algorithm} {second}");
            }
            assert_eq!(Seed::parse(sha1).unwrap().code(second / 30), one[2..]);
        }
    }

    #[test]
    fn what_cannot_be_a_seed_is_said() {
        for (text, why) in [
            ("otpauth://hotp/a?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "counter"),
            ("otpauth://totp/a?issuer=b", "no secret"),
            ("otpauth://totp/a?secret=GEZDGNBVGY3TQOJQ&digits=7", "digits"),
            ("otpauth://totp/a?secret=GEZDGNBVGY3TQOJQ&period=0", "period"),
            ("otpauth://totp/a?secret=GEZDGNBVGY3TQOJQ&algorithm=MD5", "MD5"),
            ("GEZD GNBV 1111", "base32"),
            ("GEZD", "short"),
        ] {
            let error = Seed::parse(text).err().unwrap();
            assert!(error.contains(why) && !error.contains("GEZD"), "{text}: {error}");
        }
        assert!(Seed::parse("gezd-gnbv gy3t qojq ====").is_ok());
    }
}
