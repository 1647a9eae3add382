//! Every finding code that this tool can report, with its explanation.

use sre_core::CodeDoc;

use crate::ignore;
use crate::source::SourceKind;

/// The codes of the tool itself.
const OWN: &[CodeDoc] = &[CodeDoc::new(
    ignore::EXPIRED,
    "Ignore rule expired",
    "An ignore rule in the configuration has an `until` date in the past (UTC). It no longer hides anything.",
    "Delete the rule, or give it a new date if its reason still holds.",
)];

/// The codes that sources of one kind report.
#[must_use]
pub fn of(kind: SourceKind) -> &'static [CodeDoc] {
    match kind {
        #[cfg(feature = "kubernetes")]
        SourceKind::Kubernetes => sre_cloud::kubernetes::CODES,
        #[cfg(not(feature = "kubernetes"))]
        SourceKind::Kubernetes => &[],
        #[cfg(feature = "aws")]
        SourceKind::Aws => sre_cloud::aws::CODES,
        #[cfg(not(feature = "aws"))]
        SourceKind::Aws => &[],
        SourceKind::Prometheus => sre_metrics::CODES,
        SourceKind::Local => sre_health::CODES,
    }
}

/// All of them, in the order of the sources.
pub fn all() -> impl Iterator<Item = &'static CodeDoc> {
    SourceKind::ALL.into_iter().flat_map(of).chain(OWN)
}

/// The explanation of one code, in any case.
#[must_use]
pub fn find(code: &str) -> Option<&'static CodeDoc> {
    all().find(|doc| doc.code.as_str().eq_ignore_ascii_case(code.trim()))
}
