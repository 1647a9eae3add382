//! Rollouts: under random failures and kills, and from a real journal.

mod journal;
mod kills;
mod world;
