//! The report as one JSON object. Its fields are the report's own; `docs/REPORT.md` has a line for each.

use super::Report;

impl Report {
    /// Renders the report as one JSON object over several lines, without a line feed at the end.
    ///
    /// # Errors
    /// None is known: the report is plain data, and its numbers are finite. The serializer's own error is passed on.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self)
    }
}

#[cfg(test)]
mod tests {
    use crate::record::{Notice, PartCounts};
    use crate::report::fixtures;
    use crate::wire::Stray;
    use serde_json::Value;
    use std::collections::BTreeSet;

    /// Collects the paths of all fields in a value: `delay_ns.p50`, `workers[].sent`. Options and kinds of strays count
    /// as one field each.
    fn collect_paths(value: &Value, path: &str, paths: &mut BTreeSet<String>) {
        match value {
            // Their fields are described elsewhere.
            Value::Object(_) | Value::Array(_) if ["runs.each", "runs.over"].contains(&path) => {
                paths.insert(path.to_owned());
            }
            Value::Object(fields) if path != "scenario" && !path.ends_with("strays") => {
                for (name, field) in fields {
                    let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    collect_paths(field, &path, paths);
                }
            }
            Value::Array(items) if items.iter().any(Value::is_object) => {
                items.iter().for_each(|item| collect_paths(item, &format!("{path}[]"), paths));
            }
            _ => {
                paths.insert(path.to_owned());
            }
        }
    }

    fn parsed() -> Value {
        serde_json::from_str(&fixtures::thousand_nodes().to_json().unwrap()).unwrap()
    }

    #[test]
    fn every_field_is_documented_and_every_documented_one_written() {
        let mut written = BTreeSet::new();
        let whole: Value = serde_json::from_str(&fixtures::thousand_nodes_and_groups().to_json().unwrap()).unwrap();
        collect_paths(&whole, "", &mut written);
        let documented: BTreeSet<String> = fixtures::documented("Fields\n").into_iter().map(str::to_owned).collect();
        assert_eq!(written, documented);
    }

    #[test]
    fn every_field_of_a_bulk_is_documented_and_every_documented_one_written() {
        let report: Value = serde_json::from_str(&fixtures::bulk_report().to_json().unwrap()).unwrap();
        let mut written = BTreeSet::new();
        collect_paths(&report["bulk"], "", &mut written);
        let documented: BTreeSet<String> =
            fixtures::documented("Fields of a bulk").into_iter().map(str::to_owned).collect();
        assert_eq!(written, documented);
    }

    #[test]
    fn every_count_of_parts_is_documented_and_every_documented_one_written() {
        let mut written = BTreeSet::new();
        collect_paths(&serde_json::to_value(PartCounts::default()).unwrap(), "", &mut written);
        let documented: BTreeSet<String> =
            fixtures::documented("Fields of parts").into_iter().map(str::to_owned).collect();
        assert_eq!(written, documented);
    }

    #[test]
    fn every_figure_over_runs_is_documented_and_every_documented_one_written() {
        let records = vec![fixtures::thousand_nodes_record(); 5];
        let report: Value = serde_json::from_str(&fixtures::report(&records).to_json().unwrap()).unwrap();
        let mut written = BTreeSet::new();
        collect_paths(&report["runs"]["over"]["delay_ns"]["p50"], "", &mut written);
        let documented: BTreeSet<String> =
            fixtures::documented("Figures over runs").into_iter().map(str::to_owned).collect();
        assert_eq!(written, documented);
        assert_eq!(report["runs"]["each"].as_array().unwrap().len(), 5);
    }

    #[test]
    fn every_code_of_a_notice_is_documented_in_its_place() {
        assert_eq!(fixtures::documented("Notices"), Notice::CODES);
    }

    #[test]
    fn every_kind_of_stray_is_documented() {
        for kind in Stray::ALL {
            assert!(fixtures::DOCUMENT.contains(&format!("`{}`", kind.name())), "{}", kind.name());
        }
    }

    #[test]
    fn one_object_with_exact_numbers() {
        let report = parsed();
        for (field, value) in [
            ("/schema", Value::from(2)),
            ("/outcome", Value::from("target")),
            ("/order_outcome", Value::from("reached")),
            ("/clock", Value::from("real")),
            ("/transport", Value::from("udp")),
            ("/pinned", Value::from(true)),
            ("/nodes", Value::from(1000)),
            ("/reached", Value::from(984)),
            ("/target/share", Value::from(0.95)),
            ("/ledger/balanced", Value::from(true)),
            ("/ledger/strays/wrong_token", Value::from(3)),
            ("/scenario/fanout", Value::from(8)),
            ("/time_to_ns/100", Value::Null),
            ("/delay_ns/p99_9", Value::from(929_540)),
        ] {
            assert_eq!(report.pointer(field), Some(&value), "{field}");
        }
    }
}
