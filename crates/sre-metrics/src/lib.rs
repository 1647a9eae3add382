//! sre-metrics
