//! Peak memory must not depend on the size of the cluster.

use std::path::Path;

use anyhow::{Result, bail};

use super::{
    answers, contender,
    sample::{Sample, Spread, measure},
    servers::Kubernetes,
};

/// The most that `morning-check` may take for any cluster.
const LIMIT: u64 = 64 * 1024 * 1024;
/// Between 10,000 and 100,000 pods; a thousand more unhealthy pods are kept for the report.
const GROWTH: u64 = 4 * 1024 * 1024;

const SIZES: [usize; 2] = [10_000, 100_000];

/// Peak resident memory by size of the cluster.
#[derive(Debug)]
pub(crate) struct Memory {
    /// Pods, bytes a pod, and the spread of the peak in bytes.
    pub(crate) sizes: Vec<(usize, usize, Spread)>,
}

// === impl Memory ===

impl Memory {
    /// Lists the pods of one context of each size.
    ///
    /// # Errors
    /// When an answer is wrong.
    pub(crate) fn measure(scratch: &Path, rounds: usize) -> Result<Self> {
        let mut sizes = Vec::new();
        for pods in SIZES {
            let kubernetes = Kubernetes::start(&scratch.join(format!("memory-{pods}")), pods, 1)?;
            let contender = contender::morning_check(Some(&kubernetes), None, &["kubernetes"])?;
            let env = contender::environment(scratch, &kubernetes.kubeconfig(), None);
            let out = scratch.join("memory.json");
            let mut samples: Vec<Sample> = Vec::new();
            for _ in 0..rounds {
                samples.push(measure(&contender.command, &env, &out)?);
                answers::check(&out, Some(&kubernetes), false)?;
            }
            if let Some(spread) = Spread::of(&samples, bytes) {
                sizes.push((pods, kubernetes.about.bytes_per_pod, spread));
            }
        }
        Ok(Self { sizes })
    }

    /// # Errors
    /// When the peak is above the limit, or grows with the cluster.
    pub(crate) fn check(&self) -> Result<()> {
        let peak = self.sizes.iter().map(|(.., spread)| spread.max).fold(0.0, f64::max);
        if peak > mib(LIMIT) * 1024.0 * 1024.0 {
            bail!("memory: peak of {:.1} MiB, at most {:.0} MiB are allowed", peak / 1024.0 / 1024.0, mib(LIMIT));
        }
        let medians: Vec<f64> = self.sizes.iter().map(|(.., spread)| spread.median).collect();
        let grown = medians.last().copied().unwrap_or(0.0) - medians.first().copied().unwrap_or(0.0);
        if grown > mib(GROWTH) * 1024.0 * 1024.0 {
            bail!("memory: grows by {:.1} MiB from {} to {} pods", grown / 1024.0 / 1024.0, SIZES[0], SIZES[1]);
        }
        Ok(())
    }
}

#[expect(clippy::cast_precision_loss, reason = "sizes of processes are far below 2^52 bytes")]
fn bytes(sample: &Sample) -> f64 {
    sample.rss as f64
}

#[expect(clippy::cast_precision_loss, reason = "a small constant")]
fn mib(bytes: u64) -> f64 {
    bytes as f64 / 1024.0 / 1024.0
}
