//! A table of text, written for a spreadsheet, for a page or for a paper. What stands in it is its maker's affair.

/// How a table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableFormat {
    /// Comma-separated values with a header, as RFC 4180 has them.
    Csv,
    /// A Markdown table.
    Markdown,
    /// A LaTeX tabular in the style of booktabs.
    Latex,
}

impl TableFormat {
    /// All formats in order.
    pub const ALL: [Self; 3] = [Self::Csv, Self::Markdown, Self::Latex];

    /// What it is called.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Csv => "CSV",
            Self::Markdown => "Markdown",
            Self::Latex => "LaTeX",
        }
    }

    /// The ending of its files, without the dot.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Markdown => "md",
            Self::Latex => "tex",
        }
    }
}

/// Header and rows of text. A cell without a value is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// Names of the columns.
    pub header: Vec<String>,
    /// Cells, row by row.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// The table as text, with a line feed at the end.
    pub fn render(&self, format: TableFormat) -> String {
        let rows = std::iter::once(&self.header).chain(&self.rows);
        match format {
            TableFormat::Csv => rows.map(|row| line(row, ",", "\n", csv_cell)).collect(),
            TableFormat::Markdown => {
                let mut lines: Vec<String> = rows
                    .map(|row| format!("| {}", line(row, " | ", " |\n", markdown_cell)))
                    .collect();
                lines.insert(1, format!("|{}\n", "---|".repeat(self.header.len())));
                lines.concat()
            }
            TableFormat::Latex => {
                let mut lines: Vec<String> = rows
                    .map(|row| line(row, " & ", " \\\\\n", latex_cell))
                    .collect();
                lines.insert(1, "\\midrule\n".to_owned());
                let columns = format!("l{}", "r".repeat(self.header.len().saturating_sub(1)));
                format!(
                    "\\begin{{tabular}}{{{columns}}}\n\\toprule\n{}\\bottomrule\n\\end{{tabular}}\n",
                    lines.concat()
                )
            }
        }
    }
}

fn line(cells: &[String], between: &str, end: &str, escape: fn(&str) -> String) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| escape(cell)).collect();
    format!("{}{end}", cells.join(between))
}

fn csv_cell(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

fn markdown_cell(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('|', "\\|")
        .replace(['\n', '\r'], " ")
}

fn latex_cell(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => format!("\\{c}"),
            '~' => "\\textasciitilde{}".to_owned(),
            '^' => "\\textasciicircum{}".to_owned(),
            '\\' => "\\textbackslash{}".to_owned(),
            '±' => "$\\pm$".to_owned(),
            '\n' | '\r' => " ".to_owned(),
            c => c.to_string(),
        })
        .collect()
}

/// With so many digits after the point.
pub fn fixed(value: f64, digits: usize) -> String {
    format!("{value:.digits$}")
}

/// Four significant digits.
pub fn significant(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    let digits = (3 - value.abs().log10().floor() as i32).max(0) as usize;
    format!("{value:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_escapes_what_it_must() {
        let cells = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let table = Table {
            header: cells(["name", "value", "note"]),
            rows: vec![
                cells(["one", "1.5 ± .1", ""]),
                cells(["a_b", "0.00", "5 % of \"x\", y | z"]),
            ],
        };
        let csv = table.render(TableFormat::Csv);
        assert!(csv.ends_with(",\"5 % of \"\"x\"\", y | z\"\n"), "{csv}");
        let markdown = table.render(TableFormat::Markdown);
        assert!(markdown.contains("y \\| z |\n"), "{markdown}");
        let n_cells = |line: &str| line.replace("\\|", "").matches('|').count();
        assert!(
            markdown
                .lines()
                .all(|line| n_cells(line) == table.header.len() + 1)
        );
        let latex = table.render(TableFormat::Latex);
        assert!(latex.contains("a\\_b & 0.00"), "{latex}");
        assert!(latex.contains("5 \\% of"), "{latex}");
        assert!(latex.contains("1.5 $\\pm$ .1"), "{latex}");
        assert!(latex.starts_with("\\begin{tabular}{lrr"), "{latex}");
    }

    #[test]
    fn small_and_large_values_keep_four_digits() {
        assert_eq!(significant(0.000_123_456), "0.0001235");
        assert_eq!(significant(1234.56), "1235");
        assert_eq!(significant(0.0), "0");
    }
}
