//! Whether a bucket grew or shrank in an unusual way: a pure judgement over its daily sizes.
//!
//! A change of one day is suspicious when it is large in itself (a floor in bytes), large for this bucket (further
//! from the median of the last 14 days' changes than `k` times their median absolute deviation, MAD) **and** large
//! beside it (a share of the mean size). The median is subtracted first: a bucket that takes in the same terabyte each
//! night is not news. MAD instead of the standard deviation, because one past jump would hide the next one
//! (<https://en.wikipedia.org/wiki/Median_absolute_deviation>).
//!
//! ```
//! use jiff::civil::date;
//! use sre_cloud::aws::{DailySize, GrowthThresholds, GrowthVerdict};
//!
//! let gib = 1024.0 * 1024.0 * 1024.0;
//! let day = |n: i8, size: f64| DailySize { day: date(2026, 3, n), bytes: size * gib };
//! let mut sizes: Vec<_> = (1..=14).map(|n| day(n, 100.0 + f64::from(n))).collect();
//! let thresholds = GrowthThresholds::default();
//! assert_eq!(thresholds.judge(&sizes, date(2026, 3, 15)).verdict, GrowthVerdict::Steady);
//! sizes.push(day(15, 200.0));
//! assert_eq!(thresholds.judge(&sizes, date(2026, 3, 16)).verdict, GrowthVerdict::Growing);
//! ```

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// The size of a bucket on one day, all storage types together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DailySize {
    /// The UTC day.
    pub day: Date,
    /// Bytes.
    pub bytes: f64,
}

/// When a change is suspicious; all three limits must be passed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct GrowthThresholds {
    /// Smaller changes are never suspicious. Default 10 GiB.
    pub floor_bytes: f64,
    /// `k`: how many MADs from the usual change. Default 5.
    pub mad_factor: f64,
    /// `X`: how many percent of the mean size. Default 10.
    pub mean_percent: f64,
    /// How many days before the judged one are looked at. Default 14.
    pub window_days: i32,
    /// With fewer points nothing is said. Default 7.
    pub min_points: usize,
    /// A last point older than this many days says nothing about now. Default 3: the metric is daily and late by a day.
    pub max_age_days: i32,
}

/// What the sizes say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum GrowthVerdict {
    /// Nothing unusual.
    Steady,
    /// Suddenly larger.
    Growing,
    /// Suddenly smaller.
    Shrinking,
    /// Too few points, or too old ones.
    Unknown,
}

/// The judgement with its numbers. Bytes and bytes a day.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Growth {
    /// What the sizes say.
    pub verdict: GrowthVerdict,
    /// How many points there were in the window.
    pub points: usize,
    /// The day that was judged: the last one with a point.
    pub day: Option<Date>,
    /// The size on that day.
    pub bytes: f64,
    /// The change against the point before, a day.
    pub change: f64,
    /// The median of the changes before.
    pub usual_change: f64,
    /// Their median absolute deviation.
    pub deviation: f64,
    /// The mean size on the days before.
    pub mean: f64,
}

// === impl GrowthThresholds ===

impl Default for GrowthThresholds {
    fn default() -> Self {
        Self {
            floor_bytes: 10.0 * 1024.0 * 1024.0 * 1024.0,
            mad_factor: 5.0,
            mean_percent: 10.0,
            window_days: 14,
            min_points: 7,
            max_age_days: 3,
        }
    }
}

impl GrowthThresholds {
    /// Smaller changes are never suspicious.
    #[must_use]
    pub fn floor_bytes(mut self, bytes: f64) -> Self {
        self.floor_bytes = bytes;
        self
    }

    /// How many MADs from the usual change.
    #[must_use]
    pub fn mad_factor(mut self, factor: f64) -> Self {
        self.mad_factor = factor;
        self
    }

    /// How many percent of the mean size.
    #[must_use]
    pub fn mean_percent(mut self, percent: f64) -> Self {
        self.mean_percent = percent;
        self
    }

    /// How many days before the judged one are looked at.
    #[must_use]
    pub fn window_days(mut self, days: i32) -> Self {
        self.window_days = days;
        self
    }

    /// With fewer points nothing is said.
    #[must_use]
    pub fn min_points(mut self, points: usize) -> Self {
        self.min_points = points;
        self
    }

    /// How old the last point may be, in days.
    #[must_use]
    pub fn max_age_days(mut self, days: i32) -> Self {
        self.max_age_days = days;
        self
    }

