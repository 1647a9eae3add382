//! Who we are: asked first, so that bad credentials are one error and not one for each region.

use futures_util::StreamExt;
use futures_util::future::{Either, select};
use futures_util::stream::FuturesUnordered;
use serde::Serialize;
use sre_core::{Classify, ErrorClass};
use tokio::time::Instant;

use super::error::Asked;
use super::session::AwsSession;
use crate::{Error, ErrorKind};

/// How many regions are asked at most: a region that cannot be reached must cost only itself.
const REGIONS_ASKED: usize = 3;

const ACTION: &str = "sts:GetCallerIdentity";

/// What `aws sts get-caller-identity` shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CallerIdentity {
    /// The account's twelve digits.
    pub account: String,
    /// The user or role, as in `arn:aws:sts::123456789012:assumed-role/readonly/me`.
    pub arn: String,
}

// === impl AwsSession ===

impl AwsSession {
    /// Asks who the credentials belong to. Needs no permission. Ask this first.
    ///
    /// When the home region has not answered after a connect timeout, or cannot be reached, up to two others of the
    /// settings' regions are asked as well, and the first answer counts.
    ///
    /// # Errors
    /// Auth ([`Unauthorized`](crate::ErrorKind::Unauthorized), [`CredentialPlugin`](crate::ErrorKind::CredentialPlugin))
    /// when there are no credentials or they are refused; connection when no region answers by `deadline`.
    ///
    /// # Cancel safety
    /// It only reads; dropping the future is harmless.
    pub async fn identity(&self, deadline: Instant) -> Result<CallerIdentity, Error> {
        let others = self.settings().regions.iter().map(String::as_str).filter(|r| *r != self.home_region());
        let mut regions = std::iter::once(self.home_region()).chain(others).take(REGIONS_ASKED);
        let mut asking: FuturesUnordered<_> =
            regions.next().map(|r| self.identity_in(r, deadline)).into_iter().collect();
        let mut unreachable = None;
        loop {
            let patience = self.clock().sleep(self.settings().connect_timeout);
            let answer = match select(asking.next(), patience).await {
                Either::Left((Some(answer), _)) => answer,
                Either::Left((None, _)) => break,
                Either::Right(_) => {
                    asking.extend(regions.next().map(|r| self.identity_in(r, deadline)));
                    continue;
                }
            };
            match answer {
                Err(error) if error.class() == ErrorClass::Connection => {
                    unreachable.get_or_insert(error);
                    asking.extend(regions.next().map(|r| self.identity_in(r, deadline)));
                }
                answer => return answer,
            }
        }
        let asked = Asked { region: self.home_region(), action: ACTION };
        Err(unreachable.unwrap_or_else(|| asked.failed(ErrorKind::Timeout)))
    }

    async fn identity_in(&self, region: &str, deadline: Instant) -> Result<CallerIdentity, Error> {
        let asked = Asked { region, action: ACTION };
        let sts = self.sts(region);
        let who = self.call(&asked, deadline, || sts.get_caller_identity().send()).await?;
        Ok(CallerIdentity { account: who.account.unwrap_or_default(), arn: who.arn.unwrap_or_default() })
    }
}
