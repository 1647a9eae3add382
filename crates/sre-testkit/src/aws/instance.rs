//! An instance, and what EC2 says of it.

/// One EC2 instance; all its checks are `ok` unless set.
#[derive(Clone, Debug)]
#[must_use]
pub struct Instance {
    pub(super) id: String,
    pub(super) state: String,
    pub(super) launched: String,
    pub(super) system: String,
    pub(super) instance: String,
    pub(super) attached_ebs: String,
    pub(super) impaired_since: Option<String>,
    pub(super) events: Vec<Event>,
    pub(super) tags: Vec<(String, String)>,
}

#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) code: String,
    pub(super) description: String,
    pub(super) not_before: String,
}

// === impl Instance ===

impl Instance {
    /// A running one, launched on 2026-01-05.
    pub fn running(id: &str) -> Self {
        Self::in_state(id, "running")
    }

    /// One in any state: pending, running, shutting-down, terminated, stopping, stopped.
    pub fn in_state(id: &str, state: &str) -> Self {
        let ok = || if state == "running" { "ok".to_owned() } else { "not-applicable".to_owned() };
        Self {
            id: id.to_owned(),
            state: state.to_owned(),
            launched: "2026-01-05T08:00:00.000Z".to_owned(),
            system: ok(),
            instance: ok(),
            attached_ebs: ok(),
            impaired_since: None,
            events: Vec::new(),
            tags: Vec::new(),
        }
    }

    /// The system status: ok, impaired, insufficient-data, not-applicable, initializing.
    pub fn system(mut self, status: &str) -> Self {
        status.clone_into(&mut self.system);
        self
    }

    /// The instance status, with the same values.
    pub fn instance(mut self, status: &str) -> Self {
        status.clone_into(&mut self.instance);
        self
    }

    /// The attached-EBS status, with the same values.
    pub fn attached_ebs(mut self, status: &str) -> Self {
        status.clone_into(&mut self.attached_ebs);
        self
    }

    /// Since when a check has failed (RFC 3339).
    pub fn impaired_since(mut self, time: &str) -> Self {
        self.impaired_since = Some(time.to_owned());
        self
    }

    /// A scheduled event, such as `instance-retirement`, that begins at `not_before` (RFC 3339).
    pub fn event(mut self, code: &str, description: &str, not_before: &str) -> Self {
        self.events.push(Event {
            code: code.to_owned(),
            description: description.to_owned(),
            not_before: not_before.to_owned(),
        });
        self
    }

    /// When it was launched (RFC 3339).
    pub fn launched(mut self, time: &str) -> Self {
        time.clone_into(&mut self.launched);
        self
    }

    /// A tag.
    pub fn tag(mut self, key: &str, value: &str) -> Self {
        self.tags.push((key.to_owned(), value.to_owned()));
        self
    }

    pub(super) fn state_code(&self) -> u8 {
        match self.state.as_str() {
            "pending" => 0,
            "running" => 16,
            "shutting-down" => 32,
            "terminated" => 48,
            "stopping" => 64,
            "stopped" => 80,
            other => panic!("EC2 has no instance state {other}"),
        }
    }
}
