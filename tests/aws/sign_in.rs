//! Factors and states of a sign-in.

use okta_dac::aws::http::Okta;
use okta_dac::aws::sign_in::Secrets;
use okta_dac::aws::sign_in::classic::SignIn;
use okta_dac::aws::sign_in::factors::Asked;
use okta_dac::aws::sign_in::webauthn::{Authenticator, Signed, client_data};
use okta_emulator::{Assurance, PushResult};
use serde_json::json;

use crate::world::{PASSWORD, READER, TOTP, USER, WITH_FACTOR, World, credentials};

/// AWS-18: a code is never sent twice, however fast sign-ins follow each other.
#[tokio::test]
async fn a_code_is_sent_once() {
    let world = World::set_up_with_factor().await;
    world.run(&["logout"]).await.ok();
    // The second code of this period would be the same: the process waits, or says so.
    let second = world.run(&["get-cred", "--role-arn", READER, "--timeout", "1"]).await;
    assert!(matches!(second.code, 0 | 5), "{second:?}");
    let refused = world
        .okta
        .journal()
        .into_iter()
        .filter(|entry| entry.operation_id == Some("authnVerifyFactor") && entry.status == 403);
    assert_eq!(refused.count(), 0);
}

/// OPEN-6: with a terminal a person is asked there, and stdout stays clean.
#[tokio::test]
async fn open_6_a_code_is_typed_on_the_terminal() {
    let world = World::start().await;
    world.init(json!({ "totpSeed": "" })).await.refused(2);
    let code = okta_emulator::totp(crate::world::TOTP, 0);
    let settings = json!({
        "ssoUrl": format!("{}/app/amazon_aws/exk1awsaccount000001/sso/saml", world.okta.url()), "store": "file",
        "username": "user@acme.test", "password": crate::world::PASSWORD,
    });
    let arguments = ["init", "--stdin-json", "--no-verify", "--mode", "classic"];
    world.run_with(&arguments, settings.to_string().into_bytes()).await.ok();
    world.get_cred(READER).await.refused(10);
    let (run, seen) = world
        .run_with_terminal(&["get-cred", "--role-arn", READER], move |seen| {
            seen.contains("code of an app").then(|| code.clone())
        })
        .await;
    credentials(&run.ok());
    assert!(seen.contains("Code, code of an app (GOOGLE user@acme.test)"), "{seen}");
}

/// An org in which the user has one factor besides the password, set up.
async fn with_factor(kind: &str, secret: &str) -> World {
    let world = prepared(kind, secret).await;
    let arguments = ["init", "--stdin-json", "--no-verify", "--mode", "classic"];
    let settings = json!({
        "ssoUrl": format!("{}/app/amazon_aws/exk1awsaccount000001/sso/saml", world.okta.url()), "store": "file",
        "username": USER, "password": PASSWORD,
    });
    world.run_with(&arguments, settings.to_string().into_bytes()).await.ok();
    world
}

async fn prepared(kind: &str, secret: &str) -> World {
    let mut seed = okta_emulator::Seed::parse(okta_emulator::DEMO_ORG).unwrap();
    let user = seed.users.iter_mut().find(|user| user.login == USER).unwrap();
    user.factors.insert(kind.to_owned(), secret.to_owned());
    World::with_seed(seed).await
}

/// AWS-13: what a person reads, types, or does on the phone.
#[tokio::test]
async fn every_factor_that_a_person_types() {
    for (kind, secret, question, answer) in [
        ("sms", "", "text message", "123456"),
        ("call", "", "phone call", "123456"),
        ("email", "", "e-mail", "123456"),
        ("token:hardware", "778899", "code of a token", "778899"),
        ("question", "spinach", "least liked as a child", "spinach"),
    ] {
        let world = with_factor(kind, secret).await;
        world.get_cred(READER).await.refused(10);
        let (run, seen) = world
            .run_with_terminal(&["get-cred", "--role-arn", READER], move |seen| {
                seen.contains(question).then(|| answer.to_owned())
            })
            .await;
        assert!(seen.contains(question), "{kind}: {seen}");
        credentials(&run.ok());
    }
}

#[tokio::test]
async fn a_wrong_code_is_not_tried_again() {
    let world = with_factor("token:hardware", "778899").await;
    let arguments = ["get-cred", "--role-arn", READER];
    let (run, _) =
        world.run_with_terminal(&arguments, |seen| seen.contains("Code,").then(|| "000000".to_owned())).await;
    assert!(run.refused(5).contains("refuses the code"));
    assert_eq!(world.okta_calls("authnVerifyFactor"), 1, "AWS-15: and the app is not opened with nothing");
    assert_eq!(world.okta_calls("openSamlApp"), 1, "the look for a session alone");
}

/// One message in 30 seconds.
#[tokio::test]
async fn a_second_message_has_to_wait() {
    let world = with_factor("sms", "").await;
    let mut fault = okta_emulator::Fault::on_call(
        1,
        9,
        okta_emulator::Action { status: Some(429), ..Default::default() },
    );
    fault.operation_id = Some("authnVerifyFactor".to_owned());
    world.okta.order(fault);
    let arguments = ["get-cred", "--role-arn", READER, "--timeout", "5"];
    let (run, _) = world.run_with_terminal(&arguments, |_| None).await;
    assert!(run.refused(9).contains("one message in 30 s"));
}

