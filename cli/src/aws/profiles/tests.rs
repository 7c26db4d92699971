//! Edits of generated files: every byte outside our sections is the same.

use std::time::{Duration, Instant};

use super::*;

/// A made-up file: sections, comments, nested keys, line ends, damage.
fn generated(random: &mut fastrand::Rng) -> Vec<u8> {
    let end = if random.u8(..4) == 0 { "\r\n" } else { "\n" };
    let mut lines: Vec<String> = Vec::new();
    let comments = ["# a comment", "; another", "", "   ", "#[profile not]"];
    let keys = [
        "region = eu-west-1",
        "output=json",
        "role_arn = arn:aws:iam::1:role/x # y",
        "Mixed_Case : v",
        "empty =",
    ];
    let nested = ["  max = 1", "\tdeep=2", "  # looks like a comment", "    more text"];
    for _ in 0..random.u8(..3) {
        lines.push(random.choice(comments).unwrap().to_owned());
    }
    for number in 0..random.u8(..5) {
        let name = match random.u8(..12) {
            0 => "default".to_owned(),
            1 => "preview".to_owned(),
            2 => "sso-session a".to_owned(),
            3 => "profile okta-known".to_owned(),
            4 => " profile   spaced ".to_owned(),
            5 => format!("profile p{}", random.u8(..3)),
            _ => format!("profile n{number}"),
        };
        lines.push(format!("[{name}]{}", if random.u8(..6) == 0 { " # after" } else { "" }));
        if name == "profile okta-known" {
            lines.push("# okta-dac: arn:aws:iam::123456789012:role/Known".to_owned());
            lines.push("credential_process = old command".to_owned());
        }
        let mut free: Vec<&str> = keys.to_vec();
        for _ in 0..random.u8(..4) {
            match random.u8(..5) {
                0 => lines.push(random.choice(comments).unwrap().to_owned()),
                1 if random.u8(..8) == 0 => lines.push(keys[0].to_owned()),
                _ => {
                    let key = free.swap_remove(random.usize(..free.len()));
                    lines.push(key.to_owned());
                    if key.ends_with('=') {
                        lines.extend((0..random.u8(..3)).map(|_| random.choice(nested).unwrap().to_owned()));
                    }
                }
            }
        }
    }
    let mut text = lines.iter().map(|line| format!("{line}{end}")).collect::<String>();
    if random.u8(..3) == 0 {
        text.truncate(text.trim_end_matches(['\r', '\n']).len());
    }
    match random.u8(..20) {
        0 => text.insert(0, '\u{feff}'),
        1 => text.insert_str(0, "key = before the first section\n"),
        _ => {}
    }
    text.into_bytes()
}

/// The lines of all sections but these, by a reader of its own.
fn without(text: &[u8], names: &[&str]) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut skipping = false;
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(b"[") {
            let header = String::from_utf8_lossy(line).into_owned();
            skipping = names.iter().any(|name| header.starts_with(&format!("[profile {name}]")));
        }
        if !skipping {
            kept.extend_from_slice(line);
        }
    }
    kept
}

fn profile(name: &str, role: &str) -> Profile {
    Profile {
        name: name.to_owned(),
        role: format!("arn:aws:iam::123456789012:role/{role}"),
        org: DEFAULT_ORG.to_owned(),
        region: Some("us-east-1".to_owned()),
        content: Content::Process(format!("\"/bin/okta-dac\" aws get-cred --role-arn \"{role}\"")),
    }
}

#[test]
fn three_hundred_files_keep_what_is_not_ours() {
    let (mut written, mut refused) = (0, 0);
    for seed in 0..300 {
        let mut random = fastrand::Rng::with_seed(seed);
        let before = generated(&mut random);
        let folder = tempfile::tempdir().unwrap();
        let file = ProfileFile { path: folder.path().join("config"), prefixed: true, beside: None };
        std::fs::write(&file.path, &before).unwrap();
        let profiles = [profile("okta-known", "Known"), profile("okta-new", "New")];
        let deadline = Instant::now() + Duration::from_secs(60);
        let edit = || file.edit(&profiles, &|_| false, false, false, deadline);
        let ours = ["okta-known", "okta-new"];
        match edit() {
            Err(failure) => {
                assert_eq!(failure.exit, Exit::File);
                assert_eq!(std::fs::read(&file.path).unwrap(), before, "seed {seed}: {failure}");
                refused += 1;
            }
            Ok(_) => {
                let after = std::fs::read(&file.path).unwrap();
                let (left, kept) = (without(&before, &ours), without(&after, &ours));
                // The line end that was missing, and the empty line in front of a new section.
                let added = kept.strip_prefix(&left[..]).unwrap_or_else(|| {
                    panic!(
                        "seed {seed}: {}\n---\n{}",
                        String::from_utf8_lossy(&before),
                        String::from_utf8_lossy(&after)
                    )
                });
                assert!(added.len() <= 4 && added.trim_ascii().is_empty(), "seed {seed}");
                edit().unwrap();
                assert_eq!(std::fs::read(&file.path).unwrap(), after, "seed {seed}: a second time");
                // What was withdrawn goes, with the empty line in front of it.
                let gone = |owner: &Owner| owner.role.ends_with("/New");
                file.edit(&profiles[..1], &gone, false, false, deadline).unwrap();
                let left = std::fs::read(&file.path).unwrap();
                assert!(kept.starts_with(&without(&left, &ours)), "seed {seed}");
                assert!(!String::from_utf8_lossy(&left).contains("okta-new"), "seed {seed}");
                written += 1;
            }
        }
    }
    assert!(written > 200 && refused > 20, "{written} written, {refused} refused");
}

