//! Sizes and costs as words, the same in the window and in the terminal.

/// A number of values: 410, 52.3 K, 105 M, 1.09 B.
pub fn parameters(n: u64) -> String {
    scaled(n, &["", " K", " M", " B", " T"])
}

/// A number of floating-point operations: 12.3 MFLOPs.
pub fn flops(n: u64) -> String {
    scaled(n, &[" FLOPs", " kFLOPs", " MFLOPs", " GFLOPs", " TFLOPs"])
}

/// An amount of memory: 12.3 MB.
pub fn bytes(n: u64) -> String {
    scaled(n, &[" B", " kB", " MB", " GB", " TB"])
}

/// Three significant digits in the unit that keeps the number below 1000.
fn scaled(n: u64, units: &[&str]) -> String {
    let mut amount = n as f64;
    for (unit_idx, unit) in units.iter().enumerate() {
        if amount < 999.5 || unit_idx + 1 == units.len() {
            return match amount {
                _ if unit_idx == 0 => format!("{n}{unit}"),
                _ if amount < 9.995 => format!("{amount:.2}{unit}"),
                _ if amount < 99.95 => format!("{amount:.1}{unit}"),
                _ => format!("{amount:.0}{unit}"),
            };
        }
        amount /= 1000.0;
    }
    n.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_and_a_unit() {
        assert_eq!(parameters(0), "0");
        assert_eq!(parameters(999), "999");
        assert_eq!(parameters(1_087_450_894), "1.09 B");
        assert_eq!(parameters(105_096_288), "105 M");
        assert_eq!(parameters(9_996), "10.0 K");
        assert_eq!(flops(18_890_000_000), "18.9 GFLOPs");
        assert_eq!(flops(5_000_000_000_000_000), "5000 TFLOPs");
        assert_eq!(bytes(999_600), "1.00 MB");
    }
}
