//! sre-cloud