#[test]
fn words_that_tools_read_differently_are_refused() {
    assert_eq!(quoted("/usr/local/bin/okta dac").unwrap(), "\"/usr/local/bin/okta dac\"");
    for word in ["a\"b", "a`b", "a$b", "a\\b", "a\nb", "a #b", "a\t;b"] {
        assert_eq!(quoted(word).unwrap_err().exit, Exit::File, "{word}");
    }
}

#[test]
fn a_file_that_others_change_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = ProfileFile { path: folder.path().join("config"), prefixed: true, beside: None };
    std::fs::write(&file.path, "[default]\n").unwrap();
    let seen = Seen::of(&file.path).unwrap();
    assert!(seen.is_still(&file.path).unwrap());
    std::fs::write(&file.path, "[default]\nregion = x\n").unwrap();
    assert!(!seen.is_still(&file.path).unwrap());
    assert!(!file.write(&file.path, &seen, b"lost").unwrap());
    assert_eq!(std::fs::read(&file.path).unwrap(), b"[default]\nregion = x\n");
}

#[test]
fn profiles_of_another_org_and_lines_of_others_stay() {
    let folder = tempfile::tempdir().unwrap();
    let file = ProfileFile { path: folder.path().join("config"), prefixed: true, beside: None };
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut other = profile("okta-other", "Other");
    other.org = "second".to_owned();
    file.edit(&[profile("okta-gone", "Gone"), other], &|_| false, false, false, deadline).unwrap();
    let mut text = std::fs::read_to_string(&file.path).unwrap();
    text = text.replace("[profile okta-other]", "# PRODUCTION, ask before use\n[profile okta-other]");
    text += "\n[profile   okta-spaced]\n# okta-dac: arn:aws:iam::123456789012:role/Spaced\nCredential_Process = old\n";
    std::fs::write(&file.path, &text).unwrap();
    let own = file.own().unwrap();
    assert_eq!(own["okta-other"].org, "second");
    let gone = |owner: &Owner| owner.org == DEFAULT_ORG && owner.role.ends_with("/Gone");
    file.edit(&[profile("okta-spaced", "Spaced")], &gone, false, false, deadline).unwrap();
    let after = std::fs::read_to_string(&file.path).unwrap();
    assert!(
        !after.contains("okta-gone") && after.contains("# PRODUCTION, ask before use\n[profile okta-other]"),
        "{after}"
    );
    assert_eq!(after.to_lowercase().matches("credential_process").count(), 2, "{after}");
    assert_eq!(after.matches("okta-spaced]").count(), 1, "{after}");
}

#[cfg(unix)]
#[test]
fn a_file_with_keys_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let file = ProfileFile { path: folder.path().join("config"), prefixed: true, beside: None };
    std::fs::write(&file.path, "[default]\n").unwrap();
    std::fs::set_permissions(&file.path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    let mode = || std::fs::metadata(&file.path).unwrap().permissions().mode() & 0o777;
    file.edit(&[profile("okta-a", "A")], &|_| false, false, false, deadline).unwrap();
    assert_eq!(mode(), 0o644);
    let mut keys = profile("okta-b", "B");
    keys.content = Content::Static(["a", "b", "c", "d"].map(str::to_owned));
    file.edit(&[keys], &|_| false, true, false, deadline).unwrap();
    assert_eq!(mode(), 0o600);
}

/// AWS-29: for botocore keys in the credentials file win over a command in the config file.
#[test]
fn keys_in_the_other_file_are_in_the_way() {
    let folder = tempfile::tempdir().unwrap();
    let beside = folder.path().join("credentials");
    let home = folder.path().display().to_string();
    let named = beside.display().to_string();
    let environment =
        Environment::of([("HOME", home.as_str()), ("AWS_SHARED_CREDENTIALS_FILE", named.as_str())]);
    let file = ProfileFile::find(&environment, &Folders::new(&environment, None), None, None);
    std::fs::write(&beside, "[other]\naws_access_key_id = a\n\n[okta-a]\naws_access_key_id = a\n").unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    let refused = file.edit(&[profile("okta-a", "A")], &|_| false, true, false, deadline).unwrap_err();
    assert_eq!(refused.exit, Exit::File);
    assert!(refused.sentence.contains("credentials line 4"), "{refused}");
    assert!(!file.path.exists());
    file.edit(&[profile("okta-b", "B")], &|_| false, false, false, deadline).unwrap();
}

/// However a key is written: AWS's tools read indented ones, colons and capitals.
#[test]
fn a_diff_shows_no_secret() {
    let after = "[x]\n  AWS_SECRET_ACCESS_KEY: s3cret\n\taws_security_token=s3cret\naws_session_token = s3cret\nregion = r\n";
    let edit = Edit { changes: Changes::default(), before: Vec::new(), after: after.into() };
    let diff = edit.diff();
    assert!(!diff.contains("s3cret") && diff.contains("+region = r\n"), "{diff}");
    assert_eq!(diff.matches(" = …\n").count(), 3, "{diff}");
    let edit = Edit { before: after.into(), after: format!("{after}[y]\n").into(), ..edit };
    assert!(
        edit.diff().ends_with("+[y]\n")
            && edit.diff().lines().filter(|line| line.starts_with(' ')).count() == 0
    );
}
