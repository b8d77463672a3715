//! The listing of `bulkprop protocols`: every protocol with its presets and knobs, as they are written behind its name.

use super::wrapping::{COLUMNS, columns, wrapped};
use crate::scenario::{Choice, MembershipSpec, ProtocolKind, ProtocolSheet};

/// Returns the names of all protocols, those of membership among them.
pub(super) fn names() -> Vec<&'static str> {
    let names = ProtocolKind::ALL.iter().map(|kind| kind.name());
    names.chain(MembershipSpec::sheets().map(|sheet| sheet.name)).collect()
}

/// Writes the listing of all protocols, or of one with the values of its presets side by side.
pub(super) fn listing(name: Option<&str>) -> String {
    let all = ProtocolKind::ALL.iter().map(|kind| kind.sheet()).chain(MembershipSpec::sheets());
    let sheets: Vec<ProtocolSheet> = all.filter(|sheet| name.is_none_or(|name| name == sheet.name)).collect();
    let items: Vec<Vec<(String, String)>> = sheets.iter().map(items).collect();
    let width = items.iter().flatten().map(|(left, _)| columns(left)).max().unwrap_or(0);
    let mut text = String::from(HEAD);
    for (sheet, items) in sheets.iter().zip(items) {
        text += &wrapped(&format!("{}: {}", sheet.name, sheet.about), "\n", "      ");
        for (left, right) in items {
            let padding = " ".repeat(width - columns(&left));
            text += &wrapped(&right, &format!("  {left}{padding}  "), &" ".repeat(width + 4));
        }
        if name.is_some() && sheet.presets.len() > 1 {
            text += &preset_values(sheet);
        }
    }
    text
}

/// Returns the presets and knobs of a protocol, each as it is written and with its explanation.
fn items(sheet: &ProtocolSheet) -> Vec<(String, String)> {
    let presets = sheet.presets.iter().enumerate().map(|(place, &(name, source))| {
        let default = if place == 0 { "the default: " } else { "" };
        (format!(":{name}"), format!("{default}{source}"))
    });
    let knobs = sheet.knobs.iter().map(|knob| {
        let value = knob.values.first().map_or("", String::as_str);
        (format!(",{}={value}", knob.name), knob.help.to_owned())
    });
    presets.chain(knobs).collect()
}

/// Writes the values of each preset side by side, as many presets to a table as fit.
fn preset_values(sheet: &ProtocolSheet) -> String {
    let names = sheet.knobs.iter().map(|knob| columns(knob.name)).max().unwrap_or(0);
    let column = |place: usize| -> Vec<&str> {
        let values = sheet.knobs.iter().map(|knob| knob.values.get(place).map_or("", String::as_str));
        std::iter::once(sheet.presets[place].0).chain(values).collect()
    };
    let all: Vec<Vec<&str>> = (0..sheet.presets.len()).map(column).collect();
    let width = all.iter().flatten().map(|cell| columns(cell)).max().unwrap_or(0) + 2;
    let per_table = ((COLUMNS - 2 - names) / width).max(1);
    let mut text = String::new();
    for part in all.chunks(per_table) {
        text += "\n";
        for row in 0..=sheet.knobs.len() {
            let name = row.checked_sub(1).map_or("", |knob| sheet.knobs[knob].name);
            let cells: String = part.iter().map(|column| format!("{:>width$}", column[row])).collect();
            text += &format!("  {name:names$}{cells}\n");
        }
    }
    text
}

const HEAD: &str = "\
--protocol NAME[:PRESET][,knob=value...][@hyparview[:PRESET][,knob=value...]]
A knob shows its default; `bulkprop protocols NAME` compares the presets.
";
