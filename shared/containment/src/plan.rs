//! What will be done, step by step.

use crate::Action;

/// What becomes of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Will {
    /// It is done.
    Do,
    /// Nothing is to be done: the user is as the step would make them.
    Already,
    /// It cannot be done, and why.
    Skip(String),
}

/// A step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The action that it belongs to.
    pub action: Action,
    /// Id of the group, for [`Action::RemoveFromGroups`] and [`Action::Quarantine`].
    pub group: Option<String>,
    /// Id and kind of the role's assignment, for [`Action::RemoveAdminRoles`].
    pub role: Option<(String, String)>,
    /// What becomes of it.
    pub will: Will,
}

impl Step {
    pub(crate) fn new(action: Action, will: Will) -> Self {
        Self { action, group: None, role: None, will }
    }

    pub(crate) fn on_group(action: Action, group: &str, will: Will) -> Self {
        Self { group: Some(group.to_owned()), ..Self::new(action, will) }
    }
}

/// The steps of a response, in the order in which they are taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The steps.
    pub steps: Vec<Step>,
}

impl Plan {
    /// Whether the user cannot sign in when all of it is done.
    pub fn contains(&self) -> bool {
        self.steps.iter().any(|step| step.action.contains() && !matches!(step.will, Will::Skip(_)))
    }
}
