//! The options of a scenario as a list of names and values.

use serde_json::Value;

/// Lists options with their values, those of a group as `group.name`.
pub(super) fn list_options(options: &Value, name: &str, list: &mut Vec<(String, String)>) {
    let value = match options {
        Value::Object(fields) => {
            for (field, option) in fields {
                let name = if name.is_empty() { field.clone() } else { format!("{name}.{field}") };
                list_options(option, &name, list);
            }
            return;
        }
        Value::String(text) => text.clone(),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    };
    list.push((name.to_owned(), value));
}
