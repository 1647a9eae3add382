//! sre-health
