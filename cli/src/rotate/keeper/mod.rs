//! Keeper's protocol: parameters on stdin, one line on stdout, the exit code.
//!
//! The Gateway pipes one text in base64 into the command: of a shell by `echo "…" |`, of
//! PowerShell by `"…" |`, which writes UTF-16 or a byte order mark where it is told to. The
//! text is a JSON object (Keeper's documentation, "Post-Rotation Scripts", parameters).

mod payload;
mod record;

pub(super) use payload::{Payload, input};
pub(super) use record::Selection;

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;
    use rotation::end::Code;
    use serde_json::{Value, json};

    use super::*;
    use crate::rotate::Stop;

    const NEW: &str = "canary-new-Passw0rd";
    const OLD: &str = "canary-old-Passw0rd";
    const TOKEN: &str = "00canary-token";

    fn record() -> Value {
        json!({ "uid": "r1", "title": "Okta API Access Details", "password": TOKEN, "url": "https://acme.okta.test" })
    }

    fn parameters(records: &[Value]) -> Value {
        json!({
            "providerRecordUid": "p", "resourceRecordUid": null, "userRecordUid": "u", "user": "user@acme.test",
            "newPassword": NEW, "oldPassword": OLD,
            "records": BASE64_STANDARD.encode(Value::from(records).to_string()),
        })
    }

    fn piped(parameters: &Value) -> Vec<u8> {
        format!("{}\n", BASE64_STANDARD.encode(parameters.to_string())).into_bytes()
    }

    fn default() -> Selection {
        Selection::of(&arguments())
    }

    fn arguments() -> crate::rotate::arguments::Keeper {
        use clap::Parser;

        use crate::arguments::{Arguments, Group};
        use crate::rotate::arguments::Rotate;

        let parsed = Arguments::try_parse_from(["okta-dac", "rotate", "keeper"]).unwrap();
        match parsed.group {
            Group::Rotate(command) => match command.what {
                Rotate::Keeper(arguments) => arguments,
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }

    fn read(input: &[u8], selection: &Selection) -> Result<(Payload, String), Stop> {
        let payload = Payload::decode(input)?;
        let api = payload.api(selection)?;
        Ok((payload, api.org.as_str().to_owned()))
    }

    /// Every form in which the two pipelines deliver the same.
    #[test]
    fn every_form_of_stdin_is_read() {
        let text = String::from_utf8(piped(&parameters(&[record()]))).unwrap();
        let wide = |from: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(from).collect::<Vec<u8>>();
        let with = |mark: &[u8], bytes: Vec<u8>| [mark, &bytes].concat();
        let lines: Vec<&str> =
            text.trim().as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect();
        for (name, input) in [
            ("a shell", text.clone().into_bytes()),
            ("without the last line break", text.trim().into()),
            ("Windows", text.replace('\n', "\r\n").into()),
            ("quoted by cmd", format!("\"{}\"\r\n", text.trim()).into()),
            ("a mark", with(b"\xef\xbb\xbf", text.clone().into())),
            ("UTF-16 LE", with(b"\xff\xfe", wide(u16::to_le_bytes))),
            ("UTF-16 BE", with(b"\xfe\xff", wide(u16::to_be_bytes))),
            ("UTF-16 without a mark", wide(u16::to_le_bytes)),
            ("broken into lines", lines.join("\n").into()),
            ("without padding", text.trim().trim_end_matches('=').into()),
        ] {
            let (payload, org) = read(&input, &default()).unwrap_or_else(|stop| panic!("{name}: {stop:?}"));
            assert_eq!((payload.user.as_str(), org.as_str()), ("user@acme.test", "https://acme.okta.test"));
        }
    }

    /// KEE-01, KEE-07: both titles, and labels as people write them.
    #[test]
    fn kee_01_kee_07_titles_and_labels_are_as_people_write_them() {
        let pair = connections::key::KeyPair::generate(connections::key::KeyKind::P256).unwrap();
        let key = secrecy::ExposeSecret::expose_secret(&pair.private);
        let service_app = |key: &str| {
            json!({ "uid": "r1", "title": "Okta API Access Details", "Org-URL": "acme.okta.test", "Client ID": "0oa1",
                "Private Key": key, "key_id": ["k1"] })
        };
        for record in [
            json!({ "uid": "r1", "title": "ROT5: Okta API Access Details", "Password": TOKEN, "Website Address": "https://acme.okta.test/" }),
            json!({ "uid": "r1", "title": "Okta API Access Details", "API Token": [TOKEN], "url2": "https://acme.okta.test" }),
            json!({ "uid": "r1", "title": "Okta API Access Details", "token": TOKEN, "url": "https://acme.okta.test", "Website Address": "https://acme.okta.test" }),
            service_app(key),
            service_app(&key.replace('\n', " ")),
            service_app(&key.replace('\n', "\\n")),
        ] {
            let input = piped(&parameters(&[json!({ "uid": "other", "title": "Other" }), record.clone()]));
            let (_, org) = read(&input, &default()).unwrap_or_else(|stop| panic!("{record}: {stop:?}"));
            assert_eq!(org, "https://acme.okta.test");
            read(&input, &Selection::Uid("r1".to_owned())).unwrap();
        }
    }

    #[test]
    fn a_first_rotation_has_no_old_password() {
        for old in [Value::Null, "".into()] {
            let mut parameters = parameters(&[record()]);
            parameters["oldPassword"] = old;
            assert!(Payload::decode(&piped(&parameters)).unwrap().old.is_none());
            parameters.as_object_mut().unwrap().remove("oldPassword");
            assert!(Payload::decode(&piped(&parameters)).unwrap().old.is_none());
        }
    }

    /// What cannot be used has its code, and a sentence that repeats nothing of it.
    #[test]
    fn what_cannot_be_used_is_said_without_repeating_it() {
        let change = |name: &str, value: Value| {
            let mut parameters = parameters(&[record()]);
            parameters[name] = value;
            piped(&parameters)
        };
        let with = |name: &str, value: Value| {
            let mut record = record();
            record[name] = value;
            piped(&parameters(&[record]))
        };
        for (input, code) in [
            (Vec::new(), Code::Input),
            (b" \r\n".to_vec(), Code::Input),
            (b"not base64 !".to_vec(), Code::Input),
            (b"\xff\xfe\x00".to_vec(), Code::Input),
            (piped(&json!([])), Code::Input),
            (BASE64_STANDARD.encode("{\"user\":").into_bytes(), Code::Input),
            ([piped(&parameters(&[record()])), piped(&parameters(&[record()]))].concat(), Code::Input),
            (change("newPassword", Value::Null), Code::Input),
            (change("newPassword", json!(5)), Code::Input),
            (change("user", json!("")), Code::Input),
            (change("oldPassword", json!([OLD])), Code::Input),
            (change("records", json!("%%%")), Code::Input),
            (change("records", json!(BASE64_STANDARD.encode("{}"))), Code::Input),
            (change("records", json!(BASE64_STANDARD.encode("[5]"))), Code::Input),
            (change("records", Value::Null), Code::Record),
            (piped(&parameters(&[])), Code::Record),
            (piped(&parameters(&[json!({ "uid": "r1", "password": TOKEN })])), Code::Record),
            (piped(&parameters(&[record(), record()])), Code::Ambiguous),
            (with("url", Value::Null), Code::Record),
            (with("url", "ftp://acme.okta.test".into()), Code::Record),
            (with("url", "http://acme.okta.test".into()), Code::Record),
            (with("url", "https://canary@acme.okta.test".into()), Code::Record),
            (with("url", "https://acme.okta.test/?token=canary".into()), Code::Record),
            (with("url", TOKEN.into()), Code::Record),
            (with("password", "".into()), Code::Record),
            (with("password", json!([TOKEN, "b"])), Code::Record),
            (with("Client ID", "0oa1".into()), Code::Record),
            (with("Password 2", "another".into()), Code::Ambiguous),
            (with("Website Address", "https://other.okta.test".into()), Code::Ambiguous),
        ] {
            let stop = read(&input, &default()).unwrap_err();
            assert_eq!(stop.code, code, "{}: {stop:?}", String::from_utf8_lossy(&input));
            for canary in [NEW, OLD, TOKEN, "user@acme.test", "canary"] {
                assert!(!stop.message.contains(canary), "{stop:?}");
            }
        }
        let too_long = std::io::Read::take(std::io::repeat(b'a'), 5 * 1024 * 1024);
        assert_eq!(input(too_long).unwrap_err().code, Code::Input);
    }

    /// Whatever comes: a code of the table, and no panic.
    #[test]
    fn a_thousand_random_payloads_have_a_code() {
        let mut random = fastrand::Rng::with_seed(7);
        let good = piped(&parameters(&[record()]));
        let mut read_well = 0;
        for round in 0..1_000 {
            let mut bytes = good.clone();
            match round % 4 {
                // Bytes of any kind.
                0 => bytes = (0..random.usize(0..400)).map(|_| random.u8(..)).collect(),
                // A good one with some bytes changed, in base64 or within.
                1 => {
                    for _ in 0..random.usize(1..4) {
                        let at = random.usize(0..bytes.len());
                        bytes[at] = random.u8(..);
                    }
                }
                2 => {
                    let mut json = parameters(&[record()]).to_string().into_bytes();
                    let at = random.usize(0..json.len());
                    json[at] = random.u8(..);
                    bytes = BASE64_STANDARD.encode(json).into_bytes();
                }
                // Cut off.
                _ => bytes.truncate(random.usize(0..bytes.len())),
            }
            match read(&bytes, &default()) {
                Ok(_) => read_well += 1,
                Err(stop) => {
                    assert!(matches!(stop.code, Code::Input | Code::Record | Code::Ambiguous), "{stop:?}");
                    assert!(!stop.message.contains("canary"), "{stop:?}");
                }
            }
        }
        assert!(read_well > 10, "{read_well}: nothing that is nearly right is read");
    }
}
