//! Kubernetes: what `kubectl get` would show, and what of it a person should know.
