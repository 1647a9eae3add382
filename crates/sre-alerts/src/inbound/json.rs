//! Reading a JSON body: any fault is named by the path of its field.

use serde::de::DeserializeOwned;

use super::rejection::{Rejection, RejectionKind};

/// Reads a body. Nesting beyond 128 levels is refused, as serde_json does.
pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Rejection> {
    // Keeping the path takes longer than all the rest: only a body with a fault is read again for it.
    serde_json::from_slice(body).or_else(|_| read_with_path(body))
}

fn read_with_path<T: DeserializeOwned>(body: &[u8]) -> Result<T, Rejection> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        rejection(&path, &error.into_inner())
    })?;
    json.end().map_err(|error| rejection(".", &error))?;
    Ok(value)
}

fn rejection(path: &str, error: &serde_json::Error) -> Rejection {
    let why = error.to_string();
    let rejection = Rejection::new(RejectionKind::Malformed, &why);
    // These two are reported for the object; the field is in the words.
    let named = ["missing field `", "duplicate field `"].iter().find_map(|words| why.strip_prefix(words));
    let inner = named.and_then(|rest| rest.split_once('`')).map(|(name, _)| name);
    match (path, inner) {
        (".", None) => rejection,
        (".", Some(name)) => rejection.field(name),
        (path, None) => rejection.field(path),
        (path, Some(name)) => rejection.field(format!("{path}.{name}")),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only read")]
    struct Outer {
        inner: Vec<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only read")]
    struct Inner {
        number: u32,
    }

    #[test]
    fn faults_are_named_by_their_path() {
        for (body, expected) in [
            (r#"{"inner":[{"number":1},{"number":"x"}]}"#, "inner[1].number: invalid type"),
            (r#"{"inner":[{}]}"#, "inner[0].number: missing field"),
            ("{}", "inner: missing field"),
            (r#"{"inner":[]} x"#, "trailing characters"),
            ("", "EOF while parsing"),
        ] {
            let text = read::<Outer>(body.as_bytes()).unwrap_err().to_string();
            assert!(text.starts_with(expected), "{body}: {text}");
        }
        assert!(read::<Outer>(b"{\"inner\":[\xff]}").is_err());
        assert!(read::<serde_json::Value>("[".repeat(100_000).as_bytes()).is_err());
        assert!(read::<Outer>(format!("{{\"x\":{}", "[".repeat(1_000_000)).as_bytes()).is_err());
    }
}
