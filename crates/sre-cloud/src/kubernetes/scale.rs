//! Changes how many replicas a Deployment or StatefulSet shall have, and says how to undo it.
//!
//! The `scale` subresource is all that is touched, so the right to patch it is all that is needed. A dry run is the
//! server's own (`dryRun=All`): it checks permission, admission and quota, and changes nothing.
//!
//! ```no_run
//! # async fn run(cluster: sre_cloud::kubernetes::Cluster) -> Result<(), sre_cloud::Error> {
//! use sre_cloud::kubernetes::{Scalable, ScaleRequest};
//!
//! let scaled = cluster.scale(&ScaleRequest::new(Scalable::Deployment, "shop", "web", 5).dry_run(true)).await?;
//! println!("{} -> {}, undo: {}", scaled.previous, scaled.replicas, scaled.undo);
//! for warning in &scaled.warnings {
//!     println!("warning: {warning}");
//! }
//! # Ok(()) }
//! ```

use std::fmt;

use http::Method;
use serde::{Deserialize, Serialize};
use sre_core::{Delivery, Evidence};
use tokio::time::Instant;

use super::connect::Cluster;
use super::contexts::config_error;
use super::lenient;
use super::list::{ListOptions, Listing, Restart};
use super::meta::Meta;
use super::refusal::Asked;
use super::request::Ask;
use super::resource::{ListScope, Listed, Resource, is_subdomain};
use crate::{Error, ErrorKind};

/// Who the API server's audit and `managedFields` say it was.
const FIELD_MANAGER: &str = "sre-toolkit";

/// What can be scaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Scalable {
    /// `apps/v1` Deployment.
    Deployment,
    /// `apps/v1` StatefulSet.
    StatefulSet,
}

/// One change of scale. Default: for real, not a dry run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct ScaleRequest {
    kind: Scalable,
    namespace: String,
    name: String,
    replicas: u32,
    dry_run: bool,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Scaled {
    /// What was scaled.
    pub kind: Scalable,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Replicas wanted before.
    pub previous: u32,
    /// Replicas wanted now, as the server says.
    pub replicas: u32,
    /// Whether nothing was changed because it was a dry run.
    pub dry_run: bool,
    /// The command that brings back what was before.
    pub undo: String,
    /// What a person should know: an autoscaler that will undo it, or one that could not be looked for.
    pub warnings: Vec<String>,
}

/// The `Scale` object; zero replicas are left out by the server.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Scale {
    spec: ScaleSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ScaleSpec {
    replicas: u32,
}

/// A HorizontalPodAutoscaler.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Autoscaler {
    #[serde(deserialize_with = "lenient::object")]
    metadata: Meta,
    #[serde(deserialize_with = "lenient::object")]
    spec: AutoscalerSpec,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct AutoscalerSpec {
    #[serde(deserialize_with = "lenient::object")]
    scale_target_ref: TargetRef,
    #[serde(deserialize_with = "lenient::maybe_int")]
    min_replicas: Option<i64>,
    #[serde(deserialize_with = "lenient::int")]
    max_replicas: i64,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct TargetRef {
    #[serde(deserialize_with = "lenient::text")]
    kind: Box<str>,
    #[serde(deserialize_with = "lenient::text")]
    name: Box<str>,
}

impl Listed for Autoscaler {
    const RESOURCE: Resource = Resource::AUTOSCALERS;
}

// === impl Scalable ===

impl Scalable {
    /// The kind as manifests write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deployment => "Deployment",
            Self::StatefulSet => "StatefulSet",
        }
    }

    fn resource(self) -> (&'static Resource, &'static Resource) {
        const DEPLOYMENT_SCALE: Resource = Resource::new("apps", "v1", "deployments/scale", true);
        const STATEFUL_SET_SCALE: Resource = Resource::new("apps", "v1", "statefulsets/scale", true);
        match self {
            Self::Deployment => (&Resource::DEPLOYMENTS, &DEPLOYMENT_SCALE),
            Self::StatefulSet => (&Resource::STATEFUL_SETS, &STATEFUL_SET_SCALE),
        }
    }
}

impl fmt::Display for Scalable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

// === impl ScaleRequest ===

impl ScaleRequest {
    /// `replicas` for one workload.
    pub fn new(kind: Scalable, namespace: impl Into<String>, name: impl Into<String>, replicas: u32) -> Self {
        Self { kind, namespace: namespace.into(), name: name.into(), replicas, dry_run: false }
    }

    /// Whether the server shall only check it.
    pub fn dry_run(mut self, dry_run: bool) -> Self {
        self.dry_run = dry_run;
        self
    }

    fn path(&self, scope: &ListScope) -> String {
        format!("{}/{}/scale", self.kind.resource().0.path(scope), self.name)
    }
}

// === impl Cluster ===

