//! Keeper's protocol: what comes on stdin, what goes out, and the exit code.

use serde_json::{Value, json};

use crate::world::{LOGIN, NEW, OLD, World, encoded, piped};

/// What a payload leads to.
struct Case {
    name: &'static str,
    input: Vec<u8>,
    arguments: &'static [&'static str],
    code: i32,
}

/// Prepares the org, and makes a payload.
fn thirty(world: &World) -> Vec<Case> {
    let parameters = |change: &dyn Fn(&mut Value)| {
        let mut parameters = world.parameters();
        change(&mut parameters);
        piped(&parameters)
    };
    let set = |name: &'static str, value: Value| parameters(&|all| all[name] = value.clone());
    let record = |change: &dyn Fn(&mut Value)| {
        let mut record = world.record();
        change(&mut record);
        parameters(&|all| all["records"] = encoded(&json!([record])).into())
    };
    let field = |name: &'static str, value: Value| record(&|all| all[name] = value.clone());
    let case = |name, input, code| Case { name, input, arguments: &[], code };
    let with = |name, input, arguments, code| Case { name, input, arguments, code };
    let plain = || parameters(&|_| {});
    let text = String::from_utf8(plain()).unwrap();
    let wide: Vec<u8> =
        [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    vec![
        case("a shell's pipe", plain(), 0),
        case("Windows line ends and quotes", format!("\"{}\"\r\n", text.trim()).into(), 0),
        case("PowerShell's UTF-16", wide, 0),
        case("the title of the script", field("title", "ROT5: Okta API Access Details".into()), 0),
        case(
            "labels of people",
            record(&|all| {
                let token = all["password"].take();
                let url = all["url"].take();
                all["API Token"] = json!([token]);
                all["Website Address"] = url;
            }),
            0,
        ),
        case("a login in another case", set("user", "USER@acme.test".into()), 0),
        case("old equals new, and works", parameters(&|all| all["newPassword"] = OLD.into()), 0),
        case("no old password, and the new one does not work", set("oldPassword", Value::Null), 14),
        with("the same, reconciled", set("oldPassword", Value::Null), &["--on-mismatch", "reconcile"], 0),
        case("a wrong old password", set("oldPassword", "Wr0ng-one".into()), 14),
        with(
            "the same, reconciled",
            set("oldPassword", "Wr0ng-one".into()),
            &["--on-mismatch", "reconcile"],
            0,
        ),
        case("a password that is too short", set("newPassword", "Sh0rt".into()), 15),
        case("the login in the password", set("newPassword", "The-user-Passw0rd-1".into()), 15),
        case("nothing", Vec::new(), 10),
        case("no base64", b"hello, world!\n".to_vec(), 10),
        case("no JSON", b"aGVsbG8=\n".to_vec(), 10),
        case("no new password", set("newPassword", Value::Null), 10),
        case("no user", set("user", "".into()), 10),
        case("records that are none", set("records", "%".into()), 10),
        case("no records", set("records", encoded(&json!([])).into()), 11),
        case("another title", field("title", "Something".into()), 11),
        with("another title, by uid", field("title", "Something".into()), &["--record-uid", "record-1"], 0),
        with(
            "another title, by title",
            field("title", "Something".into()),
            &["--record-title", "Something"],
            0,
        ),
        case("a record without a URL", field("url", Value::Null), 11),
        case("a URL in the clear", field("url", "http://acme.okta.test".into()), 11),
        case("a record with both credentials", field("Client ID", "0oa1".into()), 11),
        case(
            "two records",
            parameters(&|all| {
                all["records"] = encoded(&json!([world.record(), world.record()])).into();
            }),
            13,
        ),
        case("nobody", set("user", "nobody@acme.test".into()), 12),
        case("a token that is revoked", field("password", "00nothing".into()), 21),
        with("a word too many", plain(), &["now"], 64),
    ]
}

/// Each payload, with its code: 0 where the new password works, and there alone.
#[tokio::test]
async fn kee_02_kee_16_thirty_payloads_have_thirty_codes() {
    let world = World::start().await;
    let cases = thirty(&world);
    assert_eq!(cases.len(), 30);
    for Case { name, input, arguments, code } in cases {
        world.okta.reset();
        let run = world.keeper_of(arguments, input).await;
        println!("| {name} | {code} |");
        assert_eq!(run.code, code, "{name}: {run:?}");
        assert_eq!(run.line["code"], if code == 64 { Value::Null } else { code.into() }, "{name}: {run:?}");
        let same = name.starts_with("old equals");
        assert_eq!(code == 0 && !same, !world.okta.is_password(LOGIN, OLD), "{name}: {run:?}");
        // KEE-16: nothing of the input comes out again.
        for secret in [NEW, OLD, "Wr0ng", "Sh0rt", &world.token, "@"] {
            assert!(!run.text.contains(secret), "{name}: {run:?}");
        }
        assert!(code == 64 || run.text.ends_with("}\n"), "nothing on stderr: {run:?}");
    }
}

/// A user who cannot be found, or not told apart, and one whose state does not allow it.
#[tokio::test]
async fn kee_04_and_kee_11_who_and_in_which_state() {
    let world = World::start().await;
    world.okta.configure(|settings| {
        let user = okta_emulator::UserSettings { provider: Some("LDAP".to_owned()), ..Default::default() };
        settings.users.insert(LOGIN.to_owned(), user);
    });
    let run = world.keeper(&[], &world.parameters()).await;
    assert_eq!((run.code, &run.line["steps"]), (16, &json!(["lookup"])), "{run:?}");
    assert!(run.line["message"].as_str().unwrap().contains("directory"), "{run:?}");
}

/// Killed at every call: the same payload again ends with the new password, whatever was done.
#[tokio::test]
async fn kee_10_killed_at_every_call_the_same_payload_converges() {
    let world = World::start().await;
    let mut killed = 0;
    for call in 1.. {
        world.okta.reset();
        let hold = okta_emulator::Action { delay_ms: 60_000, ..Default::default() };
        let mut fault = okta_emulator::Fault::on_call(call, 1, hold);
        fault.action.status = Some(500);
        world.okta.order(fault);
        let arrivals = world.okta.arrivals();
        let mut child = world.spawn(&[]);
        let mut input = child.stdin.take().unwrap();
        std::io::Write::write_all(&mut input, &piped(&world.parameters())).unwrap();
        drop(input);
        // Nothing of the payload is in the list of processes.
        let cmdline = std::fs::read(format!("/proc/{}/cmdline", child.id())).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&cmdline).contains("Passw0rd"));
        let arrived = tokio::time::timeout(
            std::time::Duration::from_secs(5),
            world.okta.wait_for_arrivals(arrivals + call),
        );
        if arrived.await.is_err() {
            // It has no more calls.
            assert_eq!(child.wait().unwrap().code(), Some(0));
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        killed += 1;
        world.okta.clear_faults();
        let again = world.keeper(&[], &world.parameters()).await;
        assert_eq!(
            (again.code, world.works(), world.status().as_str()),
            (0, NEW, "ACTIVE"),
            "{call}: {again:?}"
        );
        assert!(world.failed_sign_ins() <= 1, "{call}: {again:?}");
    }
    assert!(killed >= 3, "{killed}");
}

