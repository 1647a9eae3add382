//! Alerts that another alert makes pointless: when the switch is down, nobody needs to hear of each host behind it.
//!
//! While an alert that fits `source` fires, those that fit `target` and have the same values of the labels in `equal`
//! are not sent. An alert never inhibits itself, nor one that fits both sides another that does.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::matcher::{self, Matcher, Subject};
use crate::alert::{Alert, KeyHash};
use crate::pipeline::InvalidConfig;

/// A rule as the settings say it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct InhibitRule {
    /// What explanations call it.
    pub name: String,
    /// The alerts that inhibit; at least one matcher.
    pub source: Vec<Matcher>,
    /// The alerts that are inhibited; at least one matcher.
    pub target: Vec<Matcher>,
    /// Labels (or `source`, `severity`) whose values must be the same in both.
    pub equal: Vec<String>,
}

/// An alert is inhibited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Inhibited {
    /// By this rule.
    pub(crate) rule: String,
    /// With these equal labels.
    pub(crate) equal: String,
}

/// The rules, and which alerts that inhibit fire.
#[derive(Debug)]
pub(crate) struct Inhibitor {
    rules: Vec<Rule>,
    /// For each alert that fires: in which rules with which values.
    sources: HashMap<KeyHash, Vec<(usize, Values)>>,
}

type Values = Vec<String>;

#[derive(Debug)]
struct Rule {
    config: InhibitRule,
    equal: Vec<Subject>,
    firing: HashMap<Values, HashSet<KeyHash>>,
}

// === impl InhibitRule ===

impl InhibitRule {
    /// While what fits `source` fires, what fits `target` is not sent, where the labels `equal` are the same.
    #[must_use]
    pub fn new<S: Into<String>>(
        name: impl Into<String>,
        source: impl IntoIterator<Item = Matcher>,
        target: impl IntoIterator<Item = Matcher>,
        equal: impl IntoIterator<Item = S>,
    ) -> Self {
        Self {
            name: name.into(),
            source: source.into_iter().collect(),
            target: target.into_iter().collect(),
            equal: equal.into_iter().map(Into::into).collect(),
        }
    }
}

// === impl Inhibitor ===

impl Inhibitor {
    pub(crate) fn new(configs: &[InhibitRule]) -> Result<Self, InvalidConfig> {
        let rules = configs.iter().enumerate().map(|(i, config)| {
            let key = format!("inhibit[{i}]");
            if config.source.is_empty() || config.target.is_empty() {
                return Err(InvalidConfig::new(key, "needs a matcher for source and one for target"));
            }
            let subject = |name: &String| {
                Subject::named(name).ok_or_else(|| InvalidConfig::new(&key, format!("`{name}` is no label name")))
            };
            let equal = config.equal.iter().map(subject).collect::<Result<_, _>>()?;
            Ok(Rule { config: config.clone(), equal, firing: HashMap::new() })
        });
        Ok(Self { rules: rules.collect::<Result<_, _>>()?, sources: HashMap::new() })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Notes an alert that fires. True when it inhibits others.
    pub(crate) fn fires(&mut self, key: KeyHash, alert: &Alert) -> bool {
        if self.rules.is_empty() {
            return false;
        }
        self.ends(key);
        let mut places = Vec::new();
        for (i, rule) in self.rules.iter_mut().enumerate() {
            if matcher::all(&rule.config.source, alert) {
                let values = rule.values(alert);
                rule.firing.entry(values.clone()).or_default().insert(key);
                places.push((i, values));
            }
        }
        let inhibits = !places.is_empty();
        if inhibits {
            self.sources.insert(key, places);
        }
        inhibits
    }

    /// Forgets an alert. True when it inhibited others, which have to be looked at again.
    pub(crate) fn ends(&mut self, key: KeyHash) -> bool {
        let Some(places) = self.sources.remove(&key) else { return false };
        for (i, values) in places {
            let Some(rule) = self.rules.get_mut(i) else { continue };
            if let Some(keys) = rule.firing.get_mut(&values) {
                keys.remove(&key);
                if keys.is_empty() {
                    rule.firing.remove(&values);
                }
            }
        }
        true
    }

    /// Whether another alert inhibits this one now.
    pub(crate) fn check(&self, key: KeyHash, alert: &Alert) -> Option<Inhibited> {
        self.rules.iter().find_map(|rule| {
            if rule.firing.is_empty()
                || !matcher::all(&rule.config.target, alert)
                || matcher::all(&rule.config.source, alert)
            {
                return None;
            }
            let values = rule.values(alert);
            let others = rule.firing.get(&values)?;
            others.iter().any(|other| *other != key).then(|| rule.inhibited(&values))
        })
    }
}

impl Rule {
    fn values(&self, alert: &Alert) -> Values {
        self.equal.iter().map(|subject| subject.of(alert).to_owned()).collect()
    }

    fn inhibited(&self, values: &Values) -> Inhibited {
        let equal = self.equal.iter().zip(values).map(|(s, v)| format!("{}=\"{v}\"", s.name()));
        Inhibited { rule: self.config.name.clone(), equal: equal.collect::<Vec<_>>().join(", ") }
    }
}

#[cfg(test)]
mod tests {
    use sre_core::Severity;

    use super::*;

    fn alert(title: &str, dc: &str) -> (KeyHash, Alert) {
        let alert = Alert::builder(Severity::Critical, title).source(dc).label("dc", dc);
        let alert = alert.starts_at(jiff::Timestamp::UNIX_EPOCH).build().unwrap();
        (KeyHash::of(&alert), alert)
    }

    fn inhibitor() -> Inhibitor {
        let m = |text: &str| text.parse::<Matcher>().unwrap();
        Inhibitor::new(&[InhibitRule::new("switch", [m("title=switch down")], [m("title!~never.*")], ["dc"])]).unwrap()
    }

    #[test]
    fn only_while_the_source_fires_and_only_in_the_same_place() {
        let mut inhibitor = inhibitor();
        let (switch, (host, host_alert)) = (alert("switch down", "eu"), alert("host down", "eu"));
        let (other, other_alert) = alert("host down", "us");
        assert_eq!(inhibitor.check(host, &host_alert), None);
        assert!(inhibitor.fires(switch.0, &switch.1));
        let by = inhibitor.check(host, &host_alert).unwrap();
        assert_eq!((by.rule.as_str(), by.equal.as_str()), ("switch", "dc=\"eu\""));
        assert_eq!(inhibitor.check(other, &other_alert), None);
        assert!(inhibitor.ends(switch.0) && !inhibitor.ends(switch.0));
        assert_eq!(inhibitor.check(host, &host_alert), None);
    }

    #[test]
    fn a_source_is_not_inhibited_by_its_like() {
        let mut inhibitor = inhibitor();
        let [a, b] = ["eu", "eu"].map(|dc| alert("switch down", dc));
        let mut second = b.1.clone();
        second.dedup_key = Some("second".into());
        inhibitor.fires(a.0, &a.1);
        assert_eq!(inhibitor.check(a.0, &a.1), None);
        assert_eq!(inhibitor.check(KeyHash::of(&second), &second), None);
    }
}
