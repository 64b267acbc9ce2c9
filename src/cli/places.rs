//! Where samples are found and where runs go.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use etcetera::{AppStrategy as _, AppStrategyArgs};

/// The short-video sample: in `$ONEREC_HOME`, beside the program or above it, in the current folder, or in the sources.
pub(crate) fn sample() -> Option<PathBuf> {
    let home = std::env::var_os("ONEREC_HOME").map(PathBuf::from);
    let program = std::env::current_exe().ok();
    let here = std::env::current_dir().ok();
    home.as_deref()
        .into_iter()
        .chain(program.iter().flat_map(|path| path.ancestors().skip(1)))
        .chain(here.as_deref())
        .chain([Path::new(env!("CARGO_MANIFEST_DIR"))])
        .map(|folder| folder.join("datasets").join("short-video"))
        .find(|folder| folder.is_dir())
}

/// The folder of all runs that were given no folder: `$ONEREC_HOME/runs`, or in the user's data folder.
pub(crate) fn runs() -> PathBuf {
    let home = std::env::var_os("ONEREC_HOME").map(PathBuf::from);
    home.or_else(|| {
        let places = etcetera::choose_app_strategy(AppStrategyArgs {
            top_level_domain: "org".to_owned(),
            author: "OneRec".to_owned(),
            app_name: "OneRec Workbench".to_owned(),
        });
        Some(places.ok()?.data_dir())
    })
    // A user without a home folder still gets a run.
    .unwrap_or_else(|| PathBuf::from("onerec-home"))
    .join("runs")
}

/// A folder for a new run on `data` that does not exist yet.
pub(crate) fn new_run(data: &Path) -> PathBuf {
    let seconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let dataset = data.file_stem().map_or_else(
        || "data".to_owned(),
        |name| name.to_string_lossy().into_owned(),
    );
    let name = format!("{}-{dataset}", date(seconds));
    let first = runs().join(&name);
    let others = (2..).map(|number| runs().join(format!("{name}-{number}")));
    std::iter::once(first)
        .chain(others)
        .find(|folder| !folder.exists())
        .expect("some number is always free")
}

/// Seconds since 1970 as `20260214-133005` in UTC: sorts by time and is a file name everywhere.
fn date(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Years are counted from March, so that the leap day is the last (Hinnant, "chrono-compatible low-level date algorithms").
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!(
        "{year:04}{month:02}{day:02}-{:02}{:02}{:02}",
        rest / 3600,
        rest / 60 % 60,
        rest % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_know_leap_years() {
        for (seconds, expected) in [
            (0, "19700101-000000"),
            (951_782_400, "20000229-000000"),
            (1_709_251_199, "20240229-235959"),
            (1_709_251_200, "20240301-000000"),
            (1_735_689_599, "20241231-235959"),
        ] {
            assert_eq!(date(seconds), expected);
        }
    }
}
