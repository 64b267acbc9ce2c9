//! Colours and sizes. The only file that makes colours.

use egui::Color32;

/// The space between things, points.
pub const GAP: f32 = 8.0;
/// The space around a pane's content, points.
pub const PANE_MARGIN: f32 = 10.0;
/// Body text, points.
pub const TEXT_SIZE: f32 = 13.5;
/// Headings, points.
pub const HEADING_SIZE: f32 = 17.0;
/// Small text such as axis labels, points.
pub const SMALL_SIZE: f32 = 11.5;
/// The corner radius of cards and buttons, points.
pub const RADIUS: u8 = 5;

/// The colours of one theme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tokens {
    /// Behind everything.
    pub background: Color32,
    /// Panes and cards.
    pub surface: Color32,
    /// Raised things: hovered rows, chips.
    pub raised: Color32,
    /// Thin lines.
    pub border: Color32,
    /// Text.
    pub text: Color32,
    /// Text of secondary importance; still at least 4.5 to 1 on `surface`.
    pub weak_text: Color32,
    /// The one main action, selection, links.
    pub accent: Color32,
    /// Text on `accent`.
    pub on_accent: Color32,
    /// Things that went well.
    pub good: Color32,
    /// Things to look at.
    pub warning: Color32,
    /// Things that went wrong.
    pub bad: Color32,
    /// Lines of charts, in the order of Okabe and Ito's palette, which colour-blind readers can tell apart.
    pub series: [Color32; 7],
}

impl Tokens {
    /// The dark theme.
    pub const DARK: Self = Self {
        background: Color32::from_rgb(0x15, 0x18, 0x1d),
        surface: Color32::from_rgb(0x1c, 0x20, 0x27),
        raised: Color32::from_rgb(0x2a, 0x30, 0x3a),
        border: Color32::from_rgb(0x38, 0x40, 0x4c),
        text: Color32::from_rgb(0xe4, 0xe8, 0xee),
        weak_text: Color32::from_rgb(0xa3, 0xae, 0xbc),
        accent: Color32::from_rgb(0x2f, 0x6f, 0xd0),
        on_accent: Color32::from_rgb(0xff, 0xff, 0xff),
        good: Color32::from_rgb(0x4c, 0xc3, 0x8a),
        warning: Color32::from_rgb(0xe8, 0xb4, 0x4a),
        bad: Color32::from_rgb(0xf0, 0x7a, 0x6a),
        series: [
            Color32::from_rgb(0x56, 0xb4, 0xe9),
            Color32::from_rgb(0xe6, 0x9f, 0x00),
            Color32::from_rgb(0x1f, 0xc4, 0x93),
            Color32::from_rgb(0xcc, 0x79, 0xa7),
            Color32::from_rgb(0xf0, 0xe4, 0x42),
            Color32::from_rgb(0xe8, 0x73, 0x2a),
            Color32::from_rgb(0x7f, 0x9c, 0xf5),
        ],
    };

    /// The light theme.
    pub const LIGHT: Self = Self {
        background: Color32::from_rgb(0xee, 0xf0, 0xf3),
        surface: Color32::from_rgb(0xff, 0xff, 0xff),
        raised: Color32::from_rgb(0xe4, 0xe8, 0xee),
        border: Color32::from_rgb(0xcb, 0xd2, 0xdb),
        text: Color32::from_rgb(0x1b, 0x22, 0x2b),
        weak_text: Color32::from_rgb(0x55, 0x60, 0x6e),
        accent: Color32::from_rgb(0x1f, 0x5f, 0xbf),
        on_accent: Color32::from_rgb(0xff, 0xff, 0xff),
        good: Color32::from_rgb(0x0b, 0x7a, 0x4b),
        warning: Color32::from_rgb(0x8f, 0x5c, 0x00),
        bad: Color32::from_rgb(0xb8, 0x2d, 0x1c),
        series: [
            Color32::from_rgb(0x00, 0x72, 0xb2),
            Color32::from_rgb(0xb3, 0x6b, 0x00),
            Color32::from_rgb(0x00, 0x8a, 0x66),
            Color32::from_rgb(0xb0, 0x52, 0x87),
            Color32::from_rgb(0x8a, 0x7a, 0x00),
            Color32::from_rgb(0xc2, 0x4e, 0x00),
            Color32::from_rgb(0x4a, 0x5f, 0xc4),
        ],
    };

    /// The colour of the n-th line of a chart; starts again after the last.
    pub fn series_color(&self, series_idx: usize) -> Color32 {
        self.series[series_idx % self.series.len()]
    }

    /// One of many colours, for codes: numbers that follow each other are far apart in hue.
    pub fn code_color(&self, code: usize) -> Color32 {
        const GOLDEN_RATIO: f32 = 0.618_034;
        let hue = (code as f32 * GOLDEN_RATIO).fract();
        // Strong and dark on light surfaces, pale and bright on dark ones.
        let is_dark = self.surface.r() < self.text.r();
        let (saturation, value) = if is_dark { (0.82, 0.9) } else { (0.92, 0.5) };
        egui::ecolor::Hsva::new(hue, saturation, value, 1.0).into()
    }

    /// From `surface` to the first series colour, for heat maps; `fraction` 0 to 1.
    pub fn heat(&self, fraction: f32) -> Color32 {
        self.raised
            .lerp_to_gamma(self.series[0], fraction.clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance by WCAG 2.
    fn luminance(color: Color32) -> f32 {
        let rgba = egui::Rgba::from(color);
        0.2126 * rgba.r() + 0.7152 * rgba.g() + 0.0722 * rgba.b()
    }

    fn contrast(a: Color32, b: Color32) -> f32 {
        let (a, b) = (luminance(a) + 0.05, luminance(b) + 0.05);
        a.max(b) / a.min(b)
    }

    #[test]
    fn text_and_lines_stand_out() {
        for tokens in [Tokens::DARK, Tokens::LIGHT] {
            for text in [
                tokens.text,
                tokens.weak_text,
                tokens.good,
                tokens.warning,
                tokens.bad,
            ] {
                for under in [tokens.surface, tokens.background] {
                    let ratio = contrast(text, under);
                    assert!(ratio >= 4.5, "{text:?} on {under:?}: {ratio}");
                }
            }
            assert!(contrast(tokens.on_accent, tokens.accent) >= 4.5);
            for line in tokens.series {
                let ratio = contrast(line, tokens.surface);
                assert!(ratio >= 3.0, "{line:?}: {ratio}");
            }
        }
    }
}
