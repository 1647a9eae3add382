//! Which messages are wanted.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{LevelFilter, ParseError};

/// Libraries that tell every step of every request.
const NOISY: [&str; 12] = [
    "hyper",
    "hyper_util",
    "h2",
    "rustls",
    "reqwest",
    "kube",
    "kube_runtime",
    "tower",
    "aws_runtime",
    "aws_sdk_ec2",
    "aws_smithy_runtime",
    "aws_smithy_runtime_api",
];

/// Libraries whose callers report every failure themselves; theirs would be a second time.
///
/// kube logs each answer that is no success as an error, also those that a retry or a gap in the report deals with;
/// the AWS SDK warns of a place without credentials in a page of debug output.
const SILENT: [&str; 2] = ["kube_client", "aws_config"];

/// From this count of `-v` on the libraries are heard too.
const EVERYTHING: u8 = 3;

/// The level for so many `-v` above `base`.
pub(super) fn level(base: LevelFilter, verbosity: u8) -> LevelFilter {
    const LEVELS: [LevelFilter; 6] = [
        LevelFilter::OFF,
        LevelFilter::ERROR,
        LevelFilter::WARN,
        LevelFilter::INFO,
        LevelFilter::DEBUG,
        LevelFilter::TRACE,
    ];
    let start = LEVELS.iter().position(|level| *level == base).unwrap_or_default();
    let index = start.saturating_add(verbosity.into()).min(LEVELS.len() - 1);
    LEVELS.get(index).copied().unwrap_or(LevelFilter::TRACE)
}

/// The filter for a level.
pub(super) fn for_level(level: LevelFilter, verbosity: u8) -> EnvFilter {
    parse(&level.to_string(), verbosity).unwrap_or_else(|_| EnvFilter::default().add_directive(level.into()))
}

/// The filter for directives as in `RUST_LOG`; a directive about a noisy library wins over our own.
pub(super) fn parse(directives: &str, verbosity: u8) -> Result<EnvFilter, ParseError> {
    let mut all = String::new();
    if verbosity < EVERYTHING {
        for library in NOISY {
            all.push_str(library);
            all.push_str("=warn,");
        }
        for library in SILENT {
            all.push_str(library);
            all.push_str("=off,");
        }
    }
    all.push_str(directives);
    EnvFilter::builder().parse(all)
}
