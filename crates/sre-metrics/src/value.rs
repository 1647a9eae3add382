//! What a query gives: samples with times, labels and values that may be NaN or infinite.
//!
//! ```
//! use sre_metrics::value::{QueryData, SampleValue};
//!
//! let json = r#"{"resultType":"vector","result":[{"metric":{"__name__":"up","job":"api"},"value":[1774249200.5,"+Inf"]}]}"#;
//! let QueryData::Vector(samples) = serde_json::from_str(json).unwrap() else { panic!() };
//! assert_eq!(samples[0].labels.to_string(), r#"up{job="api"}"#);
//! assert_eq!(samples[0].sample.value, SampleValue(f64::INFINITY));
//! assert_eq!(samples[0].sample.at.to_string(), "2026-03-23T07:00:00.5Z");
//! ```

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::de::{Error as _, IgnoredAny};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A value as Prometheus has it. In JSON it is a number, or text (`"NaN"`, `"+Inf"`, `"-Inf"`) where JSON has no number.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct SampleValue(pub f64);

/// A value at a time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Sample {
    /// When, to the millisecond.
    pub at: Timestamp,
    /// What.
    pub value: SampleValue,
}

/// Label names and values, the metric's name (`__name__`) included, sorted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Labels(BTreeMap<String, String>);

/// One series of an instant query.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct InstantSample {
    /// Which series.
    pub labels: Labels,
    /// Its value.
    pub sample: Sample,
}

/// One series of a range query.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Series {
    /// Which series.
    pub labels: Labels,
    /// Its values, oldest first.
    pub samples: Vec<Sample>,
}

/// The result of a query. Native histograms are not read: a series that has nothing else is left out
/// ([`QueryData::Vector`] and [`QueryData::Matrix`] are then shorter).
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum QueryData {
    /// A value for each series.
    Vector(Vec<InstantSample>),
    /// Many values for each series.
    Matrix(Vec<Series>),
    /// A value of no series.
    Scalar(Sample),
    /// Text.
    String(String),
}

// === impl SampleValue ===

impl SampleValue {
    /// Neither NaN nor infinite.
    #[must_use]
    pub fn is_finite(self) -> bool {
        self.0.is_finite()
    }
}

impl fmt::Display for SampleValue {
    /// Three or so digits that matter: `0.41`, `93.4`, `12345`, `NaN`, `+Inf`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let v = self.0;
        if v.is_nan() {
            return f.pad("NaN");
        }
        if v.is_infinite() {
            return f.pad(if v > 0.0 { "+Inf" } else { "-Inf" });
        }
        let text = match v.abs() {
            a if a >= 1e15 => format!("{v:.2e}"),
            a if a >= 100.0 => format!("{v:.0}"),
            a if a >= 10.0 => format!("{v:.1}"),
            a if a >= 0.01 => format!("{v:.2}"),
            0.0 => "0".to_owned(),
            _ => format!("{v:.1e}"),
        };
        let short = if text.contains('.') && !text.contains('e') {
            text.trim_end_matches('0').trim_end_matches('.')
        } else {
            &text
        };
        f.pad(short)
    }
}

impl Serialize for SampleValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_finite() { serializer.serialize_f64(self.0) } else { serializer.collect_str(self) }
    }
}

impl<'de> Deserialize<'de> for SampleValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Wire {
            Number(f64),
            Text(String),
        }
        match Wire::deserialize(deserializer)? {
            Wire::Number(value) => Ok(Self(value)),
            Wire::Text(text) => {
                text.parse().map(Self).map_err(|_| D::Error::custom(format!("`{text}` is not a sample value")))
            }
        }
    }
}

// === impl Sample ===

impl<'de> Deserialize<'de> for Sample {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (seconds, value) = <(f64, SampleValue)>::deserialize(deserializer)?;
        Ok(Self { at: timestamp(seconds).map_err(D::Error::custom)?, value })
    }
}

fn timestamp(seconds: f64) -> Result<Timestamp, String> {
    #[expect(clippy::cast_possible_truncation, reason = "the cast saturates, and what is out of range is refused")]
    Timestamp::from_millisecond((seconds * 1000.0).round() as i64).map_err(|e| format!("{seconds} is no time: {e}"))
}

// === impl Labels ===

