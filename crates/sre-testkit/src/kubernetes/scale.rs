//! The `scale` subresource: GET, PUT and PATCH, with `dryRun=All`.

use serde_json::{Value, json};

use super::replies;
use super::route::Kind;
use super::store::Store;
use crate::scripted::{Reply, Request};

/// Answers a request to `…/NAME/scale`.
pub(super) fn answer(
    store: &mut Store,
    kind: &'static Kind,
    namespace: Option<&str>,
    name: &str,
    request: &Request,
) -> Reply {
    let Some(object) = store.find(kind, namespace, name) else { return replies::not_found(kind.plural, name) };
    if request.method == "GET" {
        return Reply::json(200, &scale(object));
    }
    let dry_run = match request.query_value("dryRun").as_deref() {
        None => false,
        Some("All") => true,
        Some(other) => {
            let message = format!("dryRun: Unsupported value: \"{other}\": supported values: \"All\"");
            return replies::error(422, "Invalid", &message);
        }
    };
    let Ok(body) = request.json::<Value>() else {
        return replies::error(400, "BadRequest", "the object provided is unrecognized: not JSON");
    };
    let version = body["metadata"]["resourceVersion"].as_str();
    if version.is_some_and(|version| object["metadata"]["resourceVersion"] != version) {
        let message = format!(
            "Operation cannot be fulfilled on {} \"{name}\": the object has been modified; please apply your changes to the latest version and try again",
            kind.plural
        );
        return replies::error(409, "Conflict", &message);
    }
    let replicas = match request.method.as_str() {
        "PUT" | "PATCH" => wanted(&body),
        _ => {
            return replies::error(
                405,
                "MethodNotAllowed",
                "the server does not allow this method on the requested resource",
            );
        }
    };
    match replicas {
        Some(replicas) if replicas >= 0 => {
            let mut changed = object.clone();
            changed["spec"]["replicas"] = json!(replicas);
            let answer = scale(&changed);
            if dry_run {
                return Reply::json(200, &answer);
            }
            store.apply(kind, changed);
            Reply::json(200, &store.find(kind, namespace, name).map_or(answer, scale))
        }
        found => {
            let found = found.map_or_else(|| "null".to_owned(), |replicas| replicas.to_string());
            let message = format!("spec.replicas: Invalid value: {found}: must be greater than or equal to 0");
            replies::error(422, "Invalid", &message)
        }
    }
}

/// The replicas of a Scale object, of a merge patch or of a JSON patch.
fn wanted(body: &Value) -> Option<i64> {
    match body.as_array() {
        None => body["spec"]["replicas"].as_i64(),
        Some(steps) => steps.iter().find(|step| step["path"] == "/spec/replicas")?["value"].as_i64(),
    }
}

fn scale(object: &Value) -> Value {
    let metadata = &object["metadata"];
    let labels = object["spec"]["selector"]["matchLabels"].as_object();
    let selector: Vec<String> = labels
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1",
        "metadata": {
            "name": metadata["name"], "namespace": metadata["namespace"],
            "uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"],
        },
        // An absent number of replicas means one.
        "spec": { "replicas": object["spec"]["replicas"].as_i64().unwrap_or(1) },
        "status": { "replicas": object["status"]["replicas"].as_i64().unwrap_or(0), "selector": selector.join(",") },
    })
}
