//! The facts about the template of a standard change.

use schemars::JsonSchema;
use serde::Serialize;

use crate::evidence::LoggedUse;
use crate::org::Org;
use crate::request::ChangeRequest;
use crate::template::BadParameter;
use crate::terms::{Name, RiskTier};

/// What is known of the template that a request uses.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TemplateFacts<'a> {
    /// Its name; null if the request names none.
    pub name: Option<&'a Name>,
    /// Whether there is one with that name.
    pub known: bool,
    /// What is wrong with the request's parameters.
    pub parameters: Vec<BadParameter>,
    /// JSON pointers to the parts of the request that aren't what the template says.
    pub differs: Vec<String>,
    /// The highest tier of a use; null if there is no such template.
    pub tier_at_most: Option<RiskTier>,
    /// Uses that failed, were rolled back or led to an incident since the template was changed last.
    pub suspended_by: &'a [LoggedUse],
}

/// Returns what is known of a request's template; `None` if it uses none.
pub(super) fn template<'a>(
    request: Option<&'a ChangeRequest>,
    org: &'a Org,
    suspended_by: &'a [LoggedUse],
) -> Option<TemplateFacts<'a>> {
    let (request, used) = request.and_then(|it| Some((it, it.template.as_ref()?)))?;
    let name = used.name.as_ref();
    let known = name.and_then(|name| org.templates.get(name));
    let (differs, parameters) = match known.map(|it| it.differs(&used.parameters, request)) {
        Some(Ok(differs)) => (differs, Vec::new()),
        Some(Err(bad)) => (Vec::new(), bad),
        None => (Vec::new(), Vec::new()),
    };
    Some(TemplateFacts {
        name,
        known: known.is_some(),
        parameters,
        differs,
        tier_at_most: known.map(|it| it.tier_at_most),
        suspended_by,
    })
}