impl Cluster {
    /// Sets the number of replicas. Setting what is already so sends no change. Safe to repeat.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is no such workload, [`ErrorKind::Forbidden`] without the right to get or
    /// patch its `scale`, [`ErrorKind::Config`] for names that cannot be; connection errors as for lists. An error after
    /// the change was sent has [`Delivery::MaybeSent`]: look before you repeat.
    ///
    /// # Cancel safety
    /// Dropping the future may leave the change made or not made.
    #[tracing::instrument(name = "cloud.scale", skip_all, fields(cluster = %self.target, request = ?request))]
    pub async fn scale(&self, request: &ScaleRequest) -> Result<Scaled, Error> {
        let scope = ListScope::namespace(&request.namespace)?;
        if !is_subdomain(&request.name) {
            return Err(config_error(&request.name, "it cannot be the name of a workload"));
        }
        let deadline = self.deadline();
        let (current, autoscaler) =
            tokio::join!(self.scale_now(request, &scope, deadline), self.autoscaler(request, &scope, deadline));
        let previous = current?;
        let replicas = if previous == request.replicas && !request.dry_run {
            previous
        } else {
            self.patch_scale(request, &scope, deadline).await?
        };
        let mut warnings: Vec<String> = autoscaler.into_iter().collect();
        if replicas != request.replicas {
            warnings.push(format!(
                "the server made {replicas} of {}: an admission webhook may stand behind it",
                request.replicas
            ));
        }
        Ok(Scaled {
            kind: request.kind,
            namespace: request.namespace.clone(),
            name: request.name.clone(),
            previous,
            replicas,
            dry_run: request.dry_run,
            undo: self.undo(request, previous),
            warnings,
        })
    }

    async fn scale_now(&self, request: &ScaleRequest, scope: &ListScope, deadline: Instant) -> Result<u32, Error> {
        let asked = Asked { verb: "get", resource: request.kind.resource().1 };
        self.scale_answer(&Ask::get(asked, request.path(scope)), deadline).await
    }

    async fn patch_scale(&self, request: &ScaleRequest, scope: &ListScope, deadline: Instant) -> Result<u32, Error> {
        let dry_run = if request.dry_run { "&dryRun=All" } else { "" };
        let body = format!(r#"{{"spec":{{"replicas":{}}}}}"#, request.replicas);
        let ask = Ask {
            asked: Asked { verb: "patch", resource: request.kind.resource().1 },
            method: Method::PATCH,
            path: format!("{}?fieldManager={FIELD_MANAGER}{dry_run}", request.path(scope)),
            body: Some(("application/merge-patch+json", body.into_bytes())),
            packed: false,
        };
        self.scale_answer(&ask, deadline).await
    }

    async fn scale_answer(&self, ask: &Ask<'_>, deadline: Instant) -> Result<u32, Error> {
        let mut body = Vec::new();
        self.ask(ask, &mut body, deadline).await.map_err(|refused| refused.error)?;
        let scale: Scale = serde_json::from_slice(&body)
            .map_err(|e| self.unreadable(ask.asked, &format!("not a Scale: {e}")).with_delivery(Delivery::Answered))?;
        Ok(scale.spec.replicas)
    }

    /// The warning about an autoscaler that owns the scale, or about not knowing.
    async fn autoscaler(&self, request: &ScaleRequest, scope: &ListScope, deadline: Instant) -> Option<String> {
        let mut found = None;
        let kind = request.kind.as_str();
        let take = |listing| {
            if let Listing::Page(autoscalers) = listing {
                let owns = |a: &Autoscaler| {
                    let target = &a.spec.scale_target_ref;
                    (&*target.kind, &*target.name) == (kind, request.name.as_str())
                };
                found = found.take().or_else(|| autoscalers.into_iter().find(owns));
            }
        };
        let limits = (deadline, Restart::Once);
        if let Err(error) = self.list_versioned::<Autoscaler>(scope, &ListOptions::default(), limits, take).await {
            let why = if error.kind() == ErrorKind::Forbidden {
                "no permission to list horizontalpodautoscalers".to_owned()
            } else {
                error.to_string()
            };
            return Some(format!("it is not known whether an autoscaler owns the scale: {why}"));
        }
        let Autoscaler { metadata, spec } = found?;
        let (low, high) = (spec.min_replicas.unwrap_or(1), spec.max_replicas);
        let name = &metadata.name;
        Some(format!("HorizontalPodAutoscaler {name} keeps it between {low} and {high} and may undo the change"))
    }

    fn undo(&self, request: &ScaleRequest, previous: u32) -> String {
        let workload = format!("{}/{}", request.kind.as_str().to_ascii_lowercase(), request.name);
        let replicas = format!("--replicas={previous}");
        match self.scope().kubectl(&request.namespace, &["scale", &workload, &replicas]) {
            Evidence::Command(command) => command,
            _ => String::new(),
        }
    }
}
