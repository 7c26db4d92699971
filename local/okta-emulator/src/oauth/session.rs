//! Sessions of browsers.

use crate::call::Call;
use crate::clock::okta_time;
use crate::org::Org;
use crate::org::live::Session;
use crate::random::random;

/// A session that a browser keeps in the cookie `sid`.
pub(crate) fn start_session(org: &mut Org, call: &Call, user: &str, amr: Vec<String>) -> (Session, String) {
    let now = call.now.as_second();
    let session = Session {
        id: format!("102{}", random()),
        user: user.to_owned(),
        created: now,
        expires: now + 7_200,
        amr,
    };
    org.live.sessions.insert(session.id.clone(), session.clone());
    if let Ok(user) = org.user_mut(user, call.now) {
        user.last_login = Some(okta_time(call.now));
    }
    let cookie = format!("sid={}; Path=/; HttpOnly; SameSite=Lax", session.id);
    (session, cookie)
}
