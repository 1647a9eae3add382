//! sre-testkit
