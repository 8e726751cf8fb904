//! Warnings about the files of a share.

use crate::cli::input::metadata::{Cleaned, FROM_A_PIPE, Known};
use crate::cli::output::Output;
use crate::manifest::Manifest;
use crate::media::Kind;
use crate::media::formats::Format;

/// The most files that a warning names.
const NAMED: usize = 5;

/// Warns of metadata that stays in photos, videos, sounds and documents.
pub(super) fn of_metadata(inputs: &[Known], sent: &Manifest, output: &Output) {
    let mut stays = Vec::new();
    for (known, entry) in inputs.iter().zip(&sent.entries) {
        let why = match &known.cleaned {
            Cleaned::Of(_) => continue,
            Cleaned::Not(why) => Some(why),
            Cleaned::AsItIs => None,
        };
        stays.extend(known.format(entry).map(|format| (known.name(entry), why, format)));
    }
    let is_media = |format: Format| format == Format::Media;
    let has = match (stays.iter().any(|stay| is_media(stay.2)), stays.iter().all(|stay| is_media(stay.2))) {
        (_, true) => "location, time and camera data",
        (false, _) => "author, times and comments",
        _ => "location, time, camera data, author and comments",
    };
    match &stays[..] {
        [] => {}
        [(name, why, _)] => {
            let why = why.map_or(FROM_A_PIPE.to_owned(), ToString::to_string);
            output.warn(&format!("metadata NOT removed from {name} ({why}): {has} may remain"));
        }
        many => {
            let names = named(many.iter().map(|(name, ..)| name.clone()).collect());
            output.warn(&format!("metadata NOT removed from {names}: {has} may remain"));
        }
    }
}

/// The first names, and the number of the others.
fn named(mut names: Vec<String>) -> String {
    let rest = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    match rest {
        0 => {}
        1 => names.push("one more".to_owned()),
        many => names.push(format!("{many} more")),
    }
    names.join(", ")
}

/// Warns of formats that most browsers do not show, and names one that they do.
pub(super) fn of_browsers(inputs: &[Known], sent: &Manifest, view_only: bool, output: &Output) {
    let unshown: Vec<(String, Kind, String)> = inputs
        .iter()
        .zip(&sent.entries)
        .filter_map(|(known, entry)| {
            known.unshown(entry, view_only).map(|(kind, what)| (known.name(entry), kind, what))
        })
        .collect();
    let Some((name, kind, what)) = unshown.first() else { return };
    let convert = match kind {
        Kind::Photo => "JPEG",
        Kind::Sound => "MP3",
        _ => "MP4 with H.264",
    };
    let others = match unshown.len() - 1 {
        0 => String::new(),
        1 => " and one more".to_owned(),
        more => format!(" and {more} more"),
    };
    output.warn(&if view_only {
        format!(
            "most browsers cannot show {name}{others} ({what}), and --view-only forbids saving: convert to \
             {convert} first"
        )
    } else {
        format!(
            "most browsers cannot show {name}{others} ({what}): recipients must save it or use share open; \
             {convert} works everywhere"
        )
    });
}

#[cfg(test)]
mod tests {
    #[test]
    fn five_names_are_shown_and_the_others_are_counted() {
        let names = |count: usize| super::named((1..=count).map(|number| number.to_string()).collect());
        assert_eq!(names(2), "1, 2");
        assert_eq!(names(5), "1, 2, 3, 4, 5");
        assert_eq!(names(6), "1, 2, 3, 4, 5, one more");
        assert_eq!(names(9), "1, 2, 3, 4, 5, 4 more");
    }
}
