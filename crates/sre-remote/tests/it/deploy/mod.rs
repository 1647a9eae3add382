//! Deployment plans: as they are written, and carried out by a real shell.

mod carried_out;
mod links;
mod plan;
mod rig;