#[tokio::test]
async fn a_push_that_is_approved_refused_or_forgotten() {
    for (result, code, said) in [
        (PushResult::Success, 0, ""),
        (PushResult::Rejected, 5, "refused on the phone"),
        (PushResult::Timeout, 5, "nobody answered"),
    ] {
        let world = with_factor("push", "").await;
        world.okta.configure(|settings| settings.sign_in.push_result = result);
        // Nobody is asked on the phone who cannot know of what.
        world.get_cred(READER).await.refused(10);
        assert_eq!(world.okta_calls("authnVerifyFactor"), 0);
        let (run, _) = world.run_with_terminal(&["get-cred", "--role-arn", READER], |_| None).await;
        assert!(run.code == code && run.stderr.contains(said), "{run:?}");
    }
}

/// A poll that fails is no refusal: the request on the phone lives on.
#[tokio::test]
async fn a_push_outlives_a_failed_poll() {
    let fails = okta_emulator::Action { status: Some(503), ..Default::default() };
    let limits = okta_emulator::Action { rate_limit: true, ..Default::default() };
    for (status, action) in [(503, fails), (429, limits)] {
        let world = with_factor("push", "").await;
        let mut fault = okta_emulator::Fault::on_call(2, 1, action);
        fault.operation_id = Some("authnVerifyFactor".to_owned());
        world.okta.order(fault);
        let (run, _) = world.run_with_terminal(&["get-cred", "--role-arn", READER], |_| None).await;
        credentials(&run.ok());
        let failed = world.okta.journal().iter().filter(|call| call.status == status).count();
        assert_eq!(failed, 1, "the fault came");
    }
}

/// Who is refused is told what else there is.
#[tokio::test]
async fn a_refused_factor_names_the_others() {
    let mut seed = okta_emulator::Seed::parse(okta_emulator::DEMO_ORG).unwrap();
    let user = seed.users.iter_mut().find(|user| user.login == USER).unwrap();
    for (kind, secret) in [("token:hardware", "778899"), ("question", "spinach")] {
        user.factors.insert(kind.to_owned(), secret.to_owned());
    }
    let world = World::with_seed(seed).await;
    let arguments = ["init", "--stdin-json", "--no-verify"];
    let settings = json!({
        "ssoUrl": format!("{}/app/amazon_aws/exk1awsaccount000001/sso/saml", world.okta.url()), "store": "file",
        "username": USER, "password": PASSWORD,
    });
    world.run_with(&arguments, settings.to_string().into_bytes()).await.ok();
    let arguments = ["get-cred", "--role-arn", READER, "--factor", "token:hardware"];
    let (run, _) =
        world.run_with_terminal(&arguments, |seen| seen.contains("Code,").then(|| "000000".to_owned())).await;
    let message = run.refused(5);
    assert!(message.contains("another factor: `--factor question`"), "{message}");
}

/// Other programs trust the machine's clock.
#[tokio::test]
async fn a_clock_that_goes_wrong_is_said() {
    let world = World::start().await;
    world.okta.configure(|settings| settings.clock_offset_ms = 600_000);
    world.aws.configure(|settings| settings.clock_offset_ms = 600_000);
    world.init(json!({})).await.ok();
    let run = world.get_cred(READER).await;
    assert!(run.stderr.contains("s behind AWS's"), "{run:?}");
    credentials(&run.ok());
}

/// OPEN-8: the number is on the terminal, once, and nowhere else.
#[tokio::test]
async fn open_8_the_number_to_tap_is_shown_once() {
    let world = with_factor("push", "").await;
    world.okta.configure(|settings| {
        settings.sign_in.push_polls = 3;
        settings.sign_in.push_number = Some(92);
    });
    let arguments = ["get-cred", "--role-arn", READER, "-v"];
    let (run, seen) = world.run_with_terminal(&arguments, |_| None).await;
    assert_eq!(seen.matches("92").count(), 1, "{seen}");
    assert!(seen.contains("Tap the number 92"), "{seen}");
    assert!(!run.stderr.contains("92"), "{run:?}");
    credentials(&run.ok());
    world.run(&["logout"]).await.ok();
    world.get_cred(READER).await.refused(10);
}

/// AWS-14: every status has a name and a code.
#[tokio::test]
async fn states_of_an_account() {
    for (status, code, said) in [
        ("LOCKED_OUT", 6, "locked"),
        ("PASSWORD_EXPIRED", 6, "expired"),
        ("PASSWORD_RESET", 6, "expired"),
        ("MFA_ENROLL", 6, "set up a factor"),
        ("MFA_ENROLL_ACTIVATE", 6, "set up a factor"),
        ("RECOVERY", 6, "recovered"),
        ("SOMETHING_NEW", 8, "SOMETHING_NEW"),
    ] {
        let world = World::start().await;
        world.okta.configure(|settings| settings.sign_in.status = Some(status.to_owned()));
        let message = world.init(json!({})).await.refused(code);
        assert!(message.contains(said), "{status}: {message}");
    }
    let world = World::start().await;
    world.okta.configure(|settings| settings.sign_in.status = Some("PASSWORD_WARN".to_owned()));
    world.init(json!({})).await.ok();
    let world = World::start().await;
    world.okta.configure(|settings| settings.sign_in.status = Some("PASSWORD_WARN".to_owned()));
    world.init(json!({ "username": WITH_FACTOR, "totpSeed": TOTP })).await.ok();
}

