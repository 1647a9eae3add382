//! sre-alerts
