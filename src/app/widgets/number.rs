//! Numbers as text: grouped counts, significant digits, units. The same everywhere in the window.

pub use crate::engine::number::count;

/// A value with `digits` significant digits; very large and very small ones with an exponent.
pub fn significant(value: f64, digits: usize) -> String {
    if !value.is_finite() {
        return value.to_string();
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    let digits = digits.max(1);
    // Rounding can reach the next power of ten, so the exponent is read after rounding.
    let scientific = format!("{value:.*e}", digits - 1);
    let exponent: i32 = scientific
        .split_once('e')
        .and_then(|(_, exponent)| exponent.parse().ok())
        .unwrap_or(0);
    if !(-4..=6).contains(&exponent) {
        return scientific;
    }
    let decimals = (digits as i32 - 1 - exponent).max(0) as usize;
    format!("{value:.decimals$}")
}

/// A value with a sign and `digits` significant digits: +0.0123.
pub fn signed(value: f64, digits: usize) -> String {
    let text = significant(value, digits);
    if value > 0.0 {
        format!("+{text}")
    } else {
        text
    }
}

/// A share as a percentage with one decimal: 97.3%.
pub fn percent(share: f64) -> String {
    if share.is_finite() {
        format!("{:.1}%", share * 100.0)
    } else {
        share.to_string()
    }
}

/// A size in the decimal unit that keeps it below 1000: 12.3 MB.
pub fn bytes(value: u64) -> String {
    let mut amount = value as f64;
    for unit in ["B", "kB", "MB", "GB"] {
        if amount < 999.5 {
            return if unit == "B" {
                format!("{value} B")
            } else {
                format!("{amount:.1} {unit}")
            };
        }
        amount /= 1000.0;
    }
    format!("{amount:.1} TB")
}

/// A length of time: 0.8 s, 42 s, 3 min 05 s, 2 h 07 min.
pub fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "unknown".to_owned();
    }
    let whole = seconds.round() as u64;
    if seconds < 9.95 {
        format!("{seconds:.1} s")
    } else if whole < 60 {
        format!("{whole} s")
    } else if whole < 3600 {
        format!("{} min {:02} s", whole / 60, whole % 60)
    } else {
        format!("{} h {:02} min", whole / 3600, whole % 3600 / 60)
    }
}

/// A moment as date and time of day in UTC: 2022-04-08 12:33.
pub fn utc_minute(millis: i64) -> String {
    let minutes = millis.div_euclid(60_000);
    let (year, month, day) = civil_date(minutes.div_euclid(1440));
    let minute_of_day = minutes.rem_euclid(1440);
    format!(
        "{year:04}-{month:02}-{day:02} {:02}:{:02}",
        minute_of_day / 60,
        minute_of_day % 60
    )
}

/// A moment as time of day with seconds in UTC: 12:33:07.
pub fn utc_second_of_day(millis: u64) -> String {
    let second = millis / 1000 % 86_400;
    format!(
        "{:02}:{:02}:{:02}",
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

/// Year, month and day of a day counted from 1970-01-01 (proleptic Gregorian calendar).
fn civil_date(day: i64) -> (i64, i64, i64) {
    // Years begin in March here, so that the leap day is the last of its year.
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day_of_year - (153 * shifted_month + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_significant_digits() {
        assert_eq!(significant(5.123_45, 4), "5.123");
        assert_eq!(significant(0.001_234_5, 3), "0.00123");
        assert_eq!(significant(9.9996, 4), "10.00");
        assert_eq!(significant(12_345.6, 3), "12346");
        assert_eq!(significant(2e-7, 2), "2.0e-7");
        assert_eq!(significant(-0.5, 2), "-0.50");
        assert_eq!(significant(0.0, 4), "0");
        assert_eq!(significant(f64::NAN, 4), "NaN");
        assert_eq!(signed(0.5, 2), "+0.50");
        assert_eq!(signed(-0.5, 2), "-0.50");
    }

    #[test]
    fn units_stay_below_a_thousand() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(12_345_678), "12.3 MB");
        assert_eq!(percent(0.973), "97.3%");
        assert_eq!(duration(0.84), "0.8 s");
        assert_eq!(duration(59.7), "1 min 00 s");
        assert_eq!(duration(185.0), "3 min 05 s");
        assert_eq!(duration(7620.0), "2 h 07 min");
    }

    #[test]
    fn dates_follow_the_calendar() {
        assert_eq!(utc_minute(0), "1970-01-01 00:00");
        assert_eq!(utc_minute(1_649_421_180_000), "2022-04-08 12:33");
        assert_eq!(utc_minute(951_782_400_000), "2000-02-29 00:00");
        assert_eq!(utc_minute(-60_000), "1969-12-31 23:59");
        assert_eq!(utc_second_of_day(45_187_000), "12:33:07");
    }
}
