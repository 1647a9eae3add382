//! morning-check
