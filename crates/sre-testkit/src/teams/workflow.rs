//! The workflow's endpoint.

use std::time::Duration;

use serde_json::{Value, json};

use super::limits::{self, MAX_MESSAGE};
use crate::double::{Double, Receiver, Refusal};
use crate::scripted::{Reply, Request};

/// A running workflow; it stops when dropped.
pub type TeamsWorkflow = Double<Workflow>;

/// What a workflow knows between two messages: nothing.
#[derive(Debug, Default)]
pub struct Workflow;

impl Receiver for Workflow {
    /// In the shape of a real one, whose query has the secret.
    const PATH: &'static str = "/workflows/aSecretThatNoLogMayShow3/triggers/manual/paths/invoke";
    /// <https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using#rate-limiting-for-connectors>.
    const PACE: (usize, Duration) = (4, Duration::from_secs(1));

    fn take(&mut self, request: &Request) -> Result<(Value, Reply), Refusal> {
        if request.path != Self::PATH || request.method != "POST" {
            return Err(refuse(404, "WorkflowNotFound", format!("{} {}", request.method, request.path)));
        }
        if request.body.len() > MAX_MESSAGE {
            return Err(refuse(413, "RequestEntityTooLarge", format!("{} bytes", request.body.len())));
        }
        let Ok(message) = request.json::<Value>() else {
            return Err(refuse(400, "InvalidRequestContent", "not JSON".to_owned()));
        };
        limits::refusal(&message).map_err(|why| refuse(400, "TriggerInputSchemaMismatch", why))?;
        Ok((message, Reply::text(202, "")))
    }

    fn too_early(wait: Duration) -> Reply {
        let seconds = wait.as_millis().div_ceil(1000).to_string();
        let error = json!({ "code": "WorkflowRunActionsThrottled", "message": "Rate limit is exceeded." });
        Reply::json(429, &json!({ "error": error })).header("retry-after", seconds)
    }
}

impl Double<Workflow> {
    /// Answers the next post with 429 and `Retry-After` in whole seconds.
    pub fn rate_limit_next(&self, retry_after: Duration) {
        self.reply_next(Workflow::too_early(retry_after));
    }

    /// Answers the next post as a connector whose channel refuses it: a success in status, a failure in words.
    pub fn connector_fails_next(&self, status: u16) {
        let words = "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error";
        self.reply_next(Reply::text(200, format!("{words} {status} with ContextId tcid=0,server=x,cv=y..")));
    }
}

fn refuse(status: u16, code: &str, why: String) -> Refusal {
    let reply = Reply::json(status, &json!({ "error": { "code": code, "message": &why } }));
    Refusal { word: code.to_owned(), why, reply: Box::new(reply) }
}
