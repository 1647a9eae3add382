//! Which regions to look at: those named in the settings, else all that are enabled for the account.
//!
//! A region that is not enabled answers with a token error that looks like bad credentials, so none is guessed.

use tokio::time::Instant;

use super::error::Asked;
use super::session::AwsSession;
use crate::Error;

// === impl AwsSession ===

impl AwsSession {
    /// The regions of the settings, else those enabled for the account, by name.
    ///
    /// # Errors
    /// Those of `ec2:DescribeRegions` in the home region; none when the settings name regions.
    pub async fn regions(&self, deadline: Instant) -> Result<Vec<String>, Error> {
        let named = &self.settings().regions;
        if !named.is_empty() {
            let mut unique: Vec<String> = Vec::with_capacity(named.len());
            for region in named {
                if !unique.contains(region) {
                    unique.push(region.clone());
                }
            }
            return Ok(unique);
        }
        let asked = Asked { region: self.home_region(), action: "ec2:DescribeRegions" };
        let ec2 = self.ec2(self.home_region());
        // Without `all_regions` only the enabled ones are listed.
        let answer = self.call(&asked, deadline, || ec2.describe_regions().send()).await?;
        let mut regions: Vec<String> =
            answer.regions.unwrap_or_default().into_iter().filter_map(|r| r.region_name).collect();
        regions.sort();
        Ok(regions)
    }
}
