//! What Okta does not document, one way and the other.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod world;

use connections::preset::{PRESETS, Preset, Role};
use connections::probes::Got;
use connections::stop::Code;

use crate::world::World;

/// The description of Okta's API and its guide disagree about bound tokens of service apps.
#[tokio::test]
async fn tokens_are_bound_where_okta_allows_it() {
    for (at_create, at_replace, bound) in [(true, false, true), (true, true, false)] {
        let world = World::start().await;
        world.emulator.configure(|settings| {
            settings.dpop_refused_at_create = at_create;
            settings.dpop_refused_at_replace = at_replace;
        });
        let report = world.connect(&world.wanted("dac-read"), &world.token()).await.unwrap();
        let stored = world.sink().read().await.unwrap().unwrap();
        assert_eq!((report.dpop, stored.dpop), (bound, bound));
        let proof = report.probes.iter().find(|probe| probe.what == "call without a proof of its key");
        assert_eq!(proof.map(|probe| probe.got == Got::RefusedWithoutProof), bound.then_some(true));
        world.works().await;
        assert_eq!(world.apps(), [1]);
    }
}

#[tokio::test]
async fn grants_that_take_effect_late_are_waited_for() {
    let world = World::start().await;
    world.emulator.configure(|settings| settings.grants_late_ms = 600);
    world.connect(&world.wanted("dac-read"), &world.token()).await.unwrap();
    world.works().await;
}

/// In an org that looks for an object first, 404 says nothing about a right: no preset is taken
/// for too strong, and one that is too strong is still found.
#[tokio::test]
async fn an_answer_about_nobody_says_nothing_where_objects_come_first() {
    for preset in &PRESETS {
        let world = World::start().await;
        world.emulator.configure(|settings| settings.existence_before_rights = true);
        let report = world.connect(&world.wanted(preset.name), &world.token()).await.unwrap();
        let refused = report.probes.iter().filter(|probe| probe.expected == "refused");
        assert!(refused.clone().all(|probe| probe.got != Got::Allowed), "{:?}", report.probes);
    }
    static STRONG: Preset = Preset { may: &[], ..PRESETS[4] };
    let world = World::start().await;
    world.emulator.configure(|settings| settings.existence_before_rights = true);
    let wanted = connections::plan::Wanted { preset: &STRONG, ..world.wanted("dac") };
    let stop = world.connect(&wanted, &world.token()).await.unwrap_err();
    assert_eq!(stop.code, Code::TooStrong, "{stop}");
}

/// A role that may delete users and may not make them answers as an org does that looks for an
/// object first.
#[tokio::test]
async fn a_right_to_delete_alone_is_found_in_either_kind_of_org() {
    static DELETES: Preset = Preset {
        role: Role::Custom {
            label: "okta-dac rotator",
            permissions: &["okta.users.read", "okta.users.lifecycle.manage"],
        },
        ..PRESETS[3]
    };
    for existence_first in [false, true] {
        let world = World::start().await;
        world.emulator.configure(|settings| settings.existence_before_rights = existence_first);
        let wanted = connections::plan::Wanted { preset: &DELETES, ..world.wanted("rotation") };
        let stop = world.connect(&wanted, &world.token()).await.unwrap_err();
        assert!(stop.code == Code::TooStrong && stop.sentence.contains("it may suspend a user"), "{stop}");
    }
}