impl Labels {
    /// The value of a label; an absent label is the same as an empty one, as in PromQL.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// Names and values in order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `a=1 b=2` without the labels that `skip` names; empty values are left out.
    #[must_use]
    pub fn words(&self, skip: impl Fn(&str) -> bool) -> String {
        let kept = self.iter().filter(|(name, value)| !value.is_empty() && !skip(name));
        kept.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Labels {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(k, v)| (k.into(), v.into())).collect())
    }
}

impl fmt::Display for Labels {
    /// As PromQL writes a series.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pairs: Vec<String> = self
            .iter()
            .filter(|(name, _)| *name != "__name__")
            .map(|(name, value)| format!("{name}={value:?}"))
            .collect();
        write!(f, "{}{{{}}}", self.get("__name__"), pairs.join(","))
    }
}

// === impl QueryData ===

impl<'de> Deserialize<'de> for QueryData {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(tag = "resultType", content = "result", rename_all = "lowercase")]
        enum Wire {
            Vector(Vec<WireInstant>),
            Matrix(Vec<WireSeries>),
            Scalar(Sample),
            String((IgnoredAny, String)),
        }
        #[derive(Deserialize)]
        struct WireInstant {
            metric: Labels,
            value: Option<Sample>,
        }
        #[derive(Deserialize)]
        struct WireSeries {
            metric: Labels,
            values: Option<Vec<Sample>>,
        }
        Ok(match Wire::deserialize(deserializer)? {
            Wire::Vector(items) => Self::Vector(
                items
                    .into_iter()
                    .filter_map(|i| i.value.map(|sample| InstantSample { labels: i.metric, sample }))
                    .collect(),
            ),
            Wire::Matrix(items) => Self::Matrix(
                items
                    .into_iter()
                    .filter_map(|i| i.values.map(|samples| Series { labels: i.metric, samples }))
                    .collect(),
            ),
            Wire::Scalar(sample) => Self::Scalar(sample),
            Wire::String((_, text)) => Self::String(text),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<QueryData, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn every_result_type_is_read() {
        let scalar = read(r#"{"resultType":"scalar","result":[1774249200,"NaN"]}"#).unwrap();
        assert!(matches!(scalar, QueryData::Scalar(s) if s.value.0.is_nan()));
        assert_eq!(
            read(r#"{"resultType":"string","result":[1774249200,"hi"]}"#).unwrap(),
            QueryData::String("hi".into())
        );
        let matrix = read(r#"{"result":[{"metric":{},"values":[[1,"1"],[2,"-Inf"]]}],"resultType":"matrix"}"#).unwrap();
        let QueryData::Matrix(series) = matrix else { panic!("{matrix:?}") };
        assert_eq!(series[0].samples[1].value, SampleValue(f64::NEG_INFINITY));
    }

    #[test]
    fn a_native_histogram_is_left_out() {
        let json = r#"{"resultType":"vector","result":[{"metric":{"a":"b"},"histogram":[1,{"count":"3","sum":"1"}]}]}"#;
        assert_eq!(read(json).unwrap(), QueryData::Vector(Vec::new()));
    }

    #[test]
    fn nonsense_is_an_error() {
        for json in [
            r#"{"resultType":"vector","result":[{"metric":{},"value":[1,"many"]}]}"#,
            r#"{"resultType":"vector","result":[{"metric":{},"value":[1e300,"1"]}]}"#,
            r#"{"resultType":"tensor","result":[]}"#,
            r#"{"result":[]}"#,
        ] {
            assert!(read(json).is_err(), "{json}");
        }
    }

    #[test]
    fn values_are_shown_short() {
        for (value, text) in [
            (0.4142, "0.41"),
            (93.44, "93.4"),
            (80.0, "80"),
            (0.0, "0"),
            (12345.6, "12346"),
            (0.00042, "4.2e-4"),
            (f64::INFINITY, "+Inf"),
            (100.0, "100"),
        ] {
            assert_eq!(SampleValue(value).to_string(), text);
        }
        assert_eq!(serde_json::to_string(&[SampleValue(0.5), SampleValue(f64::NAN)]).unwrap(), r#"[0.5,"NaN"]"#);
    }

    proptest::proptest! {
        #[test]
        fn any_number_survives_the_wire(bits: u64) {
            let value = f64::from_bits(bits);
            let json = serde_json::json!([1.0, format!("{value}")]);
            let sample: Sample = serde_json::from_value(json).unwrap();
            assert!(sample.value.0 == value || value.is_nan());
        }

        #[test]
        fn showing_never_panics(bits: u64) {
            let _ = SampleValue(f64::from_bits(bits)).to_string();
        }
    }
}