/// AWS-16: a factor that the app wants, after a sign-in with the password alone; cookies of
/// every redirect count.
#[tokio::test]
async fn an_app_wants_a_factor_of_its_own() {
    let world = with_factor("token:hardware", "778899").await;
    world.okta.configure(|settings| settings.app_factor = vec!["0oa1awsaccount000001".to_owned()]);
    let arguments = ["get-cred", "--role-arn", READER];
    let (run, seen) =
        world.run_with_terminal(&arguments, |seen| seen.contains("Code,").then(|| "778899".to_owned())).await;
    credentials(&run.ok());
    assert_eq!(seen.matches("Code,").count(), 1, "{seen}");
    assert_eq!(world.okta_calls("sessionCookieRedirect"), 1);
}

/// A security key in software: P-256, as WebAuthn has it.
struct SoftwareKey(aws_lc_rs::signature::EcdsaKeyPair);

impl Authenticator for SoftwareKey {
    fn sign(&self, origin: &str, challenge: &str, _credential: &str) -> Result<Signed, String> {
        let client = client_data(origin, challenge);
        let hash = |bytes: &[u8]| aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
        let host = origin.split("//").nth(1).unwrap().split(':').next().unwrap();
        // RP id hash, user present, counter.
        let data = [hash(host.as_bytes()).as_ref(), &[1, 0, 0, 0, 1]].concat();
        let message = [&data[..], hash(&client).as_ref()].concat();
        let signature =
            self.0.sign(&aws_lc_rs::rand::SystemRandom::new(), &message).map_err(|_| "no".to_owned())?;
        Ok(Signed::encode(&client, &data, signature.as_ref()))
    }
}

/// Section 2.1: a challenge for a security key.
#[tokio::test]
async fn a_security_key_signs_a_challenge() {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
    let public = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, pair.public_key().as_ref());
    let world = with_factor("webauthn", &public).await;
    // The program has no driver for keys, and says what works.
    let message = world.get_cred(READER).await.refused(5);
    assert!(message.contains("--mode device"), "{message}");
    let url: url::Url = world.okta.url().parse().unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let okta = Okta::new(okta_dac::aws::http::client().unwrap(), url.clone(), Default::default(), deadline);
    let place = okta_dac::aws::files::Place::new(world.state().parent().unwrap());
    let (mut terminal, key) = (okta_dac::terminal::Terminal::new(false), SoftwareKey(pair));
    let person = Asked {
        terminal: &mut terminal,
        place: &place,
        org: "default",
        factor: None,
        authenticator: Some(&key),
    };
    let mut secrets = Secrets::default();
    secrets.password = Some(PASSWORD.to_owned());
    let app = url.join("/app/amazon_aws/exk1awsaccount000001/sso/saml").unwrap();
    let mut sign_in = SignIn { okta: &okta, app: &app, username: USER, secrets: &secrets, person };
    assert_eq!(sign_in.assertion().await.unwrap().roles.len(), 6);
}

/// OPEN-7: a kept sign-in that is too old for the app is made anew, once; one that can never
/// be good enough is said, and not tried again and again.
#[tokio::test]
async fn open_7_assurance_of_the_app() {
    let app = "0oa1awsaccount000001".to_owned();
    let world = crate::device::set_up().await;
    let person = || crate::device::browser(world.okta.url());
    let arguments = ["get-cred", "--role-arn", READER, "--no-cache", "--max-stale", "99999"];
    credentials(&world.run_with_terminal(&arguments, person()).await.0.ok());
    // Ten minutes later, for an app that wants two.
    world.okta.configure(|settings| {
        settings.clock_offset_ms = 600_000;
        settings.assurance.insert(app.clone(), Assurance::StaleAfterSeconds(120));
    });
    world.aws.configure(|settings| settings.clock_offset_ms = 600_000);
    world.forget_calls();
    world.run(&["refresh", "--no-input"]).await.refused(10);
    credentials(&world.run_with_terminal(&arguments, person()).await.0.ok());
    assert_eq!(world.okta_calls("deviceAuthorize"), 1);
    world.okta.configure(|settings| {
        settings.assurance.insert(app.clone(), Assurance::Never);
    });
    world.run(&["logout"]).await.ok();
    world.forget_calls();
    let message = world.run_with_terminal(&arguments, person()).await.0.refused(6);
    assert!(message.contains("the same authentication policy"), "{message}");
    assert_eq!(world.okta_calls("deviceAuthorize"), 1, "no loop");
}
