//! The journal of calls: how call counts and calls in a row are measured.

use serde::{Deserialize, Serialize};

/// One call that reached the emulator.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Entry {
    /// Position since the journal was last emptied, from 1.
    pub seq: u64,
    /// Arrival, milliseconds since the emulator started.
    pub at_ms: f64,
    /// Time until the answer was ready, in milliseconds.
    pub duration_ms: f64,
    /// HTTP method.
    pub method: String,
    /// Path without query.
    pub path: String,
    /// Okta's operationId, or what stands in for it where the published
    /// description has none. Not read back.
    #[serde(rename = "operationId", skip_deserializing)]
    pub operation_id: Option<&'static str>,
    /// Status of the answer; 0 if the connection was dropped.
    pub status: u16,
    /// Bytes of the answer's body.
    #[serde(default)]
    pub bytes: u64,
}

/// Length of the longest chain of calls of which each began after the one
/// before it had ended: what latency is made of.
pub fn calls_in_a_row(entries: &[Entry]) -> usize {
    let mut spans: Vec<(f64, f64)> = entries.iter().map(|e| (e.at_ms + e.duration_ms, e.at_ms)).collect();
    spans.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut chain, mut free_at) = (0, f64::MIN);
    for (end, start) in spans {
        if start >= free_at {
            chain += 1;
            free_at = end;
        }
    }
    chain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(at_ms: f64, duration_ms: f64) -> Entry {
        let (method, path) = (String::new(), String::new());
        Entry { seq: 1, at_ms, duration_ms, method, path, operation_id: None, status: 200, bytes: 0 }
    }

    #[test]
    fn overlapping_calls_count_once() {
        assert_eq!(calls_in_a_row(&[]), 0);
        assert_eq!(calls_in_a_row(&[entry(0.0, 10.0), entry(1.0, 10.0), entry(2.0, 3.0)]), 1);
        assert_eq!(
            calls_in_a_row(&[entry(0.0, 10.0), entry(1.0, 5.0), entry(10.5, 10.0), entry(21.0, 1.0)]),
            3
        );
    }
}