/// An admin's password is set by nobody who does not say so; the line names the option.
#[tokio::test]
async fn an_admin_is_reconciled_only_with_allow_admins() {
    let world = World::start().await;
    let mut stale = world.parameters();
    stale["user"] = "superuser@demo.test".into();
    stale["oldPassword"] = "Wr0ng-one".into();
    let run = world.keeper(&["--on-mismatch", "reconcile"], &stale).await;
    assert_eq!((run.code, &run.line["outcome"]), (19, &json!("refused")), "{run:?}");
    assert!(run.line["message"].as_str().unwrap().contains("`--allow-admins`"), "{run:?}");
    let run = world.keeper(&["--on-mismatch", "reconcile", "--allow-admins"], &stale).await;
    assert_eq!((run.code, &run.line["outcome"]), (0, &json!("reconciled")), "{run:?}");
}

/// What a run would do, without a change.
#[tokio::test]
async fn a_dry_run_changes_nothing() {
    let world = World::start().await;
    let run = world.keeper(&["--dry-run"], &world.parameters()).await;
    assert_eq!((run.code, &run.line["would"], world.works()), (0, &"change".into(), OLD), "{run:?}");
    assert!(run.line.get("outcome").is_none());
    assert!(world.okta.journal().iter().all(|call| call.method == "GET"));
}

/// KEE-17: sessions end with the old password, and tokens if that is wanted.
#[tokio::test]
async fn kee_17_sessions_and_tokens_end() {
    for (revoke, calls) in [("none", 0), ("sessions", 0), ("sessions+tokens", 1)] {
        let world = World::start().await;
        let session = world.session().await;
        let run = world.keeper(&["--revoke", revoke], &world.parameters()).await;
        assert_eq!(run.code, 0, "{run:?}");
        assert_eq!(world.is_session(&session).await, revoke == "none", "{revoke}");
        let journal = world.okta.journal();
        let ended = journal.iter().filter(|call| call.operation_id == Some("revokeUserSessions")).count();
        assert_eq!(ended, calls, "{revoke}");
        // An admin's right ends no session by itself.
        world.okta.reset();
        let session = world.session().await;
        let mut stale = world.parameters();
        stale["oldPassword"] = "Wr0ng-one".into();
        let run = world.keeper(&["--revoke", revoke, "--on-mismatch", "reconcile"], &stale).await;
        assert_eq!(run.code, 0, "{run:?}");
        assert_eq!(world.is_session(&session).await, revoke == "none", "{revoke}");
        let journal = world.okta.journal();
        let ended = journal.iter().filter(|call| call.operation_id == Some("revokeUserSessions")).count();
        assert_eq!(ended, usize::from(revoke != "none"), "{revoke}");
    }
}

/// KEE-13: the connection that `okta-dac connect --preset rotation` makes is enough, and a
/// record of Keeper's holds it.
#[tokio::test]
async fn kee_13_a_service_app_of_the_preset_rotation_is_enough() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("rotation.json");
    let bootstrap = world.okta.api_token("superuser@demo.test").unwrap();
    let (org, place) = (world.okta.url(), format!("file:{}", to.display()));
    let mut command = std::process::Command::new(tests::binaries().join("okta-dac"));
    command.args([
        "connect",
        "service-app",
        "--org",
        &org,
        "--preset",
        "rotation",
        "--key",
        "p-256",
        "--to",
        &place,
    ]);
    command.env_clear().stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    command.stderr(std::process::Stdio::piped());
    let child = command.spawn().unwrap();
    let run = tokio::task::spawn_blocking(move || {
        let mut child = child;
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), bootstrap.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    });
    let run = run.await.unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let made: Value = serde_json::from_str(&std::fs::read_to_string(&to).unwrap()).unwrap();
    let record = json!({
        "uid": "r", "title": "Okta API Access Details", "Website Address": org, "Client ID": made["clientId"],
        "Private Key": made["privateKey"], "Key ID": made["keyId"],
    });
    let mut parameters = world.parameters();
    parameters["records"] = encoded(&json!([record])).into();
    let run = world.keeper(&[], &parameters).await;
    assert_eq!((run.code, world.works()), (0, NEW), "{run:?}");
}
