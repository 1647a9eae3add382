//! morning-check
fn main() {}