    /// Judges the last day of `sizes` (ascending days, one point a day) as seen on `today`.
    ///
    /// A gap of `n` days spreads its change evenly over them.
    #[must_use]
    pub fn judge(&self, sizes: &[DailySize], today: Date) -> Growth {
        let Some(last) = sizes.last() else { return Growth::unknown(0, None) };
        let in_window = |p: &&DailySize| days_between(p.day, last.day) <= self.window_days;
        let window: Vec<DailySize> = sizes.iter().filter(in_window).copied().collect();
        let changes: Vec<f64> = window.windows(2).filter_map(daily_change).collect();
        let stale = days_between(last.day, today) > self.max_age_days;
        let Some((&change, before)) = changes.split_last() else { return Growth::unknown(window.len(), Some(last)) };
        if stale || window.len() < self.min_points || before.is_empty() {
            return Growth::unknown(window.len(), Some(last));
        }
        let usual_change = median(before.to_vec());
        let deviation = median(before.iter().map(|c| (c - usual_change).abs()).collect());
        let earlier = &window[..window.len() - 1];
        let mean = earlier.iter().map(|p| p.bytes).sum::<f64>() / to_f64(earlier.len());
        let large = change.abs() > self.floor_bytes && change.abs() > mean * self.mean_percent / 100.0;
        let unusual = (change - usual_change).abs() > self.mad_factor * deviation;
        // A bucket that grows less than usual does not shrink: the change itself must point the same way.
        let same_way = (change > 0.0) == (change > usual_change);
        let verdict = match (large && unusual && same_way, change > 0.0) {
            (false, _) => GrowthVerdict::Steady,
            (true, true) => GrowthVerdict::Growing,
            (true, false) => GrowthVerdict::Shrinking,
        };
        let (points, day) = (window.len(), Some(last.day));
        Growth { verdict, points, day, bytes: last.bytes, change, usual_change, deviation, mean }
    }
}

// === impl Growth ===

impl Growth {
    fn unknown(points: usize, last: Option<&DailySize>) -> Self {
        Self {
            verdict: GrowthVerdict::Unknown,
            points,
            day: last.map(|p| p.day),
            bytes: last.map_or(0.0, |p| p.bytes),
            change: 0.0,
            usual_change: 0.0,
            deviation: 0.0,
            mean: 0.0,
        }
    }
}

fn daily_change(pair: &[DailySize]) -> Option<f64> {
    let [a, b] = pair else { return None };
    let days = days_between(a.day, b.day);
    (days > 0).then(|| (b.bytes - a.bytes) / f64::from(days))
}

fn days_between(from: Date, to: Date) -> i32 {
    (to - from).get_days()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    match (values.get(half), values.len() % 2) {
        (None, _) => 0.0,
        (Some(upper), 0) => f64::midpoint(values[half - 1], *upper),
        (Some(middle), _) => *middle,
    }
}

#[expect(clippy::cast_precision_loss, reason = "a handful of days")]
fn to_f64(n: usize) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    const GIB: f64 = 1024.0 * 1024.0 * 1024.0;

    fn series(gib: &[f64]) -> Vec<DailySize> {
        let first = date(2026, 3, 1);
        gib.iter().zip(0_i64..).map(|(g, n)| DailySize { day: first + n.days(), bytes: g * GIB }).collect()
    }

    fn verdict(gib: &[f64]) -> GrowthVerdict {
        let sizes = series(gib);
        let today = sizes.last().map_or(date(2026, 3, 1), |p| p.day + 1.day());
        GrowthThresholds::default().judge(&sizes, today).verdict
    }

    #[test]
    fn the_cases_that_matter() {
        use GrowthVerdict::{Growing, Shrinking, Steady, Unknown};
        let flat = [100.0; 14];
        let with = |last: f64| flat.iter().copied().chain([last]).collect::<Vec<_>>();
        assert_eq!(verdict(&with(160.0)), Growing);
        assert_eq!(verdict(&with(40.0)), Shrinking);
        assert_eq!(verdict(&with(0.0)), Shrinking, "emptied");
        assert_eq!(verdict(&with(109.0)), Steady, "below the floor");
        assert_eq!(verdict(&[&[1000.0; 14][..], &[1050.0]].concat()), Steady, "below the share of the mean");
        let nightly: Vec<f64> = (1..=15).map(|n| f64::from(n) * 500.0).collect();
        assert_eq!(verdict(&nightly), Steady, "the same terabyte each night");
        let noisy = [100.0, 140.0, 90.0, 150.0, 100.0, 145.0, 95.0, 150.0, 100.0, 150.0];
        assert_eq!(verdict(&noisy), Steady, "within its own noise");
        assert_eq!(verdict(&flat[..6]), Unknown, "six points");
        assert_eq!(verdict(&[]), Unknown);
    }

    #[test]
    fn less_growth_than_usual_is_no_shrinking() {
        let mut sizes: Vec<f64> = (1..=14).map(|n| f64::from(n) * 500.0).collect();
        sizes.push(14.0 * 500.0 + 1.0);
        assert_eq!(verdict(&sizes), GrowthVerdict::Steady);
    }

    #[test]
    fn old_points_say_nothing() {
        let sizes = series(&[100.0; 15]);
        let judged = GrowthThresholds::default().judge(&sizes, date(2026, 3, 20));
        assert_eq!((judged.verdict, judged.points), (GrowthVerdict::Unknown, 15));
    }

    #[test]
    fn a_gap_spreads_its_change() {
        let mut sizes = series(&[100.0; 14]);
        sizes.push(DailySize { day: date(2026, 3, 18), bytes: 140.0 * GIB });
        let judged = GrowthThresholds::default().judge(&sizes, date(2026, 3, 19));
        assert_eq!(judged.change / GIB, 10.0);
    }

    proptest! {
        #[test]
        fn never_panics_and_flat_is_steady(sizes in prop::collection::vec(0.0..1e7_f64, 0..40), flat in 0.0..1e9_f64) {
            let _ = verdict(&sizes);
            prop_assert_eq!(verdict(&[flat; 15]), GrowthVerdict::Steady);
        }
    }
}
